"""The WSGI application. Called by the HTTP server's threads; nothing in it waits for git or for the network."""

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from gitsync import __version__
from gitsync.base.errors import CredentialError, WebhookRejected, from_os_error
from gitsync.base.log import get_logger
from gitsync.base.redact import Secret, scrub, scrub_value
from gitsync.receiver.verify import provider_of, verify
from gitsync.telling.events import Failure
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import RepoStatus, StatusBoard
from gitsync.triggers.mailbox import Mailbox
from gitsync.volume.link import LinkPublisher

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Environ = Mapping[str, Any]

_REASONS: Final = {
    200: "OK",
    202: "Accepted",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}
_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Response:
    """What a route answers: an HTTP status, and a body in bytes."""

    status: int
    body: bytes
    content_type: str = _TEXT


@dataclass(frozen=True, kw_only=True)
class Application:
    """The routes, and what they read. `secret` returns the receiver's secret; it is None where there is no receiver.

    `secret` may raise `OSError`, which is answered with 503. `git_version` returns None until git has run.
    `shows_metrics` and `shows_stacks` say whether there are routes for these.
    """

    board: StatusBoard
    metrics: Metrics
    mailboxes: Mapping[str, Mailbox]
    secret: Callable[[], Secret] | None
    git_version: Callable[[], str | None]
    shows_metrics: bool = True
    shows_stacks: bool = False

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI: https://peps.python.org/pep-3333). Called by the threads of the server's queue."""
        routes: dict[str, tuple[str, Callable[[Environ], Response]]] = {
            "/": ("GET", self._root),
            "/healthz": ("GET", self._alive),
            "/readyz": ("GET", self._ready),
            "/status": ("GET", self._status),
        }
        if self.shows_metrics:
            routes["/metrics"] = ("GET", self._metrics)
        if self.shows_stacks:
            routes["/debug/pprof/"] = ("GET", _stacks)
        if self.secret:
            routes["/webhook"] = ("POST", self._webhook)
        method, route = routes.get(environ.get("PATH_INFO", "/"), ("", _not_found))
        asked = environ["REQUEST_METHOD"]
        allowed = {"GET", "HEAD"} if method == "GET" else {method or asked}
        headers = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        if asked in allowed:
            response = route(environ)
        else:
            response = Response(405, b"method not allowed\n")
            headers.append(("Allow", ", ".join(sorted(allowed))))
        headers += [("Content-Type", response.content_type), ("Content-Length", str(len(response.body)))]
        start_response(f"{response.status} {_REASONS[response.status]}", headers)
        return [b"" if asked == "HEAD" else response.body]

    def _root(self, environ: Environ) -> Response:
        published = all(snapshot.publication for snapshot in self.board.all())
        return Response(200, b"ok\n") if published else Response(503, b"nothing is published yet\n")

    def _alive(self, environ: Environ) -> Response:
        snapshots = self._asked(environ)
        if not snapshots:
            return _no_such_repository()
        late = [snapshot.watched.repo for snapshot in snapshots if not snapshot.alive(time.monotonic())]
        return _json(503 if late else 200, {"alive": not late, "late": late})

    def _ready(self, environ: Environ) -> Response:
        snapshots = self._asked(environ)
        if not snapshots:
            return _no_such_repository()
        repos = [_readiness(snapshot) for snapshot in snapshots]
        ready = all(repo["ready"] for repo in repos)
        return _json(200 if ready else 503, {"ready": ready, "repos": repos})

    def _asked(self, environ: Environ) -> list[RepoStatus]:
        """Return what a probe is about: everything, or the repository that it names, so that no neighbour answers."""
        names = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get("repo")
        snapshots = self.board.all()
        return [each for each in snapshots if not names or all(each.watched.is_called(name) for name in names)]

    def _metrics(self, environ: Environ) -> Response:
        body, content_type = self.metrics.render(environ.get("HTTP_ACCEPT", ""))
        return Response(200, body, content_type)

    def _status(self, environ: Environ) -> Response:
        repos = [_describe(snapshot) for snapshot in self.board.all()]
        return _json(200, {"version": __version__, "git_version": self.git_version(), "repos": repos})

    def _webhook(self, environ: Environ) -> Response:
        headers = {
            "X-Hub-Signature-256": environ.get("HTTP_X_HUB_SIGNATURE_256", ""),
            "Authorization": environ.get("HTTP_AUTHORIZATION", ""),
        }
        provider = provider_of(headers)
        try:
            self._receive(environ, headers)
        except WebhookRejected as error:
            self.metrics.calls.received(provider, error.reason)
            get_logger().warning("webhook_rejected", provider=provider, outcome=error.reason, message=str(error))
            return Response(error.status, f"{error}\n".encode())
        self.metrics.calls.received(provider, "accepted")
        get_logger().info("webhook_accepted", v=1, provider=provider)
        return Response(202, b"accepted\n")

    def _receive(self, environ: Environ, headers: Mapping[str, str]) -> None:
        # The server has read the body by now, and has refused one that is too large.
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        assert self.secret  # noqa: S101 (there is no such route without one)
        try:
            secret = self.secret()
        except CredentialError as error:
            # The path is nobody else's business.
            get_logger().warning("receiver_secret_missing", message=str(error), hint=error.hint)
            raise WebhookRejected("the secret cannot be read", status=503, outcome="no_secret") from None
        if not secret.reveal():
            raise WebhookRejected("the secret is empty", status=503, outcome="no_secret")
        verify(headers, body, secret)
        for mailbox in self.mailboxes.values():
            mailbox.post("webhook")


