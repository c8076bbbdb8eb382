"""The pages for probes, Prometheus and people. Called by HTTP threads; nothing waits for git or a network."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from gitsync import __version__
from gitsync.base.redact import scrub
from gitsync.server.asked import asked, no_such_repository
from gitsync.server.looking import look
from gitsync.server.page import Page, wants_page
from gitsync.server.routes import Environ, Response, Route
from gitsync.server.shown import as_json, shown_failure, shown_pause, shown_time
from gitsync.telling.events import Fetching, Probed, Verified
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import FileStatus, RepoStatus, StatusBoard
from gitsync.telling.words import state


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What the pages read; `git_version` returns None until git has run, and `page` is what people get, if anything."""

    board: StatusBoard
    metrics: Metrics
    git_version: Callable[[], str | None]
    page: Page | None = None

    def routes(self, *, metrics: bool = True, stacks: bool = False) -> dict[str, Route]:
        """Return the pages by their paths, with those that are asked for."""
        found = {"/": self._root, "/healthz": self._alive, "/readyz": self._ready, "/status": self._status}
        if metrics:
            found["/metrics"] = self._metrics
        if stacks:
            found["/debug/pprof/"] = _stacks
        return {path: Route("GET", page) for path, page in found.items()}

    def _root(self, environ: Environ) -> Response:
        snapshots = self.board.all()
        published = all(snapshot.trusted for snapshot in snapshots)
        if self.page and wants_page(environ.get("HTTP_ACCEPT", "")):
            return self.page.answer(200 if published else 503, snapshots, git_version=self.git_version())
        return Response(200, b"ok\n") if published else Response(503, b"nothing is published yet\n")

    def _alive(self, environ: Environ) -> Response:
        snapshots = asked(environ, self.board.all())
        if not snapshots:
            return no_such_repository(self.board.all())
        late = [snapshot.watched.repo for snapshot in snapshots if not snapshot.alive(time.monotonic())]
        return as_json(503 if late else 200, {"alive": not late, "late": late})

    def _ready(self, environ: Environ) -> Response:
        snapshots = asked(environ, self.board.all())
        if not snapshots:
            return no_such_repository(self.board.all())
        repos = [_readiness(snapshot) for snapshot in snapshots]
        ready = all(repo["ready"] for repo in repos)
        return as_json(200 if ready else 503, {"ready": ready, "repos": repos})

    def _metrics(self, environ: Environ) -> Response:
        body, content_type = self.metrics.render(environ.get("HTTP_ACCEPT", ""))
        return Response(200, body, content_type)

    def _status(self, environ: Environ) -> Response:
        snapshots = asked(environ, self.board.all())
        if not snapshots:
            return no_such_repository(self.board.all())
        repos = [_describe(snapshot) for snapshot in snapshots]
        told = {"version": __version__, "git_version": self.git_version(), "repos": repos}
        file = self.board.file
        return as_json(200, told | ({"config": _file(file)} if file else {}))


def _stacks(environ: Environ) -> Response:
    """Return where every thread is; only the names of threads hold values."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    told = [
        f"{names.get(ident, 'unknown')} ({ident})\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()
    ]
    return Response(200, scrub("\n".join(told)).encode())


def _readiness(snapshot: RepoStatus) -> dict[str, object]:
    found, failure = look(snapshot)
    return {
        "repo": snapshot.watched.repo,
        "ready": found,
        "stale": snapshot.stale(time.monotonic()),
        "last_success": shown_time(snapshot.last_success),
        "paused": shown_pause(snapshot.paused),
        "reason": failure and failure.reason,
        "error": shown_failure(failure),
    }


def _describe(snapshot: RepoStatus) -> dict[str, object]:
    watched, published = snapshot.watched, snapshot.publication
    found, failure = look(snapshot)
    commit = published and published.commit
    return {
        "repo": watched.repo,
        "url": watched.url,
        "state": state(snapshot, found=found, failure=failure, now=time.time(), clock=time.monotonic()).words,
        "ref": watched.ref,
        "resolved_ref": published and published.ref,
        "link": watched.link,
        "publish": watched.publish,
        "hash": commit and commit.hash,
        "author": commit and commit.author,
        "author_date": commit and commit.author_date,
        "subject": commit and commit.subject,
        "signature": _signature(snapshot.signature),
        "published_at": shown_time(published.published_at if published else None),
        "last_attempt": shown_time(snapshot.last_attempt),
        "last_success": shown_time(snapshot.last_success),
        "consecutive_failures": snapshot.failures,
        "error": shown_failure(failure),
        "next_pass": shown_time(snapshot.next_pass),
        "probe": _probe(snapshot.latest.probe),
        "fetch": _fetching(snapshot.latest.fetching),
        "lfs_pointers": snapshot.latest.pointers and snapshot.latest.pointers.count,
        "paused": shown_pause(snapshot.paused),
        "ready": found,
        "stale": snapshot.stale(time.monotonic()),
    }


def _signature(told: Verified | None) -> dict[str, object] | None:
    if told is None:
        return None
    return {"verified": told.problem is None, "signer": told.signer, "key": told.key, "problem": told.problem}


def _file(file: FileStatus) -> dict[str, object]:
    return {
        "file": file.file,
        "valid": not file.problems,
        "problems": list(file.problems),
        "loaded_at": shown_time(file.loaded_at),
        "needs_restart": list(file.needs_restart),
    }


def _fetching(fetching: Fetching | None) -> dict[str, object] | None:
    if fetching is None or fetching.progress is None:
        return None
    return {"remote": fetching.remote, **fetching.progress.shown()}


def _probe(probe: Probed | None) -> dict[str, object] | None:
    if probe is None:
        return None
    return {"via": probe.via, "outcome": probe.outcome, "obstacle": probe.obstacle}
