"""The lock that makes us the only writer of a root.

Called by the worker's thread; `release` by the main thread after that has ended, `for_a_moment` by HTTP threads.
"""

import contextlib
import errno
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import PublishError, StoreLocked
from gitsync.base.filelock import Lock
from gitsync.base.log import get_logger
from gitsync.base.printable import printable_name
from gitsync.config import STORE_DIRECTORY, TREES_DIRECTORY, RepoConfig
from gitsync.programs.gitcmd import Git
from gitsync.telling.events import Failure, Observers, Waiting

_LOCK_POLL: Final = 0.1
# What flock(2) says on file systems that have none, or whose lock service is not there.
_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


class VolumeLock:
    """The lock of one root, which the children of its holder hold as well."""

    def __init__(self, repo: RepoConfig, git: Git, *, stop: threading.Event, observers: Observers) -> None:
        """`stop` ends the waiting, which the observers hear of."""
        self._name = repo.name
        self._work = repo.work
        self._git = git
        self._stop = stop
        self._observers = observers
        self._log = get_logger(repo=repo.name)
        self._directory = repo.work / STORE_DIRECTORY
        parents = (path for path in (*reversed(repo.work.parents), repo.work) if repo.root in path.parents)
        self._directories = (*parents, self._directory, repo.work / TREES_DIRECTORY)
        self._lock = Lock(self._directory / "lock")
        # What was said of the one that we wait for.
        self._told: str | None = None

    @property
    def held(self) -> bool:
        """Whether we are the only writer."""
        return self._lock.held

    def check_directories(self) -> None:
        """Remove what stands in the place of a directory of ours; where a link leads nothing is touched."""
        for directory in self._directories:
            found = nolinks.status(directory)
            if found and not stat.S_ISDIR(found.st_mode):
                self._clear(directory)

    def take(self, *, deadline: float) -> None:
        """Make sure that we are the only writer; wait until the deadline (monotonic seconds), then `StoreLocked`."""
        self.check_directories()
        if self._lock.in_place:
            return
        self.release()
        nolinks.make_directory(self._directory)
        there = nolinks.status(self._lock.path)
        if there and not stat.S_ISREG(there.st_mode):
            self._clear(self._lock.path)
        waiting = False
        while not try_lock(self._lock):
            if not waiting:
                waiting = True
                self._tell()
                self._end_orphans()
            if time.monotonic() >= deadline or self._stop.wait(_LOCK_POLL):
                raise self._locked()
        if self._told:
            self._told = None
            self._observers.notify(Waiting(repo=self._name, failure=None))
        # Children hold the lock as well: if we are killed, nobody works on the store before they are gone.
        self._git.inherited = (self._lock.fileno,)

    @contextlib.contextmanager
    def for_a_moment(self) -> Iterator[None]:
        """Be the only writer while the block runs, also before the worker has the lock; raise `StoreLocked`."""
        if self.held:
            yield
            return
        lock = Lock(self._lock.path)
        nolinks.make_directory(self._directory)
        if not lock.try_acquire():
            raise self._locked()
        try:
            yield
        finally:
            lock.release()

    def _clear(self, path: Path) -> None:
        self._log.warning("obstacle_found", path=str(path), message="it is not what we have left")
        nolinks.remove(path)

    def release(self) -> None:
        """Give the lock back."""
        self._git.inherited = ()
        self._lock.release()

    def _locked(self) -> StoreLocked:
        """Say who holds the lock, and since when."""
        since = self._lock.taken_at()
        shown = f" since {datetime.fromtimestamp(since, UTC).isoformat(timespec='seconds')}" if since else ""
        return StoreLocked(f"{self._work} is in use by another process ({printable_name(self._lock.holder())}){shown}")

    def _tell(self) -> None:
        """Tell the observers of the wait, and the log of each holder once: a pass that waits comes after another."""
        error = self._locked()
        if self._told != str(error):
            self._log.warning("store_locked", message=str(error), hint=error.hint)
            self._told = str(error)
        failure = Failure(reason=error.reason, message=str(error), hint=error.hint)
        self._observers.notify(Waiting(repo=self._name, failure=failure))

    def _end_orphans(self) -> None:
        """End the git of a process that was killed alone: it may wait for a silent server for ever."""
        if self._lock.abandoned():
            for pid in self._lock.holders():
                self._log.warning("orphan_ended", pid=pid)
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


def try_lock(lock: Lock) -> bool:
    """Take a lock if it is free; raise `PublishError` on a volume that has none, and `OSError`."""
    try:
        return lock.try_acquire()
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        # Without a lock two processes would write to one store, and each remove the other's trees.
        message = f"{lock.path}: the volume keeps no locks: {error.strerror}"
        raise PublishError(message, reason="no_locks") from error
