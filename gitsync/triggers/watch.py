"""Starts a pass when a file that matters has changed: credentials, certificates, patterns, or a local repository.

Directories are watched, not files: Kubernetes updates a Secret by swapping the link `..data` beside the files, and a
watch on a file sees that once and never again. What a watch reports is only a reason to look; whether something has
changed is told by the contents. So reading a file does not count, and neither does an event that got lost: now and then
we look without one. Where the system has no watches left, that is every few seconds.

`run` is the body of a thread; `stop` is called by the main thread.
"""

import hashlib
import os
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from gitsync.base.files import read_small
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig, transport
from gitsync.triggers.mailbox import Mailbox

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

# Seconds. A swap is a handful of system calls, a push somewhat more; one pass should see all of it.
_DEBOUNCE: Final = 0.2
# Seconds between looks where not every directory is watched.
_POLL: Final = 3.0
# Seconds between looks although every directory is watched: the system drops events when there are too many.
_RELY: Final = 60.0
# Bytes of a file that are compared.
_LARGEST: Final = 1024 * 1024
NO_WATCHES: Final = "raise fs.inotify.max_user_instances or max_user_watches on the node"
_SSH_FILES: Final = (Path("/etc/git-secret/ssh"), Path("/etc/git-secret/known_hosts"))

_Print = dict[str, object]


@dataclass(frozen=True)
class _Directory:
    """A directory to watch; another one under the same name is not the same."""

    path: Path
    recursive: bool
    inode: int


class Watcher:
    """Watches what one repository depends on, and posts `file` to its mailbox."""

    def __init__(self, repo: RepoConfig, mailbox: Mailbox) -> None:
        self._files = watched_files(repo)
        self._repository = local_path(repo.repo)
        self._mailbox = mailbox
        self._log = get_logger(repo=repo.name)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._observer: BaseObserver | None = None
        self._watched: frozenset[_Directory] = frozenset()
        self._retry_at = 0.0
        # Taken before the first pass reads any of it, so that no change is missed in between.
        self._seen = self._look()

    @property
    def needed(self) -> bool:
        """Whether there is anything to watch."""
        return bool(self._files or self._repository)

    def run(self) -> int:
        """Watch until `stop`, and return 0. The body of a thread; a system without watches is logged, and polled."""
        try:
            while not self._stopping.is_set():
                interval = _RELY if self._watch() else _POLL
                self._check()
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

    def _check(self) -> None:
        seen = self._look()
        if seen == self._seen or self._stopping.is_set():
            return
        changed = sorted(key for key in seen.keys() | self._seen.keys() if seen.get(key) != self._seen.get(key))
        self._seen = seen
        self._log.info("file_changed", v=1, files=changed[:5], count=len(changed))
        self._mailbox.post("file")

    def _look(self) -> _Print:
        """Return what is to be compared: the contents of small files, and the identities of the refs."""
        found: _Print = {str(path): _digest(path) for path in self._files}
        if self._repository:
            found |= _refs(self._repository)
        return found

    def _directories(self) -> tuple[frozenset[_Directory], bool]:
        """Return the directories to watch that there are, and whether that is all of them."""
        wanted = {(path.parent, False) for path in self._files}
        if self._repository:
            own, common = _git_directories(self._repository)
            wanted |= {(own, False), (common, False)}
            wanted |= {(common / name, True) for name in ("refs", "reftable") if _is_directory(common / name)}
        found, complete = set(), True
        for path, recursive in wanted:
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


def watched_files(repo: RepoConfig) -> tuple[Path, ...]:
    """Return the files that a pass reads; those that ssh uses without an option count where they are there."""
    auth = repo.auth
    given = [
        auth.password_file,
        *(credential.password_file for credential in auth.credential),
        auth.cookie_file,
        *auth.ssh.key_file,
        auth.ssh.known_hosts_file,
        auth.github.app_private_key_file,
        auth.ca_file,
        repo.content.sparse_checkout_file,
        *repo.content.verification.files,
    ]
    usual = [path for path in _SSH_FILES if transport(repo.repo) == "ssh" and os.path.exists(path)]  # noqa: PTH110
    return tuple(dict.fromkeys(path.absolute() for path in [*given, *usual] if path))


def local_path(repo: str) -> Path | None:
    """Return the path of a repository on this machine, None for one elsewhere."""
    if transport(repo) != "file":
        return None
    return Path(unquote(urlsplit(repo).path)) if repo.lower().startswith("file://") else Path(repo)


def _git_directories(path: Path) -> tuple[Path, Path]:
    """Return where HEAD is and where the refs are: they differ for a linked worktree.

    https://git-scm.com/docs/gitrepository-layout
    """
    own = path
    for candidate in (path / ".git", path, Path(f"{path}.git")):
        # What is in the file may be no path at all.
        if content := (read_small(candidate) or "").replace("\0", ""):
            own = path / content.removeprefix("gitdir:").strip() if content.startswith("gitdir:") else path.parent
            break
        if _identity(candidate / "HEAD"):
            own = candidate
            break
    common = (read_small(own / "commondir") or "").replace("\0", "").strip()
    return own, own / common


def _refs(repository: Path) -> _Print:
    own, common = _git_directories(repository)
    found: _Print = {str(own / "HEAD"): _digest(own / "HEAD")}
    # git replaces these files and never writes into them, so the identity is enough.
    for path in (common / "packed-refs", repository):
        found[str(path)] = _identity(path) if not _is_directory(path) else None
    for top in (common / "refs", common / "reftable"):
        for directory, _, names in os.walk(top):
            for path in (Path(directory, name) for name in names if not name.endswith(".lock")):
                found[str(path)] = _identity(path)
    return found


def _is_directory(path: Path) -> bool:
    """Say whether there is a directory that we can see; `Path.is_dir` raises where it is not let through."""
    return os.path.isdir(path)  # noqa: PTH112


def _identity(path: Path) -> object:
    try:
        status = path.stat()
    except OSError as error:
        return None if isinstance(error, FileNotFoundError | NotADirectoryError) else error.errno
    return status.st_ino, status.st_mtime_ns, status.st_size


def _digest(path: Path) -> object:
    """Return a digest of a file's content, or why there is none; what it leads to is followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return error.errno
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return hashlib.sha256(os.read(descriptor, _LARGEST)).hexdigest()
    except OSError as error:
        return error.errno
    finally:
        os.close(descriptor)