def _stacks(environ: Environ) -> Response:
    """Return where every thread is; only the names of threads hold values."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    told = [
        f"{names.get(ident, 'unknown')} ({ident})\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()
    ]
    return Response(200, scrub("\n".join(told)).encode())


def _not_found(environ: Environ) -> Response:
    return Response(404, b"not found\n")


def _no_such_repository() -> Response:
    return Response(404, b"no such repository here; another gitsync has this port, or the name is wrong\n")


def _json(status: int, content: object) -> Response:
    return Response(status, json.dumps(scrub_value(content), indent=2).encode() + b"\n", _JSON)


def _look(snapshot: RepoStatus) -> tuple[bool, Failure | None]:
    """Say whether consumers find a tree, and what there is to be told: that we cannot look comes first."""
    try:
        found = snapshot.publication is not None and LinkPublisher(Path(snapshot.watched.link)).leads_to_tree()
    except OSError as error:
        met = from_os_error(error, doing="looking at what is published")
        return False, Failure(reason=met.reason, message=str(met), hint=met.hint)
    return found, snapshot.failure


def _readiness(snapshot: RepoStatus) -> dict[str, object]:
    found, failure = _look(snapshot)
    return {
        "repo": snapshot.watched.repo,
        "ready": found,
        "stale": snapshot.stale(time.time()),
        "last_success": _iso(snapshot.last_success),
        "reason": failure and failure.reason,
        "error": _error(failure),
    }


def _describe(snapshot: RepoStatus) -> dict[str, object]:
    watched, published = snapshot.watched, snapshot.publication
    found, failure = _look(snapshot)
    commit = published and published.commit
    return {
        "repo": watched.repo,
        "ref": watched.ref,
        "resolved_ref": published and published.ref,
        "link": watched.link,
        "hash": commit and commit.hash,
        "author_date": commit and commit.author_date,
        "published_at": _iso(published.published_at if published else None),
        "last_attempt": _iso(snapshot.last_attempt),
        "last_success": _iso(snapshot.last_success),
        "consecutive_failures": snapshot.failures,
        "error": _error(failure),
        "next_pass": _iso(snapshot.next_pass),
        "ready": found,
        "stale": snapshot.stale(time.time()),
    }


def _error(failure: Failure | None) -> dict[str, object] | None:
    if failure is None:
        return None
    return {"reason": failure.reason, "message": failure.message, "hint": failure.hint}


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
