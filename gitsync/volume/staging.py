"""Makes trees: out of a standby where there is one, from nothing otherwise, ahead of time where updates come quickly.

Called by the worker's thread.
"""

import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.files import unique
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig
from gitsync.programs.gitcmd import Git
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.changes import ChangeLog
from gitsync.volume.dating import commit_time, date_files
from gitsync.volume.disposal import Disposal
from gitsync.volume.limit import TreeLimit
from gitsync.volume.recipe import Recipe
from gitsync.volume.standby import Standbys
from gitsync.volume.store import Store
from gitsync.volume.strays import UncleanError
from gitsync.volume.submodules import Submodules
from gitsync.volume.tree import PRIVATE, Tree, free_place

if TYPE_CHECKING:
    from gitsync.volume.large import LargeFiles

# Until the second in which a tree was written is over.
_SETTLING: Final = 1.1
# No room, no rights, no way: a fresh tree would fare no better than the standby.
_SHARED_FATE: Final = {"bad_commit", "filesystem", "no_space", "permission"}


@dataclass(frozen=True, kw_only=True)
class Makers:
    """Who makes what git leaves out of a tree; the content of files that are kept in LFS only with `--lfs`."""

    submodules: Submodules
    large: "LargeFiles | None"


class Staging:
    """Makes the trees of one root."""

    def __init__(
        self,
        repo: RepoConfig,
        git: Git,
        makers: Makers,
        *,
        catalogue: Catalogue,
        disposal: Disposal,
        limit: TreeLimit,
    ) -> None:
        self._git = git
        self._work = repo.work
        self._catalogue = catalogue
        self._disposal = disposal
        self._limit = limit
        self.standbys = Standbys(repo, catalogue, disposal)
        self.changes = ChangeLog()
        self._makers = makers
        self._log = get_logger(repo=repo.name)
        # When the metadata's trees can be settled, monotonic.
        self._unsettled: dict[Path, float] = {}

    def stage(self, commit: str, recipe: Recipe, store: Store, *, deadline: float) -> Tree:
        """Return a complete private tree of the commit, made from the standby where there is one; git works in it.

        Raises `GitError`; a tree that is half done stays, so that the next try goes on from there.
        """
        standby = self.standbys.choose(recipe, store.path)
        if standby:
            try:
                return self._bring(standby, commit, recipe, deadline=deadline)
            except (GitTimeout, GitCancelled):
                raise
            except UncleanError as error:
                self._log.info("standby_unclean", v=1, message=str(error))
                self._disposal.delete(standby)
            except (GitError, OSError) as error:
                # A submodule that cannot be had is not the fault of the tree.
                if self._makers.submodules.failed or (isinstance(error, GitError) and error.reason in _SHARED_FATE):
                    raise
                self._log.warning("standby_dropped", message=str(error))
                self._disposal.delete(standby)
        self.standbys.note_fresh(store.path)
        fresh = self._create(commit, recipe, store.path)
        try:
            return self._bring(fresh, commit, recipe, deadline=deadline)
        finally:
            self._unsettled[fresh.metadata] = time.monotonic() + _SETTLING

    def publish_name(self, tree: Tree, commit: str) -> Tree:
        """Give a staged tree its published name; raise `OSError`."""
        path = free_place(self._catalogue.directory, commit)
        nolinks.make_directory(path.parent)
        tree.lead_to(path)
        nolinks.write(tree.metadata / "gitsync-place", os.path.relpath(path, self._work))
        nolinks.rename(tree.path, path)
        return replace(tree, path=path)

    def prepare(self, commit: str, recipe: Recipe, store: Path, *, deadline: float, idle: bool) -> None:
        """Make a standby ahead of the update that will need it, or finish one; submodules are left to the update.

        Raises `GitError` or `OSError`.
        """
        tree = self.standbys.choose(recipe, store) or self._create(commit, recipe, store)
        try:
            tree.bring(commit, self._git, recipe=recipe, deadline=deadline, idle=idle)
        except (GitTimeout, GitCancelled):
            raise
        except UncleanError:
            # The next chore makes one from nothing.
            self._disposal.delete(tree)
            return
        except (GitError, OSError):
            self.standbys.give_up()
            self._disposal.delete(tree)
            raise
        self._unsettled[tree.metadata] = time.monotonic() + _SETTLING

    @property
    def settle_at(self) -> float:
        """When there is a tree to settle (monotonic seconds), infinity if there is none."""
        return min(self._unsettled.values(), default=math.inf)

    def settle(self, *, deadline: float, idle: bool) -> None:
        """Make later comparisons of a new tree cheap, one tree a call; raise `GitError`.

        Files that are not as they should be stay so, and are found by the next comparison.
        """
        metadata = min(self._unsettled, key=self._unsettled.__getitem__)
        since = self._unsettled.pop(metadata)
        try:
            for tree in self._catalogue.all([metadata.parent.parent]):
                if tree.metadata == metadata:
                    for each in (tree, *tree.nested()):
                        self._refresh(each, deadline=deadline, idle=idle)
        except (GitCancelled, GitTimeout):
            self._unsettled[metadata] = since
            raise

    def _refresh(self, tree: Tree, *, deadline: float, idle: bool) -> None:
        """Have git look at all files; what it writes then is an index of the same commit."""
        commit, untouched = tree.head() or "", self._makers.submodules.untouched
        proven = untouched.is_proven(tree, commit)
        tree.comparison(self._git).differing(deadline=deadline, idle=idle, refresh=True)
        if proven:
            untouched.note(tree, commit)

    def _create(self, commit: str, recipe: Recipe, store: Path) -> Tree:
        nolinks.make_directory(self._catalogue.directory)
        self._limit.make_way()
        metadata = store / "worktrees" / unique("")
        tree = Tree(path=self._catalogue.directory / f"{PRIVATE}{metadata.name}", metadata=metadata)
        tree.create(commit, recipe)
        return tree

    def _bring(self, tree: Tree, commit: str, recipe: Recipe, *, deadline: float) -> Tree:
        self._makers.submodules.failed = False
        kept = self._makers.submodules.make_way(tree, commit, tree.nested(), deadline=deadline)
        before, fresh = tree.head(), tree.unfinished
        changes = tree.bring(commit, self._git, recipe=recipe, deadline=deadline, kept=kept)
        if before and not fresh:
            self.changes.note(before, commit, changes)
        self._makers.submodules.bring(tree, recipe, deadline=deadline)
        if self._makers.large:
            self._note(tree, self._makers.large.fill(tree, deadline=deadline))
        tree.point(tree.path)
        if recipe.dated:
            self._date(tree, deadline=deadline)
        return tree

    def _date(self, tree: Tree, *, deadline: float) -> None:
        """Give all files the time of the commit, and have git know them by that."""
        if not date_files(tree.path, commit_time(tree, self._git, deadline=deadline), deadline=deadline):
            return
        for each in (tree, *tree.nested()):
            each.comparison(self._git).refresh(deadline=deadline)
            each.share_index()
        self._note(tree, tree.nested())

    def _note(self, tree: Tree, touched: Iterable[Tree]) -> None:
        """Note that the files of submodules in a tree are as they should be, and so is their index."""
        for each in touched:
            if each != tree:
                self._makers.submodules.untouched.note(each, each.head() or "")
