"""Which tree the next update is made from: a standby, a tree that the link has left and that has no readers any more.

Called by the worker's thread.
"""

import math
import time
from pathlib import Path

from gitsync.config import RepoConfig
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.disposal import Disposal
from gitsync.volume.recipe import Recipe
from gitsync.volume.tree import Tree


class Standbys:
    """The standbys of one root."""

    def __init__(self, repo: RepoConfig, catalogue: Catalogue, disposal: Disposal) -> None:
        self._upkeep = repo.upkeep
        self._catalogue = catalogue
        self._disposal = disposal
        # When an update last had to check out all, as readers still had the tree of the update before. Monotonic.
        self._short_at = -math.inf

    def choose(self, recipe: Recipe, store: Path) -> Tree | None:
        """Return the standby that was published last, which is the one that differs least from what comes next."""
        found = [tree for tree in self._catalogue.all([store]) if tree.private]
        for tree in found:
            if tree.recipe != recipe.signature:
                self._disposal.delete(tree)
        return min(
            (tree for tree in found if tree.recipe == recipe.signature), key=self._catalogue.ages.left_for, default=None
        )

    def note_fresh(self, store: Path) -> None:
        """Note that an update has to check out all: if readers still have a tree, a further one is worth it."""
        if sum(not tree.private for tree in self._catalogue.all([store])) > 1:
            self._short_at = time.monotonic()

    def give_up(self) -> None:
        """Prepare none until the next update has found out what is wrong; it has all the room that there is."""
        self._short_at = -math.inf

    def is_short(self, store: Path) -> bool:
        """Say whether updates come so quickly that the next one will need a tree that there is not."""
        if time.monotonic() - self._short_at >= self._upkeep.keep:
            return False
        trees = self._catalogue.all([store])
        standbys = [tree for tree in trees if tree.private]
        return all(tree.unfinished for tree in standbys) if standbys else len(trees) < self._upkeep.max_trees
