"""What can wait until no pass is due: preparing, settling and removing trees, collecting garbage, measuring, LFS.

Each chore is a child process at low priority, one at a time. The worker's thread runs them while it waits, and whoever
starts a pass ends the one that runs (`Git.interrupt`); it is done another time. A chore that had to make way too often
is done at normal priority, and the pass waits.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig
from gitsync.programs.process import CancelledError, MadeWayError
from gitsync.sync.idle import run_idle
from gitsync.sync.measuring import Measuring
from gitsync.sync.mending import Mending
from gitsync.sync.parts import Parts
from gitsync.sync.pointers import Pointers
from gitsync.volume.recipe import Recipe
from gitsync.volume.tree import Tree

# So often a chore makes way. Then it has this many seconds, or those of a pass.
_PATIENCE: Final = 3
_LONG: Final = 600.0


class Chores:
    """The chores of one repository."""

    def __init__(self, repo: RepoConfig, parts: Parts, mending: Mending) -> None:
        self._timeout = repo.schedule.sync_timeout
        self._parts = parts
        self._mending = mending
        self._log = get_logger(repo=repo.name)
        self._collect_due = False
        self._tree: Tree | None = None
        self._recipe = Recipe.of(repo)
        self._pointers = Pointers(repo.name, git=parts.git, observers=parts.observers)
        self._measuring = Measuring(repo.name, git=parts.git, observers=parts.observers)
        # How often in a row a chore had to make way.
        self.made_way = 0

    @property
    def longest(self) -> float:
        """How many seconds the next chore may take once it does not make way any more."""
        return max(_LONG, self._timeout)

    @property
    def due_at(self) -> float:
        """When there will be one that is not due yet (monotonic seconds), infinity if there will be none."""
        return self._parts.trees.staging.settle_at

    def published(self, tree: Tree, recipe: Recipe) -> None:
        """Note what is published: there may be garbage, and sizes may have changed."""
        self._tree, self._recipe, self._collect_due = tree, recipe, True

    def failed(self) -> None:
        """Note that a pass has failed: there may be garbage of a commit that nobody publishes."""
        self._collect_due = True

    @property
    def is_due(self) -> bool:
        """Whether there is one to do now; raises `OSError` if the volume does not let us look."""
        return self._next() is not None

    @property
    def insist(self) -> bool:
        """Whether they have made way so often that they do not do so any more, until all that are due are done."""
        return self.made_way >= _PATIENCE

    def put_off(self) -> None:
        """Note that a pass comes before what is due."""
        if self.is_due:
            self.made_way += 1

    def do_next(self, *, deadline: float) -> bool:
        """Do what is due next, until the deadline if it can make way; return whether it is done."""
        chore = self._next()
        if chore is None:
            self.made_way = 0
            return False
        idle = not self.insist
        try:
            chore(deadline if idle else time.monotonic() + self.longest, idle)
        except (GitCancelled, GitTimeout, CancelledError, MadeWayError, TimeoutError) as error:
            self.made_way += 1
            self._log.info("chore_put_off", v=1, message=str(error), times=self.made_way)
            return False
        if idle:
            self.made_way = 0
        return True

    def _next(self) -> Callable[[float, bool], None] | None:
        if self._tree and self._parts.trees.staging.standbys.is_short(self._parts.stores.current.path):
            return self._prepare
        if self._parts.trees.staging.settle_at <= time.monotonic():
            return self._settle
        if self._tree and not self._recipe.lfs and self._pointers.is_due(self._tree):
            return self._look_for_pointers
        if self._parts.trees.disposal.gone:
            return self._remove
        if self._collect_due:
            return self._collect
        if self._tree and self._measuring.is_due(self._tree):
            return self._measure
        return None

    def _prepare(self, deadline: float, idle: bool) -> None:
        assert self._tree  # noqa: S101 (nothing is prepared before the first publication)
        store = self._parts.stores.current.path
        with self._telling("prepare_failed"):
            self._parts.trees.staging.prepare(self._tree.hash, self._recipe, store, deadline=deadline, idle=idle)

    def _settle(self, deadline: float, idle: bool) -> None:
        with self._telling("settle_failed"):
            self._parts.trees.staging.settle(deadline=deadline, idle=idle)

    def _look_for_pointers(self, deadline: float, idle: bool) -> None:
        assert self._tree  # noqa: S101 (what is looked at is published)
        with self._telling("lfs_unknown"):
            self._pointers.look(self._tree, self._recipe, deadline=deadline, idle=idle)

    def _remove(self, deadline: float, idle: bool) -> None:
        path = self._parts.trees.disposal.gone[0]
        try:
            # By a descriptor of the directory that it is in, which no link can take the place of.
            with nolinks.opened(path.parent) as parent:
                command = ["rm", "-rf", "--", f"/proc/self/fd/{parent}/{path.name}"]
                run_idle(self._parts.git, command, deadline=deadline, idle=idle, descriptors=(parent,))
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            self._log.info("no_rm", v=1, message=str(error))
        self._parts.trees.disposal.finish(path)

    def _collect(self, deadline: float, idle: bool) -> None:
        stores = self._parts.stores
        try:
            stores.collect(deadline=deadline, idle=idle)
        except (GitCancelled, GitTimeout):
            raise
        except GitError as error:
            self._log.warning("collect_failed", reason=error.reason, message=str(error))
            # A damaged store would grow for ever, as long as updates find what they need in it.
            self._mending.mend(error, None, deadline=deadline, idle=idle)
        if filled := stores.prunable:
            # Most have none: they neither pay for this nor read what their trees have noted.
            from gitsync.volume.contents import prune

            prune(filled, self._parts.trees.catalogue.all(stores.all()))
        self._collect_due = False

    def _measure(self, deadline: float, idle: bool) -> None:
        assert self._tree  # noqa: S101 (what is measured is published)
        self._measuring.measure(self._tree, self._parts.stores.current.path, deadline=deadline, idle=idle)

    @contextlib.contextmanager
    def _telling(self, event: str) -> Iterator[None]:
        """Tell of failures in the log only: what is damaged is found, and replaced, by passes and comparisons."""
        try:
            yield
        except (GitCancelled, GitTimeout):
            raise
        except GitError as error:
            self._log.warning(event, reason=error.reason, message=str(error))
