"""What people and pipelines ask for by hand: a pass, and that there is none for a while. Called by HTTP threads.

Only `Authorization: Bearer SECRET` counts here, or for a pass the same secret in the form of the page.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qs

from gitsync.base.errors import GitSyncError
from gitsync.base.log import get_logger
from gitsync.base.printable import printable_name
from gitsync.base.redact import scrub
from gitsync.config.values import DURATION
from gitsync.receiver.door import Door
from gitsync.receiver.request import Request
from gitsync.server.asked import asked, no_such_repository
from gitsync.server.form import Handler, or_form
from gitsync.server.receiving import request_of
from gitsync.server.routes import STEP_ASIDE, Environ, Response, Route
from gitsync.server.shown import as_json, shown_failure, shown_pause
from gitsync.sync.pausing import Pausing
from gitsync.telling.status import RepoStatus, StatusBoard

_LONGEST_WAIT: Final = 600.0
# Seconds after which it is worth to ask again.
_SOON: Final = 5
_COMING: Final = "it is just being started with another configuration"
_PAUSED: Final = "it is paused; a pass begins at POST /resume"


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """One repository; `sync` has a pass run, and returns the ticket of it."""

    repo: str
    sync: Callable[[], int]
    pausing: Pausing


class Controlling:
    """The routes for requests by hand, which are about all repositories, or about the one that they name."""

    def __init__(self, door: Door, controlled: Callable[[], Sequence[Controlled]], board: StatusBoard) -> None:
        """`controlled` returns those that are at work."""
        self._door = door
        self._controlled = controlled
        self._board = board
        self._log = get_logger()

    def routes(self) -> dict[str, Route]:
        """Return the routes by their paths."""
        handlers = {
            "/sync": or_form(self._guarded(self._sync)),
            "/pause": self._guarded(self._pause),
            "/resume": self._guarded(self._resume),
        }
        return {path: Route("POST", partial(_read, handler)) for path, handler in handlers.items()}

    def _guarded(self, handler: Callable[[Environ, Sequence[Controlled]], Response]) -> Handler:
        """Return a handler that lets only those in who have a secret, and knows what they ask for."""

        def handle(environ: Environ, request: Request) -> Response:
            if refused := self._door.admit(request):
                return Response(refused.status, f"{refused.message}\n".encode())
            snapshots = self._board.all()
            names = {snapshot.watched.repo for snapshot in asked(environ, snapshots)}
            chosen = [each for each in self._controlled() if each.repo in names]
            if not names:
                return no_such_repository(snapshots)
            if not chosen:
                return as_json(503, {"done": False, "message": _COMING}, retry_after=_SOON)
            try:
                return handler(environ, chosen)
            except GitSyncError as error:
                told = {"message": str(error), "reason": error.reason, "hint": error.hint}
                return as_json(503, told, retry_after=_SOON)

        return handle

    def _sync(self, environ: Environ, chosen: Sequence[Controlled]) -> Response:
        written = _query(environ, "wait")
        wait = None
        if written is not None:
            try:
                wait = _parse_wait(written)
            except ValueError as error:
                return as_json(400, {"done": False, "message": f"wait: {error}"})
            if not environ[STEP_ASIDE]():
                told = "too many wait already; nothing has begun"
                return as_json(503, {"done": False, "message": told}, retry_after=_SOON)
        tickets = {each.repo: each.sync() for each in chosen}
        self._log.info("sync_asked", v=1, wait=wait)
        if wait is not None:
            return self._outcome(tickets, wait=wait)
        paused = any(snapshot.paused for snapshot in self._board.all() if snapshot.watched.repo in tickets)
        return as_json(202, {"done": False, "message": _PAUSED if paused else "a pass begins"})

    def _outcome(self, tickets: Mapping[str, int], *, wait: float) -> Response:
        """Wait for the passes of these tickets, and tell what has come of them."""
        deadline = time.monotonic() + wait
        found = [(self._board.wait(repo, ticket, deadline=deadline), ticket) for repo, ticket in tickets.items()]
        undone = [snapshot for snapshot, ticket in found if not snapshot.answers(ticket)]
        repos = [_told(snapshot, done=snapshot.answers(ticket)) for snapshot, ticket in found]
        if not undone:
            failed = any(snapshot.done and snapshot.done.result.failure for snapshot, _ in found)
            told = "the pass has failed; what is published stays" if failed else "done"
            return as_json(424 if failed else 200, {"done": True, "message": told, "repos": repos})
        if any(snapshot.paused for snapshot in undone):
            status, told = 409, _PAUSED
        elif self._board.closed:
            status, told = 503, "the process ends"
        else:
            status, told = 504, f"not done within {wait:g}s; it goes on"
        retry_after = _SOON if status == 503 else None
        return as_json(status, {"done": False, "message": told, "repos": repos}, retry_after=retry_after)

    def _pause(self, environ: Environ, chosen: Sequence[Controlled]) -> Response:
        reason = printable_name(scrub(_query(environ, "reason") or "").strip())
        begun = [(each.repo, *each.pausing.begin(reason)) for each in chosen]
        kept = all(kept for _, _, kept in begun)
        told = "paused; what is published stays" + ("" if kept else ", until a restart of this container")
        repos = [{"repo": repo, "paused": shown_pause(pause)} for repo, pause, _ in begun]
        return as_json(200, {"message": told, "survives_restart": kept, "repos": repos})

    def _resume(self, environ: Environ, chosen: Sequence[Controlled]) -> Response:
        ended = [each.pausing.end() for each in chosen]
        return as_json(200, {"message": "resumed; a pass begins" if any(ended) else "it was not paused"})


def _read(handler: Handler, environ: Environ) -> Response:
    return handler(environ, request_of(environ))


def _parse_wait(written: str) -> float:
    """Return seconds; raise `ValueError` for what is no time, or longer than anybody should wait."""
    wait: float = DURATION.parse(written)
    if not 0 <= wait <= _LONGEST_WAIT:
        raise ValueError(f"use {_LONGEST_WAIT:g}s at the most")
    return wait


def _query(environ: Environ, name: str) -> str | None:
    """Return a value of the query, None if it is not there; of several the last one."""
    values = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get(name)
    return values[-1] if values else None


def _told(snapshot: RepoStatus, *, done: bool) -> dict[str, object]:
    told: dict[str, object] = {"repo": snapshot.watched.repo, "outcome": None, "paused": shown_pause(snapshot.paused)}
    if not done or snapshot.done is None:
        return told
    result = snapshot.done.result
    return told | {
        "outcome": result.outcome,
        "hash": result.commit and result.commit.hash,
        "ref": result.ref,
        "duration": round(result.duration, 3),
        "error": shown_failure(result.failure),
    }
