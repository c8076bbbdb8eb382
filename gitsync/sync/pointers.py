"""Tells of files that are kept in LFS: filters of a repository never run, and those of LFS are no exception.

Called by the worker's thread, between passes.
"""

from pathlib import Path
from typing import Final

from gitsync.base.errors import GitCancelled, GitTimeout
from gitsync.base.log import get_logger
from gitsync.programs.gitcmd import Git
from gitsync.programs.process import Records, Sinks
from gitsync.telling.events import Observers, PointersCounted
from gitsync.volume.pointers import IN_LFS, IN_TREE
from gitsync.volume.recipe import Recipe
from gitsync.volume.tree import Tree

_FOUND: Final = 0
_NOT_FOUND: Final = 1


class Pointers:
    """The files of one repository that are published as pointers."""

    def __init__(self, name: str, *, git: Git, observers: Observers) -> None:
        self._name = name
        self._git = git
        self._observers = observers
        self._log = get_logger(repo=name)
        self._looked_at: Path | None = None
        # By store, commit and recipe, of those that are published: how many files the attributes call kept in LFS.
        self._known: dict[tuple[Path, str | None, str | None], int] = {}
        self._told = False

    def is_due(self, tree: Tree) -> bool:
        """Say whether another tree is published than the one that was looked at."""
        return tree.path != self._looked_at

    def look(self, tree: Tree, recipe: Recipe, *, deadline: float, idle: bool) -> None:
        """Tell how many files attributes say are kept in LFS, in whichever directory; raise `GitError`.

        Of several such commits in a row only the first is warned of.
        """
        self._looked_at = tree.path
        known, self._known = self._known, {}
        try:
            whole = Recipe(submodules=recipe.submodules)
            for each, of in ((tree, recipe), *((nested, whole) for nested in tree.nested())):
                key = each.store, each.head(), each.recipe
                self._known[key] = known[key] if key in known else self._count(each, of, deadline=deadline, idle=idle)
        except (GitCancelled, GitTimeout):
            self._looked_at = None
            raise
        count = sum(self._known.values())
        self._observers.notify(PointersCounted(repo=self._name, count=count))
        if count and not self._told:
            self._log.warning("lfs_pointers", count=count, hint="they are published as pointers to their content")
        self._told = count > 0

    def _count(self, tree: Tree, recipe: Recipe, *, deadline: float, idle: bool) -> int:
        """Count the files of a tree that are kept in LFS; most repositories have none, which a look at few files shows.

        The attributes are those of the index, where sparse patterns leave them out of the files.
        """
        attributes = self._git.run(
            ["grep", "--cached", "--quiet", "--fixed-strings", "-e", "filter=lfs", "--", *recipe.attributes],
            deadline=deadline,
            place=tree.place,
            accept=lambda status: status in {_FOUND, _NOT_FOUND},
            idle=idle,
        )
        if attributes.status == _NOT_FOUND:
            return 0
        files = Records(b"\0", most=0, wanted=IN_TREE)
        listing = ["ls-files", "-t", "-z", "--", IN_LFS]
        self._git.run(listing, deadline=deadline, place=tree.place, sinks=Sinks(output=files), idle=idle)
        return files.count
