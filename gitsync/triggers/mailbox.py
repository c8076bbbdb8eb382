"""A wake-up call with one slot per source: any number of triggers during a pass leads to one more pass.

Sources that anybody may use as often as they like have a pace. What is held back by it is never lost: the last trigger
of a storm has a pass after it.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitsync.telling.events import Source, Triggers


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The least seconds between two passes for a source, and the longest random wait for each (`jitter`, seconds)."""

    spacing: float = 0.0
    jitter: float = 0.0

    def due(self, now: float, last: float) -> float:
        """Return when a trigger counts that is left now, the last one having been taken then (monotonic seconds)."""
        wait = random.random() * self.jitter  # noqa: S311 (it spreads load, it guards nothing)
        return max(now + wait, last + self.spacing)


class Mailbox:
    """Where triggers are left for the worker; `post` and `close` may be called by any thread."""

    def __init__(
        self, on_post: Callable[[], None] = lambda: None, *, paces: Mapping[Source, Pace] | None = None
    ) -> None:
        """`on_post` is called by whoever posts, so that the worker leaves what is not urgent."""
        self._on_post = on_post
        self._paces = paces or {}
        self._condition = threading.Condition()
        self._left_at: dict[Source, float] = {}
        # When the first of them counts, and when one of a source was last taken.
        self._due = math.inf
        self._last: dict[Source, float] = {}
        # The ticket of what was taken last.
        self._taken = 0
        self._held = False
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the worker is asked to end."""
        return self._closed

    @property
    def held(self) -> bool:
        """Whether nothing is handed out, so that no pass begins."""
        return self._held

    @property
    def pending(self) -> bool:
        """Whether there is something that the worker has not taken yet, or is not to work at all."""
        return self._closed or self._held or bool(self._left_at)

    def post(self, source: Source) -> int:
        """Ask for a pass; return at once, with the ticket of the one that begins after this.

        Of several of one source the first counts.
        """
        now = time.monotonic()
        with self._condition:
            if source not in self._left_at:
                self._left_at[source] = now
                due = self._paces[source].due(now, self._last.get(source, -math.inf)) if source in self._paces else now
                self._due = min(self._due, due)
            ticket = self._taken + 1
            self._condition.notify()
        self._on_post()
        return ticket

    def hold(self) -> None:
        """Hand out nothing until `release`, whatever is left meanwhile, and whatever its time is."""
        with self._condition:
            self._held = True
        self._on_post()

    def release(self) -> None:
        """Go on. A pass is due, and what was left meanwhile counts as if it were left now."""
        with self._condition:
            self._held = False
            self._left_at = dict.fromkeys(self._left_at, time.monotonic())
        self.post("sync")

    def close(self) -> None:
        """Ask the worker to end."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def wait(self, timeout: float) -> Triggers:
        """Return what was posted since the last call, after at most `timeout` seconds, or when it is held no longer.

        If nothing was, it is without sources, and has the ticket of what was taken last. Called by the worker alone.
        """
        deadline = time.monotonic() + timeout
        with self._condition:
            while not self._closed and (self._held or time.monotonic() < min(self._due, deadline)):
                self._condition.wait(None if self._held else min(self._due, deadline) - time.monotonic())
            return self._take(time.monotonic())

    def _take(self, now: float) -> Triggers:
        """Take all that is there as soon as one of it counts: the pass is for all of them."""
        left_at: dict[Source, float] = {}
        if self._due <= now or self._closed:
            left_at, self._left_at, self._due = self._left_at, {}, math.inf
            self._last |= dict.fromkeys(left_at, now)
            self._taken += bool(left_at)
        return Triggers(ticket=self._taken, left_at=left_at)
