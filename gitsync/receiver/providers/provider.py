"""What there is to know about one provider of webhooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.request import Request


@dataclass(frozen=True)
class Provider:
    """How requests of a provider are recognised by their headers, proved to be its, and read.

    `verify` is given the request, the secrets that count, and the time (Unix seconds); it raises `WebhookRejected`
    unless the sender has proved that it knows one of them, and never looks into the body. `read` is called after that
    only; what it cannot read stays open, and it raises nothing.
    """

    name: str
    sends: Callable[[Request], bool]
    verify: Callable[[Request, Sequence[bytes], float], None]
    read: Callable[[Request], Delivery]


def has(*names: str) -> Callable[[Request], bool]:
    """Return what says whether a request has one of these headers."""
    return lambda request: any(map(request.header, names))
