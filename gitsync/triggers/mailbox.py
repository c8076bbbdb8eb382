"""A wake-up call with one slot per source: any number of triggers during a pass leads to one more pass."""

import threading
from collections.abc import Callable

from gitsync.telling.events import Source


class Mailbox:
    """Where triggers are left for the worker; `post` and `close` may be called by any thread."""

    def __init__(self, on_post: Callable[[], None] = lambda: None) -> None:
        """`on_post` is called by whoever posts, so that the worker leaves what is not urgent."""
        self._on_post = on_post
        self._condition = threading.Condition()
        self._sources: list[Source] = []
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the worker is asked to end."""
        return self._closed

    @property
    def pending(self) -> bool:
        """Whether there is something that the worker has not taken yet."""
        return self._closed or bool(self._sources)

    def post(self, source: Source) -> None:
        """Ask for a pass; return at once."""
        with self._condition:
            if source not in self._sources:
                self._sources.append(source)
            self._condition.notify()
        self._on_post()

    def close(self) -> None:
        """Ask the worker to end."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def wait(self, timeout: float) -> tuple[Source, ...]:
        """Return what was posted since the last call, after at most `timeout` seconds; empty if nothing was.

        Called by the worker alone.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._sources or self._closed, timeout=max(0.0, timeout))
            sources = tuple(self._sources)
            self._sources.clear()
            return sources
