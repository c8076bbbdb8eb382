"""How often events may start a pass: the first one at once, and those of a storm together, the last one among them."""

import random
import threading
import time
from collections.abc import Callable


class Pacer:
    """Passes events on with a minimum spacing, each after a random wait of up to `jitter`; both are seconds.

    `act` is called with the time of the earliest event that it stands for (monotonic seconds), by whoever brings the
    event or by a thread of the pacer's.
    """

    def __init__(self, act: Callable[[float], object], *, spacing: float, jitter: float = 0.0) -> None:
        self._act = act
        self._spacing = spacing
        self._jitter = jitter
        self._guard = threading.Lock()
        self._next = time.monotonic()
        self._waiting: threading.Timer | None = None
        self._closed = False

    def event(self) -> None:
        """Have `act` called, now or soon; return at once. Called by the HTTP server's threads."""
        now = time.monotonic()
        with self._guard:
            if self._closed or self._waiting:
                # What waits already comes after this event, too.
                return
            wait = random.random() * self._jitter  # noqa: S311 (it spreads load, it guards nothing)
            due = max(now + wait, self._next)
            self._next = due + self._spacing
            if due > now:
                self._waiting = timer = threading.Timer(due - now, self._fire, [now])
                timer.name = "pacer"
                timer.daemon = True
                timer.start()
                return
        self._act(now)

    def close(self) -> None:
        """Drop what waits. Called by the main thread."""
        with self._guard:
            self._closed = True
            if self._waiting:
                self._waiting.cancel()

    def _fire(self, since: float) -> None:
        with self._guard:
            self._waiting = None
        self._act(since)
