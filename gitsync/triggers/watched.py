"""What a repository depends on besides its remote: files that its passes read, and a repository on this machine.

A `Watched` is looked at by the watcher's thread. Whether something has changed is told by contents, or by the identity
of what is replaced and never written into; so reading a file does not count.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gitsync.base.files import read_small
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig, transport

# Bytes of a file that are compared.
_LARGEST: Final = 1024 * 1024
_SSH_FILES: Final = (Path("/etc/git-secret/ssh"), Path("/etc/git-secret/known_hosts"))

_Print = dict[str, object]


class Watched:
    """Files, and a repository on this machine; `changed` is called when any of it has changed."""

    def __init__(
        self, files: Sequence[Path], changed: Callable[[], object], *, repository: Path | None = None, name: str = ""
    ) -> None:
        self._files = tuple(files)
        self._repository = repository
        self._changed = changed
        self._log = get_logger(repo=name) if name else get_logger()
        # Taken before anybody reads any of it, so that no change is missed in between.
        self._seen = self._look()

    @property
    def needed(self) -> bool:
        """Whether there is anything to watch."""
        return bool(self._files or self._repository)

    def check(self) -> None:
        """Look, and tell if something has changed."""
        seen = self._look()
        if seen == self._seen:
            return
        changed = sorted(key for key in seen.keys() | self._seen.keys() if seen.get(key) != self._seen.get(key))
        self._seen = seen
        self._log.info("file_changed", v=1, files=changed[:5], count=len(changed))
        self._changed()

    def directories(self) -> set[tuple[Path, bool]]:
        """Return the directories in which changes show, and for each whether they do so below it, too."""
        wanted = {(path.parent, False) for path in self._files}
        if self._repository:
            own, common = _git_directories(self._repository)
            wanted |= {(own, False), (common, False)}
            wanted |= {(common / name, True) for name in ("refs", "reftable") if _is_directory(common / name)}
        return wanted

    def _look(self) -> _Print:
        """Return what is to be compared: the contents of small files, and the identities of the refs."""
        found: _Print = {str(path): _digest(path) for path in self._files}
        if self._repository:
            found |= _refs(self._repository)
        return found


def watched_of(repo: RepoConfig, changed: Callable[[], object]) -> Watched:
    """Return what a repository depends on."""
    return Watched(watched_files(repo), changed, repository=local_path(repo.repo), name=repo.name)


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
