"""The trees of one repository: staged in private, published under the hash, kept for a while, used again.

A tree is a directory below `ROOT/.worktrees` and its metadata in the store, in the form of a linked worktree
(https://git-scm.com/docs/gitrepository-layout), so that consumers can use git in it. The metadata is found by an
identifier of ours and not through the tree, which consumers may have changed. A tree has one of two kinds of names:

    .tree-<id>                          private: being staged, half staged, or the standby for the next update
    <hash>, or .again-<id>/<hash>       published: never written to; the second form where the first one is taken

All methods are called by the worker's thread, `find` also by the main thread before it starts.
"""

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from gitsync.config import TREES_DIRECTORY, RepoConfig, is_full_hash
from gitsync.errors import GitCancelled, GitError, GitTimeout
from gitsync.files import remove, unique, write_atomically
from gitsync.gitcmd import Git
from gitsync.log import get_logger
from gitsync.store import Store
from gitsync.submodules import Submodules
from gitsync.tree import NESTED, PRIVATE, Recipe, Tree, is_directory

_AGAIN: Final = ".again-"
# No room, no rights: a fresh tree would fare no better than the standby.
_SHARED_FATE: Final = {"no_space", "permission"}


class Trees:
    """All trees of a root."""

    def __init__(self, repo: RepoConfig, git: Git) -> None:
        self._git = git
        self._root = repo.root
        self._directory = repo.root / TREES_DIRECTORY
        self._keep = repo.stale_worktree_timeout
        self._submodules = Submodules(repo, git)
        self._log = get_logger(repo=repo.name)
        self._unknown_since: dict[Path, float] = {}

    def all(self, stores: list[Path]) -> list[Tree]:
        """Return every tree whose metadata is in one of the stores; remove metadata that has lost its tree."""
        found = []
        for metadata in (entry for store in stores for entry in (store / "worktrees").glob("*")):
            if metadata.name.startswith(NESTED):
                continue
            private = self._directory / f"{PRIVATE}{metadata.name}"
            named = Tree.placed(metadata, self._root)
            if is_directory(private):
                found.append(Tree(path=private, metadata=metadata))
            elif named and is_directory(named.parent) and is_directory(named):
                found.append(Tree(path=named, metadata=metadata))
            else:
                remove(metadata)
        return found

    def find(self, path: Path, store: Path) -> Tree | None:
        """Return the tree that is published at `path`, None if there is none that is ours and in place."""
        for metadata in (store / "worktrees").glob("*"):
            if Tree.placed(metadata, self._root) == path:
                tree = Tree(path=path, metadata=metadata)
                return tree if tree.in_place() else None
        return None

    def published_as(self, commit: str, recipe: Recipe, store: Path, *, deadline: float) -> Tree | None:
        """Return an undamaged tree of a commit that is still there, for a link that was lost or turns back."""
        for tree in self.all([store]):
            if tree.hash == commit and tree.in_place() and tree.recipe == recipe.signature:
                try:
                    if not self.damage(tree, deadline=deadline):
                        return tree
                except GitError as error:
                    if error.reason != "corrupt":
                        raise
        return None

    def stage(self, commit: str, recipe: Recipe, store: Store, *, deadline: float) -> Tree:
        """Return a complete private tree of the commit, made from the standby where there is one; git works in it.

        Raises `GitError`; a tree that is half done stays, so that the next try goes on from there.
        """
        standby = next((tree for tree in self.all([store.path]) if tree.private), None)
        if standby and standby.recipe == recipe.signature:
            try:
                return self._bring(standby, commit, recipe, store, deadline=deadline)
            except (GitTimeout, GitCancelled):
                raise
            except (GitError, OSError) as error:
                # A submodule that cannot be had is not the fault of the tree.
                if self._submodules.failed or (isinstance(error, GitError) and error.reason in _SHARED_FATE):
                    raise
                self._log.warning("standby_dropped", message=str(error))
        if standby:
            self._delete(standby)
        return self._bring(self._create(commit, recipe, store.path), commit, recipe, store, deadline=deadline)

    def publish_name(self, tree: Tree, commit: str) -> Tree:
        """Give a staged tree its published name; raise `OSError`."""
        path = self._directory / commit
        if os.path.lexists(path):
            path = self._directory / f"{_AGAIN}{tree.metadata.name}" / commit
            path.parent.mkdir(exist_ok=True)
        tree.point(path)
        for nested in tree.nested():
            nested.point(path / nested.path.relative_to(tree.path))
        write_atomically(tree.metadata / "gitsync-place", os.path.relpath(path, self._root))
        tree.path.rename(path)
        return replace(tree, path=path)

    def damage(self, tree: Tree, *, deadline: float) -> list[str]:
        """Return the tracked files of a tree that are not as in its commit; at low priority. Raise `GitError`."""
        changed = tree.changed(self._git, deadline=deadline)
        for nested in tree.nested():
            name = nested.path.relative_to(tree.path)
            if not nested.in_place():
                changed.append(str(name))
            else:
                changed += [f"{name}/{file}" for file in nested.changed(self._git, deadline=deadline)]
        return changed

    def tidy(self, linked: Path | None, stores: list[Path], current: Path) -> None:
        """Retire the trees that the link has left for long enough, keep one as standby, remove what nobody knows."""
        if not self._directory.is_dir():
            return
        now = time.time()
        for tree in self.all(stores):
            if tree.path == linked:
                # It may have been left before, and the time starts anew when it is left again.
                tree.left_mark.unlink(missing_ok=True)
            elif not tree.private and self._expired(tree, now):
                self._retire(tree)
        private = [tree for tree in self.all(stores) if tree.private]
        private.sort(key=lambda tree: tree.store == current, reverse=True)
        for number, tree in enumerate(private):
            if number > 0 or tree.store != current:
                self._delete(tree)
        known = self.all(stores)
        self._remove_unknown(known, linked)
        self._remove_unused(known, stores, current)

    def drop_private(self, stores: list[Path]) -> None:
        """Remove what is not published, to make room on a full volume."""
        for tree in self.all(stores):
            if tree.private:
                self._delete(tree)

    def _create(self, commit: str, recipe: Recipe, store: Path) -> Tree:
        metadata = store / "worktrees" / unique("")
        tree = Tree(path=self._directory / f"{PRIVATE}{metadata.name}", metadata=metadata)
        self._directory.mkdir(exist_ok=True)
        tree.create(commit)
        (metadata / "gitsync-recipe").write_text(recipe.signature)
        return tree

    def _bring(self, tree: Tree, commit: str, recipe: Recipe, store: Store, *, deadline: float) -> Tree:
        tree.bring(commit, self._git, sparse=recipe.sparse, deadline=deadline)
        self._submodules.bring(tree, recipe.submodules, deadline=deadline)
        tree.point(tree.path)
        return tree

    def _expired(self, tree: Tree, now: float) -> bool:
        """Say whether the link has left a tree for long enough; the time of leaving is kept across restarts."""
        left = tree.left_mark
        if not left.exists() or left.stat().st_mtime > now:
            left.touch()
            os.utime(left, (now, now))
        return now - left.stat().st_mtime >= self._keep

    def _retire(self, tree: Tree) -> None:
        tree.path.rename(self._directory / f"{PRIVATE}{tree.metadata.name}")
        if tree.path.parent != self._directory:
            with contextlib.suppress(OSError):
                tree.path.parent.rmdir()

    def _delete(self, tree: Tree) -> None:
        nested = tree.nested()
        if remove(tree.path):
            for item in nested:
                remove(item.metadata)
            remove(tree.metadata)

    def _remove_unknown(self, known: list[Tree], linked: Path | None) -> None:
        used = {tree.path for tree in known} | {tree.path.parent for tree in known}
        used |= {linked, *linked.parents} if linked else set()
        now = time.monotonic()
        unknown = [path for path in self._directory.iterdir() if path not in used]
        self._unknown_since = {path: self._unknown_since.get(path, now) for path in unknown}
        for path, since in self._unknown_since.items():
            # One that bears a hash may have been published by somebody, and have readers.
            if not is_full_hash(path.name) or now - since >= self._keep:
                self._log.info("leftover_removed", v=1, path=str(path))
                remove(path)

    def _remove_unused(self, known: list[Tree], stores: list[Path], current: Path) -> None:
        """Remove the metadata of submodules that no tree has any more, and the stores that nothing refers to."""
        nested = {item.metadata for tree in known for item in tree.nested()}
        for metadata in (entry for store in stores for entry in (store / "worktrees").glob(f"{NESTED}*")):
            if metadata not in nested:
                remove(metadata)
        used = {current} | {tree.store for tree in known} | {metadata.parent.parent for metadata in nested}
        for store in stores:
            if store not in used:
                remove(store)
