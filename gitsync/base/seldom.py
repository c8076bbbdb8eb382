"""What others can cause as often as they like is told of in the log once in a while only: it must not fill the disk."""

import threading
import time

_EVERY = 10.0


class Seldom:
    """Says whether it is time to tell of something again. Safe to call from any thread."""

    def __init__(self, every: float = _EVERY) -> None:
        """Have at least so many seconds between two times that one thing is told of."""
        self._every = every
        self._guard = threading.Lock()
        # When it was last told of (monotonic seconds), and how often it was not since then.
        self._told: dict[str, tuple[float, int]] = {}

    def ask(self, about: str) -> int | None:
        """Return how often it was not told of since the last time, None if it is not to be told of now either."""
        now = time.monotonic()
        with self._guard:
            told, unseen = self._told.get(about, (-self._every, 0))
            again = now - told >= self._every
            self._told[about] = (now, 0) if again else (told, unseen + 1)
        return unseen if again else None
