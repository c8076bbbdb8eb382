"""What callers of the port send: webhooks, requests for what can be told by hand, messages of replicas."""

import contextlib
import functools
import logging
import socket
import threading
from pathlib import Path
from typing import Final

import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.base.redact import Secret
from gitsync.config import Bind
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.relevance import relevance
from gitsync.receiver.request import Request
from gitsync.receiver.tokens import PeerTokens
from gitsync.server.http import HttpServer
from tests.fuzz.target import Target
from tests.unit.server.site import Site
from tests.unit.server.test_controlling import Control

# Seconds.
_PATIENCE: Final = 5.0
_SECRET: Final = b"correct-horse"
_REPO: Final = "https://git.example.test/acme/site.git"
_METHODS: Final = ("GET", "POST", "PUT", "HEAD")


def split(data: bytes) -> tuple[dict[str, bytes], bytes]:
    """Return headers and body, of which an empty line is between."""
    head, _, body = data.partition(b"\n\n")
    pairs = (line.partition(b":") for line in head.split(b"\n"))
    return {name.decode("latin-1").lower(): value.strip() for name, _, value in pairs if name}, body


def webhook(data: bytes, scratch: Path) -> None:
    """Prove an event, which nobody can, and read it."""
    headers, body = split(data)
    request = Request(headers=headers, body=body)
    for provider in PROVIDERS:
        assert provider.sends(request) in {True, False}
        delivery = provider.read(request)
        assert (delivery.event + delivery.id).isprintable()
        relevance(delivery, repo=_REPO, ref="main", resolved="refs/heads/main")
        with pytest.raises(WebhookRejected) as caught:
            provider.verify(request, [_SECRET, b"whsec_AAAA"], 1_790_000_000.0)
        assert (caught.value.status, len(str(caught.value)) < 300) == (401, True)


@functools.cache
def _sites() -> tuple[Site, ...]:
    return Site(secrets=lambda: (Secret(_SECRET.decode()),)), Control(lambda: (Secret(_SECRET.decode()),))


def request(data: bytes, scratch: Path) -> None:
    """Ask the server: the first line is the path. What comes is an answer that was thought of."""
    path, _, rest = data.decode("latin-1").partition("\n")
    headers, body = split(rest.encode("latin-1"))
    fields = {
        name: value.decode("latin-1") for name, value in headers.items() if name not in {"content-length", "path"}
    }
    for site in _sites():
        for method in _METHODS:
            found = site.ask(
                path, method, body=body, **{name.replace("-", "_"): value for name, value in fields.items()}
            )
            assert found.status in {200, 303, 400, 401, 403, 404, 405, 413, 503}, (found.status, found.body)
            assert all(value.isprintable() for value in found.headers.values())


class _Complaints(logging.Handler):
    """What waitress says of exceptions that nobody has caught."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.heard.append(record.getMessage())


def connection(data: bytes, scratch: Path) -> None:
    """Send a server anything at all; it answers the next one, and no exception was one that nobody has thought of."""
    complaints, log = _Complaints(), logging.getLogger("waitress")
    log.addHandler(complaints)
    server = HttpServer(Bind("127.0.0.1", 0), Site(secrets=lambda: (Secret(_SECRET.decode()),)).app)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        for said in (data, b"GET /healthz HTTP/1.1\r\n\r\n"):
            with socket.create_connection(server.bound, timeout=_PATIENCE) as caller, contextlib.suppress(OSError):
                caller.sendall(said)
                caller.shutdown(socket.SHUT_WR)
                heard = b"".join(iter(lambda: caller.recv(65536), b""))
        assert heard.startswith(b"HTTP/1.1 "), heard
        assert not complaints.heard, complaints.heard[0]
    finally:
        server.close()
        thread.join()
        log.removeHandler(complaints)


@functools.cache
def _tokens() -> PeerTokens:
    return PeerTokens(lambda: [_REPO])


def message(data: bytes, scratch: Path) -> None:
    """Prove a message of a replica, which nobody can."""
    _tokens().verify(data, [_SECRET], now=1_790_000_000.0)
    raise AssertionError("it was let in")


TARGETS: Final = (
    Target("webhook", webhook),
    Target("request", request),
    Target("connection", connection),
    Target("peer-message", message, (WebhookRejected,)),
)
