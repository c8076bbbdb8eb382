"""Has somebody look when a file that matters has changed: credentials, certificates, patterns, a local repository.

Directories are watched, not files: Kubernetes updates a Secret by swapping the link `..data` beside the files, and a
watch on a file sees that once and never again. What a watch reports is only a reason to look, and as events get lost we
look without one now and then. Where the system has no watches left, that is every few seconds.

One thread does that for all repositories, as each directory that is watched costs a thread of the library's. `run` is
its body; all else is called by the main thread.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gitsync.base.log import get_logger
from gitsync.triggers.watched import Watched

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

# Seconds. A swap is a handful of system calls, a push somewhat more; one pass should see all of it.
_DEBOUNCE: Final = 0.2
# Seconds between looks where not every directory is watched.
_POLL: Final = 3.0
# Seconds between looks although every directory is watched: the system drops events when there are too many.
_RELY: Final = 60.0
NO_WATCHES: Final = "raise fs.inotify.max_user_instances or max_user_watches on the node"


@dataclass(frozen=True)
class _Directory:
    """A directory to watch; another one under the same name is not the same."""

    path: Path
    recursive: bool
    inode: int


class Watcher:
    """Watches what is added, and has it looked at."""

    def __init__(self) -> None:
        self._log = get_logger()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._all: tuple[Watched, ...] = ()
        self._observer: BaseObserver | None = None
        self._watched: frozenset[_Directory] = frozenset()
        self._retry_at = 0.0

    @property
    def needed(self) -> bool:
        """Whether there is anything to watch."""
        return bool(self._all)

    def add(self, watched: Watched) -> None:
        """Watch this, too, if there is anything to it."""
        if watched.needed:
            self._all = (*self._all, watched)
            self._wake.set()

    def remove(self, watched: Watched) -> None:
        """Watch this no longer; what changes at this moment may still be told."""
        self._all = tuple(each for each in self._all if each is not watched)
        self._wake.set()

    def run(self) -> int:
        """Watch until `stop`, and return 0. The body of a thread; a system without watches is logged, and polled."""
        try:
            while not self._stopping.is_set():
                interval = _RELY if self._watch() else _POLL
                for watched in self._all:
                    watched.check()
                if self._wake.wait(interval):
                    self._stopping.wait(_DEBOUNCE)
                    self._wake.clear()
        finally:
            self._release()
        return 0

    def stop(self) -> None:
        """Ask the thread to end; return at once."""
        self._stopping.set()
        self._wake.set()

    def _directories(self) -> tuple[frozenset[_Directory], bool]:
        """Return the directories to watch that there are, and whether that is all of them."""
        found, complete = set(), True
        for path, recursive in {wanted for watched in self._all for wanted in watched.directories()}:
            try:
                found.add(_Directory(path, recursive, path.stat().st_ino))
            except OSError:
                complete = False
        return frozenset(found), complete

    def _watch(self) -> bool:
        """Watch the directories as they are now; say whether that can be relied upon."""
        directories, complete = self._directories()
        if directories == self._watched and self._observer:
            return complete
        if time.monotonic() < self._retry_at:
            return False
        self._release()
        try:
            self._observe(directories)
        except OSError as error:
            self._release()
            if not self._retry_at:
                self._log.warning(
                    "watch_unavailable",
                    message=f"{error.strerror or error}; looking every {_POLL:g}s",
                    hint=NO_WATCHES,
                )
            self._retry_at = time.monotonic() + _RELY
            return False
        self._watched = directories
        return complete

    def _observe(self, directories: frozenset[_Directory]) -> None:
        # Only whoever has something to watch pays for the library.
        from watchdog.events import (
            DirCreatedEvent,
            DirDeletedEvent,
            DirMovedEvent,
            FileClosedEvent,
            FileCreatedEvent,
            FileDeletedEvent,
            FileMovedEvent,
            FileSystemEvent,
            FileSystemEventHandler,
        )
        from watchdog.observers import Observer

        wake = self._wake

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                wake.set()

        # Reading must not be among them: we read the files ourselves.
        kinds: list[type[FileSystemEvent]] = [
            *(DirCreatedEvent, DirDeletedEvent, DirMovedEvent),
            *(FileClosedEvent, FileCreatedEvent, FileDeletedEvent, FileMovedEvent),
        ]
        observer = self._observer = Observer()
        observer.start()
        for directory in directories:
            # The path may be a link, and the watch is on what it leads to.
            path = os.path.realpath(directory.path)
            observer.schedule(Handler(), path, recursive=directory.recursive, event_filter=kinds)

    def _release(self) -> None:
        observer, self._observer, self._watched = self._observer, None, frozenset()
        if observer:
            observer.stop()
            observer.join()


def try_watching(directory: Path) -> None:
    """Watch a directory for a moment; raise `OSError` where the system lets nobody watch any more."""
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers import Observer

    observer = Observer()
    observer.start()
    try:
        observer.schedule(FileSystemEventHandler(), str(directory))
    finally:
        observer.stop()
        observer.join()
