"""Passes an event on to the other replicas, as the Service that a webhook comes through hands it to one of them only.

A thread of its own does that, so whoever sends the event waits for none of it. While it is at work one more event may
wait, and is joined with later ones: what is passed on is for which repositories there is something new, and not what.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from gitsync.base.errors import EXIT_OK, CredentialError
from gitsync.config import ReceiverConfig
from gitsync.receiver.delivery import Delivery
from gitsync.receiver.fanout import FanOut
from gitsync.receiver.providers.peer import peer
from gitsync.receiver.secret import Secrets, file_source, revealed
from gitsync.receiver.tokens import PEER, PeerTokens
from gitsync.telling.metrics.calls import CallMetrics

_OPTION: Final = "--peers-secret-file"


class Peers:
    """The other replicas. `tell` is called by the HTTP server's threads, `run` is the body of a thread of its own."""

    def __init__(self, fan_out: FanOut, tokens: PeerTokens, secrets: Secrets, *, spacing: float) -> None:
        """`spacing` is the least time between two messages, in seconds."""
        self.provider = peer(tokens, secrets)
        self._fan_out = fan_out
        self._tokens = tokens
        self._secrets = secrets
        self._spacing = spacing
        self._condition = threading.Condition()
        self._slot: Delivery | None = None
        self._stopping = False

    def tell(self, delivery: Delivery) -> None:
        """Have an event passed on, unless a replica has told of it: so no message goes round. Return at once."""
        if delivery.provider == PEER:
            return
        with self._condition:
            self._slot = _joined(self._slot, delivery)
            self._condition.notify()

    def run(self, bound: tuple[str, int]) -> int:
        """Pass events on until `stop`; `bound` is the address and port that we listen on ourselves."""
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._slot or self._stopping)
                delivery, self._slot = self._slot, None
            if self._stopping or not delivery:
                return EXIT_OK
            started = time.monotonic()
            self._pass_on(delivery, bound)
            with self._condition:
                self._condition.wait_for(lambda: self._stopping, started + self._spacing - time.monotonic())

    def stop(self) -> None:
        """End everything at once. Called by the main thread."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._fan_out.cancel()

    def _pass_on(self, delivery: Delivery, bound: tuple[str, int]) -> None:
        try:
            token = self._tokens.sign(delivery, revealed(self._secrets), now=time.time())
        except CredentialError as error:
            self._fan_out.failed(error, "no_secret")
            return
        self._fan_out.send(token, bound, about=delivery.id)


def _joined(waiting: Delivery | None, later: Delivery) -> Delivery:
    """Return the later one of two events, for all repositories that either is for."""
    if waiting is None or later.only is None:
        return later
    only = None if waiting.only is None else tuple(dict.fromkeys((*waiting.only, *later.only)))
    return replace(later, only=only)


def build_peers(
    receiver: ReceiverConfig, urls: Callable[[], Sequence[str]], secrets: Secrets, metrics: CallMetrics
) -> Peers | None:
    """Return the other replicas of a configuration, None if it has none; `secrets` are the receiver's.

    `urls` are those of the repositories that are followed.

    Raises `CredentialError`. Called by the main thread at the start.
    """
    place, file = receiver.peers.peers, receiver.peers.peers_secret_file
    if place is None:
        return None
    if file:
        secrets = file_source(file, option=_OPTION, without="replicas are not told of events, nor heard")
    tokens = PeerTokens(urls)
    return Peers(FanOut(place, metrics), tokens, secrets, spacing=receiver.spacing)
