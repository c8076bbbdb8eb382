"""The file that keeps a pause over a restart: what it says is the reason, and its time is since when.

Anybody who can write to the volume may have made it, so all that it can do is to pause us. Written by HTTP threads, and
read by the main thread before any other starts.
"""

import stat
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import PublishError
from gitsync.base.files import past_time
from gitsync.base.printable import printable_name
from gitsync.base.redact import scrub
from gitsync.config import STORE_DIRECTORY
from gitsync.telling.status import Pause
from gitsync.volume.lock import VolumeLock

# Bytes; of more nothing is shown.
_LARGEST: Final = 4096


class PauseFile:
    """The file of one repository; `work` is where what is ours alone lies."""

    def __init__(self, work: Path, lock: VolumeLock) -> None:
        self._path = work / STORE_DIRECTORY / "paused"
        self._lock = lock

    def read(self) -> Pause | None:
        """Return the pause that an earlier process has left, None if there is none; raise `OSError`."""
        found = nolinks.status(self._path)
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        reason = printable_name(scrub(nolinks.read(self._path, limit=_LARGEST) or "").strip())
        return Pause(since=past_time(found), reason=reason)

    def write(self, pause: Pause) -> None:
        """Keep a pause; raise `OSError`, or `StoreLocked` if the volume is another process's."""
        with self._lock.for_a_moment():
            nolinks.write(self._path, f"{pause.reason}\n")

    def remove(self) -> None:
        """Forget it; raise `PublishError` or `OSError` if it stays, or `StoreLocked`."""
        if nolinks.exists(self._path):
            with self._lock.for_a_moment():
                if not nolinks.remove(self._path):
                    raise PublishError(f"{self._path} cannot be removed", reason="filesystem")
