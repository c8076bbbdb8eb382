"""The trees of one repository: staged in private, published under the hash, kept for a while, used again.

How many trees there are follows the demand: each that its readers have left is kept for the next updates, and one that
no update has needed for long goes, all but the last. So updates in quick succession check out nothing either, once
there are as many trees as they need.

A tree is a directory below `ROOT/.worktrees` and its metadata in the store, in the form of a linked worktree
(https://git-scm.com/docs/gitrepository-layout), so that consumers can use git in it. The metadata is found by an
identifier of ours and not through the tree, which consumers may have changed. A tree has one of two kinds of names:

    .tree-<id>                          private: being staged, half staged, or a standby for the next update
    <hash>, or .again-<id>/<hash>       published: never written to; the second form where the first one is taken

What is not needed any more becomes `.gone-<id>` at once, and is removed when there is time for it.

All methods are called by the worker's thread, `find` also by the main thread before it starts.
"""

import contextlib
import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.files import remove, unique, write_atomically
from gitsync.base.log import get_logger
from gitsync.config import TREES_DIRECTORY, RepoConfig, is_full_hash
from gitsync.programs.gitcmd import Git
from gitsync.volume.store import Store
from gitsync.volume.submodules import Submodules
from gitsync.volume.tree import NESTED, PRIVATE, Recipe, Tree, is_directory

