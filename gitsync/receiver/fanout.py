"""Sends one message to all other replicas at the same time, and tells of those that it did not reach.

All of it is bounded: the addresses, the threads, and the time, in which a name server or a replica that does not answer
has its part. Such a replica finds out by its next poll. Used by one thread; `cancel` is called by the main thread.
"""

import random
import socket
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from gitsync.base.errors import FetchError, GitSyncError
from gitsync.base.fetchurl import Answer, Cancellation, Sent, fetch
from gitsync.base.log import get_logger
from gitsync.base.printable import printable_name
from gitsync.config import Place
from gitsync.receiver.addresses import Lookup, Resolve, others
from gitsync.receiver.providers.peer import HEADER
from gitsync.telling.metrics.calls import CallMetrics

# Seconds: for the name, for one replica, and for all of them.
_LOOKUP: Final = 5.0
_ONE: Final = 3.0
_ALL: Final = 15.0
# How many are told at a time, and of one event; and how many that were not are named in the log.
_AT_ONCE: Final = 16
_MOST: Final = 1024
_SHOWN: Final = 5
_NO_THREAD: Final = "raise the limit of processes of the pod"
_LONGEST_ANSWER: Final = 200
# A pass is started there, or none is needed.
_HEARD: Final = (200, 202)


@dataclass(frozen=True)
class _Told:
    """What became of a message to one address."""

    address: str
    outcome: str
    why: str = ""


class FanOut:
    """The way to all that a name stands for."""

    def __init__(self, place: Place, metrics: CallMetrics, *, resolve: Resolve = socket.getaddrinfo) -> None:
        self._place = place
        self._metrics = metrics
        self._log = get_logger()
        self._lookup = Lookup(place, resolve=resolve)
        self._cancellation = Cancellation()
        metrics.expect_peers()

    def send(self, token: str, bound: tuple[str, int], *, about: str) -> None:
        """Send a message to every address but our own, which is `bound`; `about` is the event's id, for the log."""
        started = time.monotonic()
        try:
            addresses = others(self._lookup.ask(_LOOKUP), self._place, bound)
            # In another order each time, as it may be the last ones that there is no room or time for.
            told = self._tell_all(random.sample(addresses, min(len(addresses), _MOST)), token, deadline=started + _ALL)
        except FetchError as error:
            self.failed(error, "unresolved")
            return
        # The limit of processes is that of threads as well.
        except RuntimeError as error:
            self.failed(GitSyncError(str(error), reason="no_thread", hint=_NO_THREAD), "no_thread")
            return
        if self._cancellation.cancelled:
            return
        outcomes = Counter(each.outcome for each in told)
        for outcome, count in outcomes.items():
            self._metrics.told_peers(outcome, count)
        duration = round(time.monotonic() - started, 3)
        named = printable_name(about)
        self._log.info("peers_told", v=1, delivery=named, told=outcomes["told"], of=len(told), duration=duration)
        self._tell_missed([each for each in told if each.outcome != "told"], of=len(told))

    def failed(self, error: GitSyncError, outcome: str) -> None:
        """Tell why nobody was sent a message."""
        if not self._cancellation.cancelled:
            self._metrics.told_peers(outcome, 1)
            self._log.warning("peers_missed", outcome=outcome, message=str(error), hint=error.hint)

    def cancel(self) -> None:
        """End what runs at once, and send no more."""
        self._cancellation.cancel()
        self._lookup.cancel()

    def _tell_all(self, addresses: Sequence[str], token: str, *, deadline: float) -> list[_Told]:
        if not addresses:
            return []
        with ThreadPoolExecutor(min(_AT_ONCE, len(addresses)), thread_name_prefix="peers") as pool:
            return list(pool.map(partial(self._tell, token=token, deadline=deadline), addresses))

    def _tell(self, address: str, *, token: str, deadline: float) -> _Told:
        timeout = min(_ONE, deadline - time.monotonic())
        if timeout <= 0:
            return _Told(address, "timeout", "others have taken all of the time")
        try:
            answer = fetch(
                f"http://{Place(address, self._place.port)}/webhook",
                Sent(method="POST", headers={HEADER: "1", "Authorization": f"Bearer {token}"}, body=b""),
                timeout=timeout,
                direct=True,
                cancellation=self._cancellation,
            )
        except FetchError as error:
            return _Told(address, "timeout" if error.reason == "timeout" else "unreachable", str(error))
        return _Told(address, "told") if answer.status in _HEARD else _Told(address, "refused", _refusal(answer))

    def _tell_missed(self, missed: Sequence[_Told], *, of: int) -> None:
        if missed:
            shown = [f"{each.address}: {each.outcome} ({each.why})" for each in missed[:_SHOWN]]
            message = f"{len(missed)} of {of} replicas were not told"
            hint = "they find out by their next poll; check their log, their secret, and network policies"
            self._log.warning("peers_missed", message=message, missed=shown, hint=hint)


def _refusal(answer: Answer) -> str:
    """Return the status, and what a replica says of it, or whoever answers at its address."""
    said = printable_name(answer.body[:_LONGEST_ANSWER].decode(errors="replace").strip())
    return f"status {answer.status}: {said}" if said else f"status {answer.status}"
