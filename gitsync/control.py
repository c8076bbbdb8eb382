"""The one thing that the main thread waits for: events from other threads, and the arrival of signals.

Python runs signal handlers in the main thread, but the system may hand the signal itself to any thread, and then the
main thread sleeps on. So the system's own handler writes to a socket that the main thread waits on
(https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd).
"""

import contextlib
import queue
import select
import signal
import socket
import time
from typing import Generic, TypeVar

Event = TypeVar("Event")


class ControlQueue(Generic[Event]):
    """Hands events to the main thread, and wakes it for signals."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def put(self, event: Event) -> None:
        """Leave an event; called by any thread, and by signal handlers."""
        self._events.put(event)
        # A full buffer wakes as well.
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def get(self, timeout: float | None = None) -> Event | None:
        """Return the next event, None if there is none within `timeout` seconds. Called by the main thread."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with contextlib.suppress(queue.Empty):
                return self._events.get_nowait()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            # The handlers of signals run before this returns, and what they put is found in the next turn.
            select.select([self._reader], [], [], left)
            with contextlib.suppress(BlockingIOError):
                self._reader.recv(4096)

    def close(self) -> None:
        """Give the sockets back; signals wake nobody any more."""
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()
