"""Locks that die with their holder. A `Lock` belongs to whoever made it."""

import contextlib
import fcntl
import os
import socket
from pathlib import Path

from gitsync.base import nolinks
from gitsync.base.files import past_time


class Lock:
    """An exclusive lock that the system gives back when the last holder of its descriptor is gone, children included.

    flock(2): the lock belongs to the open file, so a child that inherits `fileno` holds it too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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

    @property
    def in_place(self) -> bool:
        """Whether we hold the file that is there: who finds another one, or none, takes that for free."""
        there = nolinks.status(self.path)
        return (
            self._descriptor is not None and there is not None and os.path.samestat(os.fstat(self._descriptor), there)
        )

    def try_acquire(self) -> bool:
        """Take the lock if it is free; never wait. Raise `OSError` if there can be no such file, or no lock on it."""
        if self._descriptor is not None:
            return True
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with nolinks.opened(self.path.parent) as directory:
            descriptor = os.open(self.path.name, flags, 0o664, dir_fd=directory)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        with contextlib.suppress(OSError):  # a full disk must not keep us from working
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def taken(self) -> bool:
        """Say whether somebody else holds it, and leave the file as it is, or not there; raise `OSError`."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), nolinks.reading(self.path) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def holder(self) -> str:
        """Return who wrote himself into the lock file last, such as `7 on web-0`."""
        return (nolinks.read(self.path) or "").strip() or "unknown"

    def taken_at(self) -> float | None:
        """Return when he did so, as Unix time."""
        try:
            return past_time(self.path.lstat())
        except OSError:
            return None

    def abandoned(self) -> bool:
        """Say whether who wrote himself into the file last is known to be dead, so that only his children hold it."""
        pid, _, host = self.holder().partition(" on ")
        if host != socket.gethostname() or not pid.isdigit():
            return False
        return not Path("/proc", pid).exists() and Path("/proc/self").exists()

    def holders(self) -> list[int]:
        """Return the processes of ours that have the file open."""
        found = []
        with contextlib.suppress(OSError):
            ours = self.path.stat()
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
