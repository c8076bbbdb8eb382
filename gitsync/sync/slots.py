"""How many repositories may be at work at once: places for passes, comparisons and chores, first come first served.

A server that hangs must not stop the others. So repositories that fail never have all places, and where every pass
has lasted for long, one more may begin. Used by the workers' threads; `wake` by any.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

# Seconds after which what has a place is more likely to wait for a server than to work.
_LONG: Final = 10.0


@dataclass(eq=False)
class _Claim:
    """A place that somebody waits for, or has since then (monotonic seconds)."""

    failing: bool
    make_way: Callable[[], object] | None
    since: float = math.inf


class Slots:
    """So many places."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._changed = threading.Condition()
        self._waiting: list[_Claim] = []
        self._held: list[_Claim] = []

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    @contextlib.contextmanager
    def hold(
        self,
        *,
        gives_up: Callable[[], bool],
        until: float = math.inf,
        failing: bool = False,
        make_way: Callable[[], object] | None = None,
    ) -> Iterator[bool]:
        """Wait for a place, and keep it in the context, which is given whether there is one.

        There is none at `until` (monotonic seconds), or when `gives_up` says so at a `wake`. `failing` says that the
        repository's last pass has failed. `make_way` is called, by any thread, if somebody else needs the place.
        """
        claim = _Claim(failing, make_way)
        try:
            yield self._take(claim, gives_up, until)
        finally:
            with self._changed:
                for claims in (self._waiting, self._held):
                    if claim in claims:
                        claims.remove(claim)
                self._hand_out()

    def wake(self) -> None:
        """Have those who wait ask whether they give up."""
        with self._changed:
            self._changed.notify_all()

    def _take(self, claim: _Claim, gives_up: Callable[[], bool], until: float) -> bool:
        with self._changed:
            self._waiting.append(claim)
            self._hand_out()
            obliging = [held.make_way for held in self._held if held.make_way and claim in self._waiting]
        for make_way in obliging:
            make_way()
        with self._changed:
            while claim in self._waiting and not gives_up() and time.monotonic() < until:
                wait = min(until, self._more_at) - time.monotonic()
                self._changed.wait(None if math.isinf(wait) else max(0.0, wait))
                self._hand_out()
            return claim in self._held

    def _hand_out(self) -> None:
        """Give places to those who have waited longest; whoever has to be passed over stays where he is."""
        for claim in list(self._waiting):
            if self._has_place(claim):
                claim.since = time.monotonic()
                self._waiting.remove(claim)
                self._held.append(claim)
                self._changed.notify_all()

    def _has_place(self, claim: _Claim) -> bool:
        if claim.failing:
            failing = sum(held.failing for held in self._held)
            return len(self._held) < self._count and failing < max(1, self._count - 1)
        return len(self._held) < self._count + (self._more_at <= time.monotonic())

    @property
    def _more_at(self) -> float:
        """When there is one place more (monotonic seconds), infinity if that is not to be seen."""
        if len(self._held) != self._count:
            return math.inf
        return max(held.since for held in self._held) + _LONG
