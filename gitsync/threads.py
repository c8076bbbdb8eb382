"""The threads of the process. Each is started through one guard that reports how it ended, so none is missed unnoticed.

Used by the main thread.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from gitsync.base.errors import EXIT_FAILURE
from gitsync.base.log import get_logger


@dataclass(frozen=True)
class Ended:
    """A thread has ended, with the exit code that the process may end with, None if there is no such."""

    thread: str
    code: int | None


class Threads:
    """The threads that were started."""

    def __init__(self, tell: Callable[[Ended], None]) -> None:
        """`tell` is called by each thread when it ends."""
        self._tell = tell
        self._log = get_logger()
        self._started: list[threading.Thread] = []

    def spawn(self, name: str, body: Callable[[], int | None]) -> None:
        """Start a thread whose end, expected or not, is told."""

        def guarded() -> None:
            code: int | None = EXIT_FAILURE
            try:
                code = body()
            except Exception as error:
                self._log.error("thread_failed", thread=name, exc_info=error)
            finally:
                self._tell(Ended(name, code))

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._started = [*(each for each in self._started if each.is_alive()), thread]
        thread.start()

    def alive(self) -> list[str]:
        """Return the names of those that have not ended; one that has told so may be among them for a moment."""
        return [thread.name for thread in self._started if thread.is_alive()]
