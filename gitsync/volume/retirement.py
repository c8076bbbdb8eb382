"""Lets go of trees: those that the link has left become standbys, and those that nobody will need or knows go.

How many trees there are follows the demand: each that its readers have left is kept for the next updates, and one that
no update has needed for long goes, all but the last. So updates in quick succession check out nothing either, once
there are as many trees as they need, or as `limit` allows. Called by the worker's thread.
"""

import math
import time
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig, is_full_hash
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.disposal import Disposal
from gitsync.volume.tree import NESTED, Tree

# A further standby goes when no update has needed it for so many times the --stale-worktree-timeout.
_SPARE: Final = 10
# The seconds until it is looked again whether a tree is mounted.
_LOOK_AGAIN: Final = 10.0


class Retirement:
    """The way out of the trees of one root."""

    def __init__(self, repo: RepoConfig, *, catalogue: Catalogue, disposal: Disposal) -> None:
        self._upkeep = repo.upkeep
        self._catalogue = catalogue
        self._disposal = disposal
        self._log = get_logger(repo=repo.name)
        self._unknown_since: dict[Path, float] = {}
        self._tidy_at = -math.inf

    @property
    def untidy(self) -> bool:
        """Whether time has made something of a tree; a publication does as well."""
        return time.monotonic() >= self._tidy_at

    def tidy(self, linked: Path | None, stores: list[Path], current: Path) -> list[Tree]:
        """Retire the trees that the link has left for long enough, drop those that nobody will need or knows.

        It has to be done after a publication, and when `untidy` says so. Returns the trees that there are then.
        """
        self._tidy_at = math.inf
        if not nolinks.is_directory(self._catalogue.directory):
            return []
        standbys, expired = [], []
        for tree in self._catalogue.all(stores):
            if tree.path == linked:
                # It may have been left before, and the time starts anew when it is left again.
                nolinks.remove(tree.left_mark)
            elif tree.private:
                standbys.append(tree)
            elif self._expired(tree, self._upkeep.keep):
                expired.append(tree)
        standbys += self._retire(expired)
        standbys.sort(key=lambda tree: (tree.store != current, self._catalogue.ages.left_for(tree)))
        for place, tree in enumerate(standbys):
            # The first one, unless its store is not used any more, stays.
            if tree.store != current or (place and self._expired(tree, self._upkeep.keep * (1 + _SPARE))):
                self._disposal.delete(tree)
        known = self._catalogue.all(stores)
        self._catalogue.ages.forget_others(known)
        self._remove_unknown(known, linked)
        self._remove_unused(known, stores, current)
        return known

    def _expired(self, tree: Tree, limit: float) -> bool:
        """Say whether the link has left a tree for so long; if not, it is looked at again when it has."""
        left = self._catalogue.ages.left_for(tree)
        if left < limit:
            self._tidy_at = min(self._tidy_at, time.monotonic() + limit - left)
        return left >= limit

    def _retire(self, trees: list[Tree]) -> list[Tree]:
        """Make standbys of trees whose time is over; those that somebody has mounted are looked at again later."""
        mounted = self._catalogue.mounted.among(trees)
        if mounted:
            self._tidy_at = min(self._tidy_at, time.monotonic() + max(self._upkeep.keep, _LOOK_AGAIN))
        return [retired for tree in trees if tree not in mounted for retired in self._disposal.retire(tree)]

    def _remove_unknown(self, known: list[Tree], linked: Path | None) -> None:
        used = {tree.path for tree in known} | {tree.path.parent for tree in known}
        used |= {*self._disposal.gone, *({linked, *linked.parents} if linked else ())}
        now = time.monotonic()
        self._disposal.forget_missing()
        unknown = [path for path in nolinks.entries(self._catalogue.directory) if path not in used]
        kept = len(known)
        self._unknown_since = {path: self._unknown_since.get(path, now) for path in unknown}
        for path, since in self._unknown_since.items():
            # One that bears a hash may have been published by somebody, and have readers.
            kept += is_full_hash(path.name)
            due = self._disposal.retry_at(path)
            if is_full_hash(path.name) and kept <= self._upkeep.max_trees:
                due = max(due, since + self._upkeep.keep)
            if now < due:
                self._tidy_at = min(self._tidy_at, due)
                continue
            self._log.info("leftover_removed", v=1, path=str(path))
            self._disposal.discard(path)

    def _remove_unused(self, known: list[Tree], stores: list[Path], current: Path) -> None:
        """Remove the metadata of submodules that no tree has any more, and the stores that nothing refers to."""
        nested = {submodule.metadata for tree in known for submodule in tree.nested()}
        for metadata in (entry for store in stores for entry in nolinks.entries(store / "worktrees")):
            if metadata.name.startswith(NESTED) and metadata not in nested:
                nolinks.remove(metadata)
        used = {current} | {tree.store for tree in known} | {metadata.parent.parent for metadata in nested}
        for store in stores:
            if store not in used:
                self._disposal.discard(store)
