"""What callers of the port send: webhooks, requests for what can be told by hand, messages of replicas."""

import functools
from pathlib import Path
from typing import Final

import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.base.redact import Secret
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.relevance import relevance
from gitsync.receiver.request import Request
from gitsync.receiver.tokens import PeerTokens
from tests.fuzz.target import Target
from tests.unit.server.site import Site
from tests.unit.server.test_controlling import Control

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
    Target("peer-message", message, (WebhookRejected,)),
)
