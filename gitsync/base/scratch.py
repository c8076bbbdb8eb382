"""Private temporary directories. A `Scratch` belongs to whoever made it."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from gitsync.base.filelock import Lock
from gitsync.base.nolinks import remove

_PREFIX: Final = "gitsync-"


class Scratch:
    """A private directory outside the published volume; those of killed processes are removed when one is made."""

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir()).resolve()
        _remove_dead_scratches(parent)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._lock = Lock(self.path / "lock")
            # Another process that starts now may have taken the directory for that of a dead one.
            if self._lock.try_acquire():
                return

    def remove(self) -> None:
        """Remove the directory and all that is in it."""
        self._lock.release()
        remove(self.path)


def _remove_dead_scratches(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            lock_file = path / "lock"
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or not lock_file.exists():
                continue
            lock = Lock(lock_file)
            if lock.try_acquire():
                lock.release()
                remove(path)