_AGAIN: Final = ".again-"
_GONE: Final = ".gone-"
# A further standby goes when no update has needed it for so many times the --stale-worktree-timeout.
_SPARE: Final = 10
# Until the second in which a tree was written is over.
_SETTLING: Final = 1.1
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
        self._tidy_at = -math.inf
        # What waits to be removed; nothing else is there under these names.
        self.gone: list[Path] = []
        # When an update last had to check out all, as readers still had the tree of the update before. Monotonic.
        self._short_at = -math.inf
        # When the metadata's trees can be settled, monotonic.
        self._unsettled: dict[Path, float] = {}

    @property
    def untidy(self) -> bool:
        """Whether time has made something of a tree; a publication does as well."""
        return time.monotonic() >= self._tidy_at

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
        standby = self._standby(recipe, store.path)
        if standby:
            try:
                return self._bring(standby, commit, recipe, store, deadline=deadline)
            except (GitTimeout, GitCancelled):
                raise
            except (GitError, OSError) as error:
                # A submodule that cannot be had is not the fault of the tree.
                if self._submodules.failed or (isinstance(error, GitError) and error.reason in _SHARED_FATE):
                    raise
                self._log.warning("standby_dropped", message=str(error))
                self._delete(standby)
        if sum(not tree.private for tree in self.all([store.path])) > 1:
            self._short_at = time.monotonic()
        fresh = self._create(commit, recipe, store.path)
        try:
            return self._bring(fresh, commit, recipe, store, deadline=deadline)
        finally:
            self._unsettled[fresh.metadata] = time.monotonic() + _SETTLING

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

    def damage(self, tree: Tree, *, deadline: float, idle: bool = False) -> list[str]:
        """Return the tracked files of a tree that are not as in its commit; raise `GitError`.

        `idle` is for between passes: at low priority, and ended by `Git.interrupt`, which raises `GitCancelled`.
        """
        changed = tree.changed(self._git, deadline=deadline, idle=idle)
        for nested in tree.nested():
            name = nested.path.relative_to(tree.path)
            if not nested.in_place():
                changed.append(str(name))
            else:
                changed += [f"{name}/{file}" for file in nested.changed(self._git, deadline=deadline, idle=idle)]
        return changed

    def is_short(self, store: Path) -> bool:
        """Say whether updates come so quickly that the next one will need a tree that there is not."""
        if time.monotonic() - self._short_at >= self._keep:
            return False
        return all(tree.unfinished for tree in self.all([store]) if tree.private)

    def prepare(self, commit: str, recipe: Recipe, store: Path, *, deadline: float, idle: bool) -> None:
        """Make a standby ahead of the update that will need it, or finish one; submodules are left to the update.

        Raises `GitError` or `OSError`.
        """
        tree = self._standby(recipe, store) or self._create(commit, recipe, store)
        try:
            tree.bring(commit, self._git, sparse=recipe.sparse, deadline=deadline, idle=idle)
        except (GitTimeout, GitCancelled):
            raise
        except (GitError, OSError):
            # The update finds out what is wrong, and has all the room that there is.
            self._short_at = -math.inf
            self._delete(tree)
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
            for tree in self.all([metadata.parent.parent]):
                if tree.metadata == metadata:
                    for each in (tree, *tree.nested()):
                        each.changed(self._git, deadline=deadline, idle=idle)
        except (GitCancelled, GitTimeout):
            self._unsettled[metadata] = since
            raise

    def tidy(self, linked: Path | None, stores: list[Path], current: Path) -> None:
        """Retire the trees that the link has left for long enough, drop those that nobody will need or knows.

        It has to be done after a publication, and when `untidy` says so.
        """
        self._tidy_at = math.inf
        if not self._directory.is_dir():
            return
        standbys = []
        for tree in self.all(stores):
            if tree.path == linked:
                # It may have been left before, and the time starts anew when it is left again.
                tree.left_mark.unlink(missing_ok=True)
            elif tree.private:
                standbys.append(tree)
            elif self._expired(tree, self._keep):
                standbys.append(self._retire(tree))
        standbys.sort(key=lambda tree: (tree.store != current, _left_for(tree)))
        for number, tree in enumerate(standbys):
            # The first one, unless its store is not used any more, stays.
            if tree.store != current or (number and self._expired(tree, self._keep * (1 + _SPARE))):
                self._delete(tree)
        known = self.all(stores)
        self._remove_unknown(known, linked)
        self._remove_unused(known, stores, current)

    def drop_private(self, stores: list[Path]) -> None:
        """Remove what is not published, to make room on a full volume."""
        for tree in self.all(stores):
            if tree.private:
                self._delete(tree)
        for path in self.gone:
            remove(path)

    def discard(self, path: Path) -> bool:
        """Take something out of the way at once, and leave a directory's removal for later; say whether it is gone."""
        if path.name.startswith(_GONE) or not is_directory(path):
            gone = path
        else:
            gone = self._directory / unique(_GONE)
            try:
                path.rename(gone)
            except OSError:
                gone = path
        if not gone.name.startswith(_GONE):
            return remove(gone)
        if gone not in self.gone:
            self.gone.append(gone)
        return True

    def _standby(self, recipe: Recipe, store: Path) -> Tree | None:
        """Return the standby that was published last, which is the one that differs least from what comes next."""
        found = [tree for tree in self.all([store]) if tree.private]
        for tree in found:
            if tree.recipe != recipe.signature:
                self._delete(tree)
        return min((tree for tree in found if tree.recipe == recipe.signature), key=_left_for, default=None)

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

    def _expired(self, tree: Tree, limit: float) -> bool:
        """Say whether the link has left a tree for so long; if not, it is looked at again when it has."""
        left = _left_for(tree)
        if left < limit:
            self._tidy_at = min(self._tidy_at, time.monotonic() + limit - left)
        return left >= limit

    def _retire(self, tree: Tree) -> Tree:
        private = self._directory / f"{PRIVATE}{tree.metadata.name}"
        tree.path.rename(private)
        if tree.path.parent != self._directory:
            with contextlib.suppress(OSError):
                tree.path.parent.rmdir()
        return replace(tree, path=private)

    def _delete(self, tree: Tree) -> None:
        nested = tree.nested()
        if self.discard(tree.path):
            for item in nested:
                remove(item.metadata)
            remove(tree.metadata)

    def _remove_unknown(self, known: list[Tree], linked: Path | None) -> None:
        used = {tree.path for tree in known} | {tree.path.parent for tree in known}
        used |= {*self.gone, *({linked, *linked.parents} if linked else ())}
        now = time.monotonic()
        unknown = [path for path in self._directory.iterdir() if path not in used]
        self._unknown_since = {path: self._unknown_since.get(path, now) for path in unknown}
        for path, since in self._unknown_since.items():
            # One that bears a hash may have been published by somebody, and have readers.
            if is_full_hash(path.name) and now - since < self._keep:
                self._tidy_at = min(self._tidy_at, since + self._keep)
                continue
            self._log.info("leftover_removed", v=1, path=str(path))
            self.discard(path)

    def _remove_unused(self, known: list[Tree], stores: list[Path], current: Path) -> None:
        """Remove the metadata of submodules that no tree has any more, and the stores that nothing refers to."""
        nested = {item.metadata for tree in known for item in tree.nested()}
        for metadata in (entry for store in stores for entry in (store / "worktrees").glob(f"{NESTED}*")):
            if metadata not in nested:
                remove(metadata)
        used = {current} | {tree.store for tree in known} | {metadata.parent.parent for metadata in nested}
        for store in stores:
            if store not in used:
                self.discard(store)


def _left_for(tree: Tree) -> float:
    """Return for how many seconds the link has left a tree, or it was not finished; that is kept across restarts."""
    now, mark = time.time(), tree.left_mark
    try:
        if not mark.exists() or mark.stat().st_mtime > now:
            mark.touch()
            os.utime(mark, (now, now))
        return now - mark.stat().st_mtime
    except OSError:
        # No room for a mark: the time begins when there is.
        return 0.0
