"""How many trees there may be at once, whatever the rhythm of updates: --max-trees.

A tree that an update needs beyond that is the oldest that the link has left, before its time; or the update waits for
the end of that time, if somebody relies on it. So the volume holds so many trees, and one more while one that cannot be
used again is on its way out. Called by the worker's thread.
"""

import math
from pathlib import Path

from gitsync.base import nolinks
from gitsync.config import RepoConfig
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.disposal import Disposal
from gitsync.volume.tree import Tree


class TreeLimit:
    """The limit of the trees of one root."""

    def __init__(self, repo: RepoConfig, *, catalogue: Catalogue, disposal: Disposal) -> None:
        self._upkeep = repo.upkeep
        self._catalogue = catalogue
        self._disposal = disposal

    def wait_for(self, commit: str | None, linked: Path | None, stores: list[Path]) -> float:
        """Return in how many seconds an update may have a tree without taking one before its time.

        One of the commit that it is to need not be made anew, if a commit is given.
        """
        trees = [tree for tree in self._catalogue.all(stores) if tree.path != linked]
        if not self._upkeep.keeps_whole_time or any(tree.private or tree.hash == commit for tree in trees):
            return 0.0
        left = [self._catalogue.ages.left_for(tree) for tree in self._free(trees)]
        if len(left) + 1 < self._upkeep.max_trees:
            return 0.0
        return max(0.0, self._upkeep.keep - max(left, default=math.inf))

    def make_room(self, linked: Path | None, stores: list[Path], current: Path) -> list[Tree]:
        """See to it that an update finds a standby, or may make a tree; return the trees that went before their time.

        `linked` is never one of them. Raises `OSError`.
        """
        trees = [tree for tree in self._catalogue.all(stores) if tree.path != linked]
        left = sorted(self._free(trees), key=self._catalogue.ages.left_for)
        standbys = [tree for tree in trees if tree.private and tree.store == current]
        for tree in trees:
            if tree.private and tree.store != current:
                self._disposal.delete(tree)
        early = []
        while left and not standbys and len(left) + 1 >= self._upkeep.max_trees:
            oldest = left.pop()
            if self._catalogue.ages.left_for(oldest) < self._upkeep.keep:
                early.append(oldest)
            for retired in self._disposal.retire(oldest):
                if retired.store == current:
                    standbys.append(retired)
                else:
                    self._disposal.delete(retired)
        return early

    def _free(self, trees: list[Tree]) -> list[Tree]:
        """Return the trees that the link has left and that may be taken; those that are mounted count for nothing."""
        left = [tree for tree in trees if not tree.private]
        mounted = self._catalogue.mounted.among(left)
        return [tree for tree in left if tree not in mounted]

    def make_way(self) -> None:
        """Remove at once what is on its way out, if a further tree would be one too many with it."""
        disposal, directory = self._disposal, self._catalogue.directory
        while disposal.gone and len(nolinks.entries(directory)) - disposal.resisting > self._upkeep.max_trees:
            disposal.remove_first()
