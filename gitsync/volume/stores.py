"""All stores of a root: of the remote that is followed, of its submodules, and those that are not used any more.

Called by the worker's thread.
"""

import re
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitError, RefNotFound
from gitsync.base.log import get_logger
from gitsync.config import STORE_DIRECTORY, RepoConfig
from gitsync.programs.gitcmd import Git, Place
from gitsync.remote.probe import Target
from gitsync.telling.events import Commit
from gitsync.volume.garbage import collect
from gitsync.volume.store import PRIVATE_REF, Store

# How git, and we, call what is not finished; our own lock file is called `lock`, which is none of these.
_BEGUN: Final = ("tmp_", ".tmp-")
_UNFINISHED: Final = (".keep", ".gitsync-tmp", "gc.pid", "packed-refs.new")
_LOCKED: Final = ".lock"
_STORE: Final = re.compile(r"[0-9a-f]{12}-[0-9]+")
# No file of a store lies deeper, but for the locks of refs with longer names than any that we know.
_DEPTH: Final = 16


class Stores:
    """The stores of one root; `current` is that of the remote that is followed."""

    def __init__(self, repo: RepoConfig, git: Git) -> None:
        self._repo = repo
        self._git = git
        self._log = get_logger(repo=repo.name)
        self._directory = repo.root / STORE_DIRECTORY
        self.current = Store(self._directory, repo.repo, repo, git)

    def all(self) -> list[Path]:
        """Return the stores of all remotes and generations that are on the volume."""
        return [path for path in nolinks.subdirectories(self._directory) if _STORE.fullmatch(path.name)]

    def fetch(self, target: Target, *, deadline: float) -> Commit:
        """Fetch the target until the deadline (monotonic seconds), and return its commit.

        That is newer than the target's if the remote has moved since. Raises `GitError` and `RefNotFound`.
        """
        self.current.fetch(target.source, sha256=len(target.hash) == 64, deadline=deadline)
        commit = self.current.lookup(PRIVATE_REF, deadline=deadline)
        if commit is None:
            message = f"git fetch ({self._repo.repo}): {target.source} does not lead to a commit"
            raise RefNotFound(message, hint="check --ref: only commits can be published")
        return commit

    def sweep(self) -> None:
        """Remove what killed commands left: we hold the lock, so every lock file of git's is a dead one."""
        for path in nolinks.walk(self._directory, depth=_DEPTH):
            # Branches may be called like temporary files, but not like locks.
            named_by_us = "refs" not in path.relative_to(self._directory).parts
            unfinished = named_by_us and (path.name.startswith(_BEGUN) or path.name.endswith(_UNFINISHED))
            if unfinished or path.name.endswith(_LOCKED):
                self._log.info("leftover_removed", v=1, path=str(path))
                nolinks.remove(path)

    def collect(self, *, deadline: float, idle: bool) -> None:
        """Collect garbage where much has piled up, until the deadline (monotonic seconds); raise `GitError`.

        `idle` is for between passes.
        """
        for store in self.all():
            collect(store, self._repo.upkeep.git_gc, self._git, deadline=deadline, idle=idle)

    def prune(self, *, deadline: float) -> None:
        """Remove the objects that unfinished fetches have left, until the deadline. Raise `GitError`."""
        for store in self.all():
            self._git.run(["prune", "--expire=now"], deadline=deadline, place=Place(store=store))


def is_damage(error: Exception) -> bool:
    """Say whether an error means that the store itself is damaged."""
    return isinstance(error, GitError) and error.reason == "corrupt"
