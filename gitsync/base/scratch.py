"""Private temporary directories. A `Scratch` belongs to whoever made it."""

import contextlib
import errno
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Final

from gitsync.base.errors import GitSyncError
from gitsync.base.filelock import Lock
from gitsync.base.nolinks import remove, remove_empty

_PREFIX: Final = "gitsync-"
_MADE: Final = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}")
# https://docs.python.org/3/library/tempfile.html#tempfile.gettempdir
_USUAL: Final = (Path("/tmp"), Path("/var/tmp"), Path("/usr/tmp"))  # noqa: S108 (they are only compared with)
_HINT: Final = "mount an emptyDir (docker: --tmpfs) at /tmp, or name a directory that can be written to with TMPDIR"


class Scratch:
    """A private directory outside the published volume; those of killed processes are removed when one is made."""

    def __init__(self) -> None:
        """Make it in TMPDIR or /tmp; raise `GitSyncError` if nothing can be written there."""
        try:
            self._make(Path(tempfile.gettempdir()).resolve())
        except OSError as error:
            where = f": {Path(error.filename).parent}" if error.filename else ""
            message = f"there is no directory for temporary files: {error.strerror or error}{where}"
            raise GitSyncError(message, reason="no_tmp", hint=_HINT) from error

    def _make(self, parent: Path) -> None:
        named = os.environ.get("TMPDIR")
        if parent == Path.cwd() and parent not in _USUAL and not (named and Path(named).resolve() == parent):
            # The library's last resort; it may well be the published volume, and logins come in here.
            raise FileNotFoundError(errno.ENOENT, f"the one that is left, {parent}, is where we work")
        _remove_dead_scratches(parent)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._lock = Lock(self.path / "lock")
            # Another process that starts now may have taken the directory for that of a dead one.
            with contextlib.suppress(FileNotFoundError):
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
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                continue
            if not (path / "lock").exists():
                # One that was killed before it had a lock has left nothing in it; anything else is somebody's own.
                if _MADE.fullmatch(path.name):
                    remove_empty(path)
                continue
            lock = Lock(path / "lock")
            if lock.try_acquire():
                lock.release()
                remove(path)
