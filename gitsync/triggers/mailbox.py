"""A wake-up call with one slot per source: any number of triggers during a pass leads to one more pass."""

import threading
import time
from collections.abc import Callable

from gitsync.telling.events import Source, Triggers


class Mailbox:
    """Where triggers are left for the worker; `post` and `close` may be called by any thread."""

    def __init__(self, on_post: Callable[[], None] = lambda: None) -> None:
        """`on_post` is called by whoever posts, so that the worker leaves what is not urgent."""
        self._on_post = on_post
        self._condition = threading.Condition()
        self._left_at: dict[Source, float] = {}
        # The ticket of what was taken last.
        self._taken = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the worker is asked to end."""
        return self._closed

    @property
    def pending(self) -> bool:
        """Whether there is something that the worker has not taken yet."""
        return self._closed or bool(self._left_at)

    def post(self, source: Source, *, at: float | None = None) -> int:
        """Ask for a pass; return at once, with the ticket of the one that begins after this.

        `at` is when the event was (monotonic seconds), if that is not now: it may have been held back. Of several of
        one source the first counts.
        """
        at = time.monotonic() if at is None else at
        with self._condition:
            self._left_at[source] = min(at, self._left_at.get(source, at))
            ticket = self._taken + 1
            self._condition.notify()
        self._on_post()
        return ticket

    def close(self) -> None:
        """Ask the worker to end."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def wait(self, timeout: float) -> Triggers:
        """Return what was posted since the last call, after at most `timeout` seconds.

        If nothing was, it is without sources, and has the ticket of what was taken last. Called by the worker alone.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._left_at or self._closed, timeout=max(0.0, timeout))
            left_at, self._left_at = self._left_at, {}
            self._taken += bool(left_at)
            return Triggers(ticket=self._taken, left_at=left_at)
