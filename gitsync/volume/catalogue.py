"""Which trees there are, where they are, and whether their files are as they should be.

A tree is a directory below `ROOT/.worktrees` and its metadata in the store, in the form of a linked worktree
(https://git-scm.com/docs/gitrepository-layout), so that consumers can use git in it. The metadata is found by an
identifier of ours and not through the tree, which consumers may have changed. A tree has one of two kinds of names:

    .tree-<id>                          private: being staged, half staged, or a standby for the next update
    <hash>, or .again-<id>/<hash>       published: never written to; the second form where the first one is taken

One may stand at the link's place instead; then its published name is where it goes from there.

Called by the worker's thread, `find` also by the main thread before it starts.
"""

from dataclasses import replace
from pathlib import Path

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.log import get_logger
from gitsync.config import TREES_DIRECTORY, RepoConfig
from gitsync.programs.gitcmd import Git
from gitsync.volume.ages import Ages
from gitsync.volume.linkplace import LinkPlace
from gitsync.volume.mounts import MountedTrees
from gitsync.volume.recipe import Recipe
from gitsync.volume.tree import NESTED, PRIVATE, Tree


class Catalogue:
    """The trees of one root."""

    def __init__(self, repo: RepoConfig, git: Git) -> None:
        self._git = git
        self._work = repo.work
        self._log = get_logger(repo=repo.name)
        self.directory = repo.work / TREES_DIRECTORY
        self.ages = Ages()
        self.mounted = MountedTrees(repo.name)
        self._link = LinkPlace(repo.link, repo.work)

    def all(self, stores: list[Path]) -> list[Tree]:
        """Return every tree whose metadata is in one of the stores; remove metadata that has lost its tree."""
        found = []
        standing = self._link.tree()
        for metadata in (entry for store in stores for entry in nolinks.entries(store / "worktrees")):
            if metadata.name.startswith(NESTED):
                continue
            tree = self._locate(metadata, standing)
            if tree:
                found.append(tree)
            else:
                nolinks.remove(metadata)
        return found

    def _locate(self, metadata: Path, standing: Tree | None) -> Tree | None:
        """Return the tree of a metadata, None if it has lost that; `standing` is the one at the link's place."""
        if standing and metadata == standing.metadata:
            return standing
        private = self.directory / f"{PRIVATE}{metadata.name}"
        if nolinks.is_directory(private):
            return Tree(path=private, metadata=metadata)
        named = Tree.placed(metadata, self._work)
        return Tree(path=named, metadata=metadata) if named and nolinks.is_directory(named) else None

    def find(self, path: Path, store: Path) -> Tree | None:
        """Return the tree that is published at `path`, None if there is none that is ours and in place."""
        standing = self._link.tree()
        for metadata in nolinks.entries(store / "worktrees"):
            tree = self._locate(metadata, standing)
            if tree and tree.path == path and tree.in_place():
                return tree
        return None

    def promised(self, path: Path) -> str | None:
        """Return the commit of what is published at `path`, as far as a name or the metadata tells."""
        standing = self._link.tree()
        return standing.head() if standing and standing.path == path else path.name

    def make_private(self, tree: Tree) -> Tree:
        """Take its published name from a tree that nobody reads; raise `OSError`."""
        private = self.directory / f"{PRIVATE}{tree.metadata.name}"
        nolinks.rename(tree.path, private)
        if tree.path.parent != self.directory:
            nolinks.remove_empty(tree.path.parent)
        return replace(tree, path=private, home=None)

    def published_as(self, commit: str, recipe: Recipe, store: Path, *, deadline: float) -> Tree | None:
        """Return an undamaged tree of a commit that is still there, for a link that was lost or turns back."""
        for tree in self.all([store]):
            if tree.hash == commit and tree.in_place() and tree.recipe == recipe.signature:
                try:
                    if not self.damage(tree, deadline=deadline):
                        return tree
                except (GitTimeout, GitCancelled):
                    raise
                except GitError as error:
                    # Another one is made then.
                    self._log.warning("tree_unusable", v=1, path=str(tree.path), message=str(error))
        return None

    def damage(self, tree: Tree, *, deadline: float, idle: bool = False) -> list[str]:
        """Return the tracked files of a tree that are not as a checkout makes them; raise `GitError`.

        `idle` is for between passes: at low priority, and ended by `Git.interrupt`, which raises `GitCancelled`.
        """
        changed = tree.comparison(self._git).differing(deadline=deadline, idle=idle)
        for nested in tree.nested():
            name = nested.path.relative_to(tree.path)
            if not nested.in_place():
                changed.append(str(name))
            else:
                inner = nested.comparison(self._git).differing(deadline=deadline, idle=idle)
                changed += [f"{name}/{file}" for file in inner]
        return changed
