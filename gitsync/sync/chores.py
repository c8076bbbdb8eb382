"""What can wait until no pass is due: preparing, settling and removing trees, collecting garbage, measuring sizes.

Each chore is a child process at low priority, one at a time. The worker's thread runs them while it waits, and whoever
starts a pass ends the one that runs (`Git.interrupt`); it is done another time. A chore that had to make way too often
is done at normal priority, and the pass waits.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Final

from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.files import remove
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig
from gitsync.programs.gitcmd import Git
from gitsync.programs.process import CancelledError, MadeWayError, Process
from gitsync.telling.events import Measured, Observers
from gitsync.volume.mirror import Mirror
from gitsync.volume.tree import Recipe, Tree
from gitsync.volume.trees import Trees

# Looking at each file of a large tree costs more than an update of one line, so the sizes are not taken after each.
_MEASURE_PERIOD: Final = 60.0
# So often a chore makes way. Then it has this many seconds, or those of a pass.
_PATIENCE: Final = 3
_LONG: Final = 600.0
_OUTPUT_LIMIT: Final = 65536
# https://pubs.opengroup.org/onlinepubs/9799919799/utilities/du.html: with -k the unit is 1024 bytes.
_DU_UNIT: Final = 1024


class Chores:
    """The chores of one repository."""

    def __init__(self, repo: RepoConfig, *, git: Git, mirror: Mirror, trees: Trees, observers: Observers) -> None:
        self._repo = repo
        self._git = git
        self._mirror = mirror
        self._trees = trees
        self._observers = observers
        self._log = get_logger(repo=repo.name)
        self._collect_due = False
        self._tree: Tree | None = None
        self._recipe = Recipe(submodules=repo.submodules)
        self._measured: Tree | None = None
        self._measured_at = -_MEASURE_PERIOD
        # How often in a row a chore had to make way.
        self.made_way = 0

    @property
    def longest(self) -> float:
        """How many seconds the next chore may take once it does not make way any more."""
        return max(_LONG, self._repo.schedule.sync_timeout)

    @property
    def due_at(self) -> float:
        """When there will be one that is not due yet (monotonic seconds), infinity if there will be none."""
        return self._trees.settle_at

    def published(self, tree: Tree, recipe: Recipe) -> None:
        """Note what is published: there may be garbage, and sizes may have changed."""
        self._tree, self._recipe, self._collect_due = tree, recipe, True

    def do_next(self, *, deadline: float) -> bool:
        """Do what is due next, until the deadline if it can make way; return whether it is done."""
        chore = self._next()
        if chore is None:
            return False
        idle = self.made_way < _PATIENCE
        try:
            chore(deadline if idle else time.monotonic() + self.longest, idle)
        except (GitCancelled, GitTimeout, CancelledError, MadeWayError, TimeoutError) as error:
            self.made_way += 1
            self._log.info("chore_put_off", v=1, message=str(error), times=self.made_way)
            return False
        self.made_way = 0
        return True

    def _next(self) -> Callable[[float, bool], None] | None:
        if self._tree and self._trees.is_short(self._mirror.store.path):
            return self._prepare
        if self._trees.settle_at <= time.monotonic():
            return self._settle
        if self._trees.gone:
            return self._remove
        if self._collect_due:
            return self._collect
        if self._tree != self._measured and time.monotonic() - self._measured_at >= _MEASURE_PERIOD:
            return self._measure
        return None

    def _prepare(self, deadline: float, idle: bool) -> None:
        assert self._tree  # noqa: S101 (nothing is prepared before the first publication)
        store = self._mirror.store.path
        with self._telling("prepare_failed"):
            self._trees.prepare(self._tree.hash, self._recipe, store, deadline=deadline, idle=idle)

    def _settle(self, deadline: float, idle: bool) -> None:
        with self._telling("settle_failed"):
            self._trees.settle(deadline=deadline, idle=idle)

    def _remove(self, deadline: float, idle: bool) -> None:
        path = self._trees.gone[0]
        try:
            self._run(["rm", "-rf", "--", str(path)], deadline, idle)
        except (FileNotFoundError, PermissionError) as error:
            self._log.info("no_rm", v=1, message=str(error))
        if not remove(path):
            self._log.warning("removal_failed", path=str(path))
        self._trees.gone.remove(path)

    def _collect(self, deadline: float, idle: bool) -> None:
        with self._telling("collect_failed"):
            self._mirror.collect(deadline=deadline, idle=idle)
        self._collect_due = False

    def _measure(self, deadline: float, idle: bool) -> None:
        assert self._tree  # noqa: S101 (what is measured is published)
        self._measured, self._measured_at = self._tree, time.monotonic()
        paths = [str(self._mirror.store.path), str(self._tree.path)]
        try:
            printed = self._run(["du", "-sk", "--", *paths], deadline, idle)
        except (FileNotFoundError, PermissionError) as error:
            self._log.info("no_du", v=1, message=str(error))
            return
        sizes = [int(line.split()[0]) * _DU_UNIT for line in printed.splitlines()]
        if len(sizes) == 2:
            self._observers.notify(Measured(repo=self._repo.name, store_size=sizes[0], tree_size=sizes[1]))

    def _run(self, arguments: list[str], deadline: float, idle: bool) -> bytes:
        def start() -> Process:
            # A child that outlives us must not do so without the lock.
            return subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=self._git.inherited,
            )

        return self._git.children.run(start, deadline=deadline, limit=_OUTPUT_LIMIT, idle=idle).stdout

    @contextlib.contextmanager
    def _telling(self, event: str) -> Iterator[None]:
        """Tell of failures in the log only: what is damaged is found, and replaced, by passes and comparisons."""
        try:
            yield
        except (GitCancelled, GitTimeout):
            raise
        except GitError as error:
            self._log.warning(event, reason=error.reason, message=str(error))
