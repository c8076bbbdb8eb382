"""Tells of files that are kept in LFS: filters of a repository never run, and those of LFS are no exception.

Called by the worker's thread, between passes.
"""

from pathlib import Path
from typing import Final

from gitsync.base.errors import GitCancelled, GitTimeout
from gitsync.base.log import get_logger
from gitsync.programs.gitcmd import Git
from gitsync.volume.recipe import Recipe
from gitsync.volume.tree import Tree

_FOUND: Final = 0
_NOT_FOUND: Final = 1


class Pointers:
    """The files of one repository that are published as pointers."""

    def __init__(self, name: str, git: Git) -> None:
        self._git = git
        self._log = get_logger(repo=name)
        self._looked_at: Path | None = None
        # By store and commit, of those that are published: whether attributes name LFS.
        self._known: dict[tuple[Path, str | None], bool] = {}
        self._told = False

    def is_due(self, tree: Tree) -> bool:
        """Say whether another tree is published than the one that was looked at."""
        return tree.path != self._looked_at

    def look(self, tree: Tree, recipe: Recipe, *, deadline: float, idle: bool) -> None:
        """Warn if attributes say that files are kept in LFS, in whichever directory; raise `GitError`.

        Of several such commits in a row only the first is told of. The attributes are those of the index, as sparse
        patterns may leave them out of the files.
        """
        self._looked_at = tree.path
        known, self._known = self._known, {}
        try:
            whole = Recipe(submodules=recipe.submodules)
            for each, of in ((tree, recipe), *((nested, whole) for nested in tree.nested())):
                key = each.store, each.head()
                self._known[key] = known[key] if key in known else self._has_any(each, of, deadline=deadline, idle=idle)
        except (GitCancelled, GitTimeout):
            self._looked_at = None
            raise
        found = any(self._known.values())
        if found and not self._told:
            self._log.warning("lfs_pointers", hint="the files that are kept in LFS are published as pointers")
        self._told = found

    def _has_any(self, tree: Tree, recipe: Recipe, *, deadline: float, idle: bool) -> bool:
        output = self._git.run(
            ["grep", "--cached", "--quiet", "--fixed-strings", "-e", "filter=lfs", "--", *recipe.attributes],
            deadline=deadline,
            place=tree.place,
            accept=lambda status: status in {_FOUND, _NOT_FOUND},
            idle=idle,
        )
        return output.status == _FOUND
