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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gitsync.config import TREES_DIRECTORY, RepoConfig, is_full_hash
from gitsync.errors import GitCancelled, GitError, GitTimeout
from gitsync.files import read_small, remove, unique, write_atomically
from gitsync.gitcmd import Git, Place
from gitsync.log import get_logger

_PRIVATE: Final = ".tree-"
_AGAIN: Final = ".again-"
# Files of ours in a tree's metadata.
_PLACE: Final = "gitsync-place"
_LEFT: Final = "gitsync-left"
_INDEX: Final = "gitsync-index"
# No room, no rights: a fresh tree would fare no better than the standby.
_SHARED_FATE: Final = {"no_space", "permission"}


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A directory of files and its metadata in the store."""

    path: Path
    metadata: Path

    @property
    def hash(self) -> str:
        """The commit that the directory's name promises."""
        return self.path.name

    @property
    def private(self) -> bool:
        """Whether nobody but us knows its name."""
        return self.path.name.startswith(_PRIVATE)

    @property
    def place(self) -> Place:
        """Where git works on it, with an index that consumers do not touch."""
        return Place(git_dir=self.metadata, work_tree=self.path, index=self.metadata / _INDEX)

    def pointer(self, path: Path) -> str:
        """Return the text of the `.git` file that the tree has at `path`; relative, so that the volume can move."""
        return f"gitdir: {os.path.relpath(self.metadata, path)}\n"

    def in_place(self) -> bool:
        """Say in a few system calls whether the tree is there and is of its commit; its files are not looked at."""
        head = read_small(self.metadata / "HEAD")
        return (
            head is not None
            and head.strip() == self.hash
            and _is_directory(self.path)
            and read_small(self.path / ".git") == self.pointer(self.path)
        )


