"""All stores of a root: of the remote that is followed, of its submodules, and those that are not used any more.

Called by the worker's thread.
"""

import re
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import RefNotFound
from gitsync.base.log import get_logger
from gitsync.config import STORE_DIRECTORY, RepoConfig
from gitsync.programs.gitcmd import Git, Place
from gitsync.remote.target import Target
from gitsync.telling.events import Commit, Observers
from gitsync.volume.garbage import collect
from gitsync.volume.store import PRIVATE_REF, Store

# How git, and we, call what is not finished; our own lock file is called `lock`, which is none of these.
_BEGUN: Final = ("tmp_", ".tmp-")
_UNFINISHED: Final = (".keep", ".gitsync-tmp", "gc.pid", "packed-refs.new")
# No refs of these names are tags. https://git-scm.com/docs/gitglossary#def_branch
_COMMITS: Final = ("HEAD", "refs/heads/")
# The contents of files that are kept in LFS, where a store has any.
CONTENTS: Final = "lfs"
_LOCKED: Final = ".lock"
_STORE: Final = re.compile(r"[0-9a-f]{12}-[0-9]+")
# No file of a store lies deeper, but for the locks of refs with longer names than any that we know.
_DEPTH: Final = 16


class Stores:
    """The stores of one root; `current` is that of the remote that is followed."""

    def __init__(self, repo: RepoConfig, git: Git, observers: Observers) -> None:
        self._repo = repo
        self._git = git
        self._observers = observers
        self._log = get_logger(repo=repo.name)
        self._directory = repo.work / STORE_DIRECTORY
        self._opened: dict[str, Store] = {}
        # Those that nothing can have come into since.
        self._collected: set[Path] = set()
        self.current = self.of(repo.repo)

    def of(self, url: str) -> Store:
        """Return the store of a remote, always the same one."""
        if url not in self._opened:
            self._opened[url] = Store(self._directory, url, self._repo, self._git, self._observers)
        return self._opened[url]

    def at(self, path: Path) -> Store | None:
        """Return the store that a path is in, None if it is in none that is used."""
        places = {path, *path.parents}
        return next((store for store in self._opened.values() if store.path in places), None)

    def all(self) -> list[Path]:
        """Return the stores of all remotes and generations that are on the volume."""
        return [path for path in nolinks.subdirectories(self._directory) if _STORE.fullmatch(path.name)]

    def fetch(self, target: Target, *, deadline: float) -> Commit:
        """Fetch the target until the deadline (monotonic seconds), and return its commit.

        That is newer than the target's if the remote has moved since. What leads to commits only is not looked at
        for its dates, which nobody needs before it is published. Raises `GitError` and `RefNotFound`.
        """
        if target.pinned:
            self.current.fetch_commit(target.hash, deadline=deadline)
        else:
            self.current.fetch(target.source, sha256=len(target.hash) == 64, deadline=deadline)
        if not target.pinned and target.source.startswith(_COMMITS) and (found := self.current.fetched):
            return Commit(hash=found)
        commit = self.current.lookup(target.hash if target.pinned else PRIVATE_REF, deadline=deadline)
        if commit is None:
            message = f"git fetch ({self._repo.repo}): {target.source} does not lead to a commit that the remote has"
            raise RefNotFound(message, hint="check --ref: only commits can be published")
        return commit

    def sweep(self) -> bool:
        """Remove what killed commands left: we hold the lock, so every lock file of git's is a dead one.

        Says whether there was anything.
        """
        swept = False
        for path in nolinks.walk(self._directory, depth=_DEPTH):
            # Branches may be called like temporary files, but not like locks.
            named_by_us = "refs" not in path.relative_to(self._directory).parts
            unfinished = named_by_us and (path.name.startswith(_BEGUN) or path.name.endswith(_UNFINISHED))
            if unfinished or path.name.endswith(_LOCKED):
                self._log.info("leftover_removed", v=1, path=str(path))
                swept = nolinks.remove(path) or swept
        return swept

    def collect(self, *, deadline: float, idle: bool) -> None:
        """Collect garbage where much has piled up, until the deadline (monotonic seconds); raise `GitError`.

        A store that nothing was fetched into since is passed over. `idle` is for between passes.
        """
        for path in self.all():
            store = self.at(path)
            if path in self._collected and not (store and store.grown):
                continue
            collect(path, self._repo.upkeep.git_gc, self._git, deadline=deadline, idle=idle)
            self._collected.add(path)
            if store:
                store.grown = False

    @property
    def prunable(self) -> list[Path]:
        """Those that have contents of files that are kept in LFS, if `--git-gc` lets us remove any."""
        if self._repo.upkeep.git_gc == "off":
            return []
        return [store for store in self.all() if nolinks.exists(store / CONTENTS)]

    def prune(self, *, deadline: float) -> None:
        """Remove the objects that unfinished fetches have left, until the deadline. Raise `GitError`."""
        for store in self.all():
            self._git.run(["prune", "--expire=now"], deadline=deadline, place=Place(store=store))
