"""Careful file operations: atomic writes, locks that die with their holder, private temporary directories, removal.

Functions are safe to call from any thread; a `Lock` and a `Scratch` belong to whoever made them.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
from pathlib import Path

_SCRATCH_PREFIX = "gitsync-"
_TEMPORARY_SUFFIX = ".gitsync-tmp"


def unique(prefix: str) -> str:
    """Return a file name that no other process or moment uses."""
    return f"{prefix}{secrets.token_hex(6)}"


def temporary_beside(path: Path) -> Path:
    """Return a hidden name beside `path`, for what is about to be renamed onto it."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{_TEMPORARY_SUFFIX}")


def sweep_temporaries(path: Path) -> None:
    """Remove what a killed process left beside `path` under the names of `temporary_beside`."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{12}}{re.escape(_TEMPORARY_SUFFIX)}")
    for found in [found for found in path.parent.iterdir() if ours.fullmatch(found.name)]:
        with contextlib.suppress(OSError):
            found.unlink()


def write_atomically(path: Path, text: str) -> None:
    """Replace the content of `path`, so that readers see the old or the new text; raise `OSError`."""
    temporary = temporary_beside(path)
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_small(path: Path, *, limit: int = 65536) -> str | None:
    """Return the start of a regular file as text, None if there is none; a link is not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, limit).decode(errors="replace")
    except OSError:
        return None
    finally:
        os.close(descriptor)


def remove(path: Path) -> bool:
    """Remove a file, a link or a whole directory; return whether it is gone. What resists is left for another time."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
            if path.exists():
                _open_up(path)
                shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return not os.path.lexists(path)


def _open_up(path: Path) -> None:
    """Give ourselves the right to empty directories that a consumer has closed."""
    for directory, _, _ in os.walk(path):
        with contextlib.suppress(OSError):
            Path(directory).chmod(0o700)


class Lock:
    """An exclusive lock that the system gives back when the last holder of its descriptor is gone, children included.

    flock(2): the lock belongs to the open file, so a child that inherits `fileno` holds it too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def fileno(self) -> int:
        """The descriptor for children to inherit; only while the lock is held."""
        assert self._descriptor is not None  # noqa: S101 (a caller without the lock is a mistake of ours)
        return self._descriptor

    @property
    def held(self) -> bool:
        """Whether we hold it."""
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock if it is free; never wait. Raise `OSError` if the file cannot be opened."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o664)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        with contextlib.suppress(OSError):  # a full disk must not keep us from working
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def holder(self) -> str:
        """Return who wrote himself into the lock file last, such as `7 on web-0`."""
        return (read_small(self._path) or "").strip() or "unknown"

    def abandoned(self) -> bool:
        """Say whether who wrote himself into the file last is known to be dead, so that only his children hold it."""
        number, _, host = self.holder().partition(" on ")
        if host != socket.gethostname() or not number.isdigit():
            return False
        return not Path("/proc", number).exists() and Path("/proc/self").exists()

    def holders(self) -> list[int]:
        """Return the processes of ours that have the file open."""
        found = []
        with contextlib.suppress(OSError):
            ours = self._path.stat()
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and int(entry.name) != os.getpid() and _has_open(entry, ours):
                    found.append(int(entry.name))
        return found

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _has_open(process: Path, file: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(descriptor.stat(), file):
                    return True
    return False


class Scratch:
    """A private directory outside the published volume; those of killed processes are removed when one is made."""

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        _remove_dead_scratches(parent)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_SCRATCH_PREFIX, dir=parent))
            self._lock = Lock(self.path / "lock")
            # Another process that starts now may have taken the directory for that of a dead one.
            if self._lock.try_acquire():
                return

    def remove(self) -> None:
        """Remove the directory and all that is in it."""
        self._lock.release()
        remove(self.path)


def _remove_dead_scratches(parent: Path) -> None:
    for path in parent.glob(f"{_SCRATCH_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            lock_file = path / "lock"
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or not lock_file.exists():
                continue
            lock = Lock(lock_file)
            if lock.try_acquire():
                lock.release()
                remove(path)