class Trees:
    """All trees of a root."""

    def __init__(self, repo: RepoConfig, git: Git) -> None:
        self._git = git
        self._root = repo.root
        self._directory = repo.root / TREES_DIRECTORY
        self._keep = repo.stale_worktree_timeout
        self._log = get_logger(repo=repo.name)
        self._unknown_since: dict[Path, float] = {}

    def all(self, stores: list[Path]) -> list[Tree]:
        """Return every tree whose metadata is in one of the stores; remove metadata that has lost its tree."""
        found = []
        for metadata in (entry for store in stores for entry in (store / "worktrees").glob("*")):
            private = self._directory / f"{_PRIVATE}{metadata.name}"
            named = self._root / (read_small(metadata / _PLACE) or "")
            if _is_directory(private):
                found.append(Tree(path=private, metadata=metadata))
            elif is_full_hash(named.name) and _is_directory(named):
                found.append(Tree(path=named, metadata=metadata))
            else:
                remove(metadata)
        return found

    def find(self, path: Path, store: Path) -> Tree | None:
        """Return the tree that is published at `path`, None if there is none that is ours and in place."""
        for metadata in (store / "worktrees").glob("*"):
            if read_small(metadata / _PLACE) == os.path.relpath(path, self._root):
                tree = Tree(path=path, metadata=metadata)
                return tree if tree.in_place() else None
        return None

    def published_as(self, commit: str, store: Path, *, deadline: float) -> Tree | None:
        """Return an undamaged tree of a commit that is still there, for a link that was lost or turns back."""
        for tree in self.all([store]):
            if tree.hash == commit and tree.in_place():
                try:
                    if not self.damage(tree, deadline=deadline):
                        return tree
                except GitError as error:
                    if error.reason != "corrupt":
                        raise
        return None

    def stage(self, commit: str, store: Path, *, deadline: float) -> Tree:
        """Return a complete private tree of the commit, made from the standby where there is one.

        Raises `GitError`; a tree that is half done stays, so that the next try goes on from there.
        """
        standby = next((tree for tree in self.all([store]) if tree.private), None)
        if standby:
            try:
                return self._bring(standby, commit, used=True, deadline=deadline)
            except (GitTimeout, GitCancelled):
                raise
            except (GitError, OSError) as error:
                if isinstance(error, GitError) and error.reason in _SHARED_FATE:
                    raise
                self._log.warning("standby_dropped", message=str(error))
                self._delete(standby)
        return self._bring(self._create(commit, store), commit, used=False, deadline=deadline)

    def publish_name(self, tree: Tree, commit: str) -> Tree:
        """Give a staged tree its published name; raise `OSError`."""
        path = self._directory / commit
        if os.path.lexists(path):
            path = self._directory / f"{_AGAIN}{tree.metadata.name}" / commit
            path.parent.mkdir(exist_ok=True)
        self._write_pointers(tree, path)
        tree.path.rename(path)
        return replace(tree, path=path)

    def damage(self, tree: Tree, *, deadline: float) -> list[str]:
        """Return the tracked files of a tree that are not as in its commit; at low priority. Raise `GitError`."""
        output = self._git.run(
            ["update-index", "--refresh"],
            deadline=deadline,
            place=tree.place,
            accept=lambda status: status in {0, 1},
            idle=True,
        )
        return [line.removesuffix(": needs update") for line in output.stdout.splitlines()]

    def tidy(self, linked: Path | None, stores: list[Path], current: Path) -> None:
        """Retire the trees that the link has left for long enough, keep one as standby, remove what nobody knows."""
        if not self._directory.is_dir():
            return
        now = time.time()
        for tree in self.all(stores):
            if tree.path == linked:
                # It may have been left before, and the time starts anew when it is left again.
                (tree.metadata / _LEFT).unlink(missing_ok=True)
            elif not tree.private and self._expired(tree, now):
                self._retire(tree)
        usable = [tree for tree in self.all(stores) if tree.private]
        usable.sort(key=lambda tree: tree.metadata.parent.parent == current, reverse=True)
        for number, tree in enumerate(usable):
            if number > 0 or tree.metadata.parent.parent != current:
                self._delete(tree)
        known = self.all(stores)
        self._remove_unknown(known, linked)
        referenced = {tree.metadata.parent.parent for tree in known}
        for store in stores:
            if store != current and store not in referenced:
                remove(store)

    def drop_private(self, stores: list[Path]) -> None:
        """Remove what is not published, to make room on a full volume."""
        for tree in self.all(stores):
            if tree.private:
                self._delete(tree)

    def _create(self, commit: str, store: Path) -> Tree:
        metadata = store / "worktrees" / unique("")
        path = self._directory / f"{_PRIVATE}{metadata.name}"
        self._directory.mkdir(exist_ok=True)
        metadata.mkdir(parents=True)
        path.mkdir()
        (metadata / "commondir").write_text("../..\n")
        (metadata / "HEAD").write_text(f"{commit}\n")
        return Tree(path=path, metadata=metadata)

    def _bring(self, tree: Tree, commit: str, *, used: bool, deadline: float) -> Tree:
        """Make the files of a private tree those of the commit, whatever they were."""
        if used and not (tree.metadata / _INDEX).exists():
            # Half staged: the files that are right already need not be written again, only be looked at.
            self._git.run(["read-tree", commit], deadline=deadline, place=tree.place)
            self.damage(tree, deadline=deadline)
        self._git.run(["reset", "--hard", "--quiet", commit, "--"], deadline=deadline, place=tree.place)
        if used:
            self._git.run(["clean", "-ffdx", "--quiet"], deadline=deadline, place=tree.place)
        index = tree.metadata / "index"
        index.unlink(missing_ok=True)
        try:
            index.hardlink_to(tree.metadata / _INDEX)
        except OSError:
            index.write_bytes((tree.metadata / _INDEX).read_bytes())
        return tree

    def _write_pointers(self, tree: Tree, path: Path) -> None:
        """Make tree and metadata refer to each other as they will once the tree is at `path`."""
        remove(tree.path / ".git")
        (tree.path / ".git").write_text(tree.pointer(path))
        (tree.metadata / "gitdir").write_text(f"{path / '.git'}\n")
        write_atomically(tree.metadata / _PLACE, os.path.relpath(path, self._root))

    def _expired(self, tree: Tree, now: float) -> bool:
        """Say whether the link has left a tree for long enough; the time of leaving is kept across restarts."""
        left = tree.metadata / _LEFT
        if not left.exists() or left.stat().st_mtime > now:
            left.touch()
            os.utime(left, (now, now))
        return now - left.stat().st_mtime >= self._keep

    def _retire(self, tree: Tree) -> None:
        path = self._directory / f"{_PRIVATE}{tree.metadata.name}"
        tree.path.rename(path)
        if tree.path.parent != self._directory:
            with contextlib.suppress(OSError):
                tree.path.parent.rmdir()

    def _delete(self, tree: Tree) -> None:
        if remove(tree.path):
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


def _is_directory(path: Path) -> bool:
    """Say whether there is a directory itself, not a link to one that a consumer may have put there."""
    return path.is_dir() and not path.is_symlink()
