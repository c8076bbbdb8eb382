"""The remote of one repository: what it has, and the lock that makes us the only writer of its copy here.

Called by the worker's thread; `unlock` by the main thread after that has ended.
"""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base.errors import GitError, PublishError, RefNotFound, StoreLocked
from gitsync.base.files import Lock, remove
from gitsync.base.log import get_logger
from gitsync.config import STORE_DIRECTORY, TREES_DIRECTORY, RepoConfig, is_full_hash
from gitsync.programs.gitcmd import Git, Place
from gitsync.telling.events import Commit
from gitsync.volume.store import PRIVATE_REF, Store, collect

_LOCK_POLL: Final = 0.1
# Asking for refs needs no repository. git would look for one, in every directory above, and read its configuration.
_NOWHERE: Final = Place(git_dir=Path(os.devnull))
# Our own lock file is called `lock`, which is none of these.
_LEFTOVER: Final = re.compile(r".*\.lock|gc\.pid|packed-refs\.new|tmp_.*|\.tmp-.*|.*\.keep|.*\.gitsync-tmp")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the remote has: the hash to publish, the full name that the ref was resolved to, and what to fetch."""

    hash: str
    ref: str
    source: str
    pinned: bool = False


class Mirror:
    """The store, its lock, and the remote."""

    def __init__(self, repo: RepoConfig, git: Git, *, stop: threading.Event) -> None:
        self._repo = repo
        self._git = git
        self._stop = stop
        self._log = get_logger(repo=repo.name)
        self._directory = repo.root / STORE_DIRECTORY
        self._directories = (self._directory, repo.root / TREES_DIRECTORY)
        self._lock = Lock(self._directory / "lock")
        # The server sends all refs of these kinds, whatever names are asked for. Of pull requests there may be many.
        self._kinds = () if repo.ref == "HEAD" else ("--heads", "--tags")
        self.store = Store(self._directory, repo.repo, repo, git)

    def stores(self) -> list[Path]:
        """Return the stores of all remotes and generations that are on the volume."""
        return [path for path in self._directory.glob("*-*") if path.is_dir()]

    @property
    def locked(self) -> bool:
        """Whether we are the only writer."""
        return self._lock.held

    def check_directories(self) -> None:
        """Raise `PublishError` if a directory of ours has become a link: what we sweep would be somebody else's."""
        for directory in self._directories:
            if directory.is_symlink():
                raise PublishError(f"{directory} is a link, and has to be a directory of ours", reason="filesystem")

    def lock(self, *, deadline: float) -> None:
        """Make sure that we are the only writer; wait for the lock until the deadline, then raise `StoreLocked`."""
        self.check_directories()
        if self._lock.held:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        waiting = False
        while not self._lock.try_acquire():
            if not waiting:
                self._log.warning("store_locked", root=str(self._repo.root), holder=self._lock.holder())
                waiting = True
                self._end_orphans()
            if time.monotonic() >= deadline or self._stop.wait(_LOCK_POLL):
                raise StoreLocked(f"{self._repo.root} is in use by another process ({self._lock.holder()})")
        # Children hold the lock as well: if we are killed, nobody works on the store before they are gone.
        self._git.inherited = (self._lock.fileno,)

    def _end_orphans(self) -> None:
        """End the git of a process that was killed alone: it may wait for a silent server for ever."""
        if self._lock.abandoned():
            for number in self._lock.holders():
                self._log.warning("orphan_ended", pid=number)
                with contextlib.suppress(OSError):
                    os.kill(number, signal.SIGKILL)

    def unlock(self) -> None:
        """Give the lock back."""
        self._git.inherited = ()
        self._lock.release()

    def sweep(self) -> None:
        """Remove what killed commands left: we hold the lock, so every lock file of git's is a dead one."""
        for directory, _, names in os.walk(self._directory):
            for name in names:
                if _LEFTOVER.fullmatch(name):
                    path = Path(directory, name)
                    self._log.info("leftover_removed", v=1, path=str(path))
                    remove(path)

    def collect(self, *, deadline: float, idle: bool) -> None:
        """Collect garbage where much has piled up; called off the publishing path. Raise `GitError`."""
        for store in self.stores():
            collect(store, self._repo.git_gc, self._git, deadline=deadline, idle=idle)

    def prune(self, *, deadline: float) -> None:
        """Remove the objects that unfinished fetches have left. Raise `GitError`."""
        for store in self.stores():
            self._git.run(["prune", "--expire=now"], deadline=deadline, place=Place(git_dir=store))

    def probe(self, *, deadline: float) -> Target:
        """Ask the remote for the ref with one `git ls-remote`; raise `RefNotFound` or `GitError`."""
        ref = self._repo.ref
        if is_full_hash(ref):
            return Target(hash=ref, ref=ref, source=ref, pinned=True)
        candidates = _candidates(ref)
        refs, symbolic = self._ask(candidates, deadline=deadline)
        present = [name for name in candidates if name in refs]
        if not present and self._kinds:
            # It may be of another kind; if so, it is looked for among all from now on.
            kinds, self._kinds = self._kinds, ()
            refs, symbolic = self._ask(candidates, deadline=deadline)
            present = [name for name in candidates if name in refs]
            self._kinds = () if present else kinds
        if not present:
            empty = "; the repository may be empty" if ref == "HEAD" else ""
            raise RefNotFound(f"git ls-remote ({self._repo.repo}): the remote has no ref {ref!r}{empty}")
        if len(present) > 1:
            self._log.warning("ambiguous_ref", v=1, ref=ref, taken=present[0], others=present[1:])
        name = present[0]
        return Target(hash=refs.get(f"{name}^{{}}", refs[name]), ref=symbolic.get(name, name), source=name)

    def _ask(self, candidates: list[str], *, deadline: float) -> tuple[dict[str, str], dict[str, str]]:
        """Return the hashes that the remote has for these names, and what those that are symbolic stand for."""
        patterns = (
            candidates if candidates == ["HEAD"] else [part for name in candidates for part in (name, f"{name}^{{}}")]
        )
        arguments = ["ls-remote", "--quiet", "--symref", *self._kinds, "--", self._repo.repo, *patterns]
        return _parse_refs(self._git.run(arguments, deadline=deadline, place=_NOWHERE).stdout)

    def fetch(self, target: Target, *, deadline: float) -> Commit:
        """Fetch the target and return its commit, which is newer than the target's if the remote has moved since."""
        self.store.fetch(target.source, sha256=len(target.hash) == 64, deadline=deadline)
        commit = self.store.lookup(PRIVATE_REF, deadline=deadline)
        if commit is None:
            message = f"git fetch ({self._repo.repo}): {target.source} does not lead to a commit"
            raise RefNotFound(message, hint="check --ref: only commits can be published")
        return commit


def _candidates(ref: str) -> list[str]:
    """Return the full names that a ref may mean, in git's order. https://git-scm.com/docs/gitrevisions"""
    if ref == "HEAD":
        return [ref]
    full = [ref] if ref.startswith("refs/") else []
    return [*full, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"]


def _parse_refs(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the hashes by ref name, and the targets of symbolic refs, of what `git ls-remote --symref` printed."""
    refs: dict[str, str] = {}
    symbolic: dict[str, str] = {}
    for value, name in _lines(text):
        if value.startswith("ref: "):
            symbolic[name] = value.removeprefix("ref: ")
        elif is_full_hash(value):
            refs[name] = value
    return refs, symbolic


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        value, tab, name = line.partition("\t")
        if tab and re.fullmatch(r"[\x21-\x7e\x80-\U0010ffff]+", name):
            yield value, name


def is_damage(error: Exception) -> bool:
    """Say whether an error means that the store itself is damaged."""
    return isinstance(error, GitError) and error.reason == "corrupt"
