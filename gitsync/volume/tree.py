"""One tree: a directory of files and its metadata in a store, and the git commands that make and check it.

It is a linked worktree in form (https://git-scm.com/docs/gitrepository-layout), with files of ours in the metadata:

    gitsync-index       the index that we work with; `index` is a hard link to it, for consumers
    gitsync-place       where the tree is published, relative to the root
    gitsync-left        its modification time is when the link has left the tree
    gitsync-recipe      what besides the commit decides about the files
    gitsync-nested      the trees of submodules within it
    gitsync-bare        the places of submodules that stay empty
    gitsync-made        which files are right although git says otherwise
    gitsync-pointers    which files are kept in LFS, with what the commit has in their place
"""

import errno
import functools
import os
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.files import temporary_beside, unique
from gitsync.config import TREES_DIRECTORY, is_full_hash
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.planted import lead_to_store
from gitsync.programs.process import Records, Sinks
from gitsync.volume.changes import Changes, parse_raw
from gitsync.volume.comparison import Comparison
from gitsync.volume.recipe import Recipe, is_hidden
from gitsync.volume.rows import is_inside, read_rows, write_rows
from gitsync.volume.strays import UncleanError, drop_emptied, tidy_up
from gitsync.volume.untracked import holds_only

PRIVATE: Final = ".tree-"
# Holds a published tree whose name in the usual place is taken.
AGAIN: Final = ".again-"
# How the metadata of a submodule's tree is called.
NESTED: Final = "sub-"
# What a command on a tree fails with where others have changed its files or its metadata, or the cause is not known.
_OF_THE_TREE: Final = {"corrupt", "git", "permission"}
# Consumers of the volume may be able to write to the metadata, and what it names is renamed, cleaned and deleted.
_HASH: Final = r"([0-9a-f]{40}|[0-9a-f]{64})"
_PLACE: Final = re.compile(rf"{re.escape(TREES_DIRECTORY)}/({re.escape(AGAIN)}[0-9a-f]+/)?{_HASH}")
_WITHIN: Final = re.compile(rf"({_PLACE.pattern})(?:/|\Z)")
_NESTED_METADATA: Final = re.compile(rf"[0-9a-f]{{12}}-[0-9]+/worktrees/{NESTED}[0-9a-f]+")


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A directory of files and its metadata; `home` is its place below the root if it stands at the link's place."""

    path: Path
    metadata: Path
    remote: str | None = None
    home: Path | None = None

    @property
    def hash(self) -> str:
        """The commit that the directory's name promises."""
        return (self.home or self.path).name

    @property
    def private(self) -> bool:
        """Whether nobody but us knows its name."""
        return self.home is None and self.path.name.startswith(PRIVATE)

    @property
    def store(self) -> Path:
        """The store that its metadata is in."""
        return self.metadata.parent.parent

    @property
    def place(self) -> Place:
        """Where git works on it, with an index that consumers do not touch."""
        index = self.metadata / "gitsync-index"
        return Place(store=self.store, git_dir=self.metadata, work_tree=self.path, index=index, remote=self.remote)

    @property
    def recipe(self) -> str | None:
        """The signature of the recipe that it was made with."""
        return nolinks.read(self.metadata / "gitsync-recipe")

    @property
    def hidden(self) -> bool:
        """Whether it has no `.git`, by which consumers would find the metadata."""
        return is_hidden(self.recipe)

    @property
    def left_mark(self) -> Path:
        """The file whose time is when the link has left the tree."""
        return self.metadata / "gitsync-left"

    def head(self) -> str | None:
        """Return the commit that the metadata names, None if that is none."""
        text = (nolinks.read(self.metadata / "HEAD") or "").strip()
        return text if is_full_hash(text) else None

    def in_place(self) -> bool:
        """Say in a few system calls whether the tree is there and is of its commit; its files are not looked at."""
        head = self.head()
        return (
            head is not None
            and (head == self.hash or self.metadata.name.startswith(NESTED))
            and nolinks.is_directory(self.path)
            and self.leads_back()
        )

    def leads_back(self) -> bool:
        """Say whether the directory names its metadata as it should where it is, or does not where it should not."""
        pointer = self.path / ".git"
        return not nolinks.exists(pointer) if self.hidden else nolinks.read(pointer) == self._pointer(self.path)

    def create(self, commit: str, recipe: Recipe) -> None:
        """Make the directory and the metadata of a tree that has no files yet; raise `OSError`."""
        nolinks.make_directory(self.metadata)
        nolinks.make_directory(self.path)
        lead_to_store(self.metadata)
        nolinks.write(self.metadata / "HEAD", f"{commit}\n")
        nolinks.write(self.metadata / "gitsync-recipe", recipe.signature)

    @property
    def unfinished(self) -> bool:
        """Whether its first commit has not been checked out whole."""
        return not nolinks.exists(self.metadata / "gitsync-index")

    def bring(
        self, commit: str, git: Git, *, recipe: Recipe, deadline: float, idle: bool = False, kept: Collection[Path] = ()
    ) -> Changes:
        """Make the files those of the commit, whatever they were, and return what has changed; cost follows that.

        `kept` are the directories of submodules that stay. Raises `GitError`, and `UncleanError` where a tree without a
        history would fare better.
        """
        options = self._sparse_options(recipe, git, deadline=deadline, idle=idle)
        used = bool(nolinks.entries(self.path))
        run = functools.partial(self._run, git, options, used=used, deadline=deadline, idle=idle)
        if self.head() is None:
            # Else the reset would go to whatever ref is named there.
            nolinks.write(self.metadata / "HEAD", f"{commit}\n")
        if used:
            if self.unfinished:
                # The files that are right already need not be written again, only be looked at.
                run("read-tree", self.head() or commit)
                self.comparison(git).refresh(deadline=deadline, idle=idle)
            # Before the reset: that would follow files of attributes, and links to directories, that somebody has left.
            if not self.holds_only(kept=kept):
                run("clean", "-ffdx", "--quiet")
                tidy_up(self.path, kept)
        changes = self._changes(commit, git, deadline=deadline, idle=idle) if used else {}
        # They decide about the bytes of others.
        anew = any(PurePosixPath(path).name == ".gitattributes" for path in changes)
        if anew:
            # Without times in the index all files are written, those too whose blobs stay the same.
            run("read-tree", self.head() or commit)
        warnings = run("reset", "--hard", "--quiet", commit, "--")
        if anew or (used and warnings):
            # It says so if something stands where a submodule was, and leaves it.
            run("clean", "-ffdx", "--quiet")
        drop_emptied(self.path, changes)
        self.share_index()
        return changes

    def holds_only(self, *, kept: Collection[Path] = (), as_seen: bool = False) -> bool:
        """Say whether a look shows that it has the files of its index and no others; see `untracked.holds_only`."""
        hash_size = len(self.head() or "") // 2
        return holds_only(self.path, self.place.index, hash_size=hash_size, kept=kept, as_seen=as_seen)

    def _run(self, git: Git, options: Sequence[str], *arguments: str, used: bool, deadline: float, idle: bool) -> str:
        """Run a command that works on a tree, which was `used` before or not; return what it warns of."""
        try:
            return git.run([*options, *arguments], deadline=deadline, place=self.place, idle=idle).stderr
        except (GitTimeout, GitCancelled):
            raise
        except GitError as error:
            # What was begun in it may be a commit that nobody can check out; the next one has nothing to do with that.
            begun = arguments[0] == "read-tree" and error.reason == "bad_commit"
            if used and (begun or arguments[0] == "clean" or error.reason in _OF_THE_TREE):
                raise UncleanError(errno.ENOTEMPTY, str(error), str(self.path)) from error
            raise

    def comparison(self, git: Git) -> Comparison:
        """Return the comparison of its files with what a checkout of its commit makes."""
        return Comparison(self.place, self.metadata / "gitsync-made", git)

    def _changes(self, commit: str, git: Git, *, deadline: float, idle: bool) -> Changes:
        """Return what is another in the commit than in the index."""
        records = Records(b"\0", most=sys.maxsize, largest=sys.maxsize)
        compare = ["diff-index", "--cached", "--raw", "--no-abbrev", "--no-renames", "-z", "-R", commit, "--"]
        found = git.run(compare, deadline=deadline, place=self.place, idle=idle, sinks=Sinks(output=records)).records
        try:
            return parse_raw(found)
        except ValueError as error:
            # Git does not look whether an index is whole, and tells of files without a name.
            raise UncleanError(errno.ENOTEMPTY, f"its index is damaged: {error}", str(self.path)) from error

    def share_index(self) -> None:
        """Let consumers have the index, too."""
        ours, index = self.metadata / "gitsync-index", self.metadata / "index"
        nolinks.unlink(index)
        try:
            nolinks.link(ours, index)
        except OSError:
            nolinks.write(index, ours.read_bytes())

    def point(self, path: Path) -> None:
        """Make tree and metadata refer to each other as they will once the tree is at `path`; raise `OSError`."""
        pointer = self.path / ".git"
        if (self.hidden or nolinks.is_directory(pointer)) and not nolinks.remove(pointer):
            raise UncleanError(errno.ENOTEMPTY, "it cannot be removed", str(pointer))
        if not self.hidden:
            # Consumers may see the tree by now, so nothing else comes about there.
            made = temporary_beside(self.metadata / "pointer")
            nolinks.write(made, self._pointer(path))
            nolinks.rename(made, pointer)
        # The path of a submodule is the repository's, and may be no valid text.
        nolinks.write(self.metadata / "gitdir", os.fsencode(path / ".git") + b"\n")

    def lead_to(self, path: Path) -> None:
        """The same for the tree and for those of submodules in it; raise `OSError`."""
        self.point(path)
        for nested in self.nested():
            nested.point(path / nested.path.relative_to(self.path))

    def remember_nested(self, nested: list["Tree"], bare: Sequence[Path] = ()) -> None:
        """Note which trees of submodules are in this one, and the places of those that stay empty."""
        root = self.store.parent
        rows = [
            [str(tree.path.relative_to(self.path)), os.path.relpath(tree.metadata, root), tree.remote]
            for tree in nested
        ]
        write_rows(self.metadata / "gitsync-nested", rows)
        write_rows(self.metadata / "gitsync-bare", [str(path.relative_to(self.path)) for path in bare])

    def nested(self) -> list["Tree"]:
        """Return the trees of submodules that were made in this one, outer ones first."""
        root = self.store.parent
        return [
            Tree(path=self.path / row[0], metadata=root / row[1], remote=row[2])
            for row in read_rows(self.metadata / "gitsync-nested", _is_nested_row)
        ]

    def bare(self) -> list[Path]:
        """Return the places of submodules that stay empty."""
        return [self.path / row for row in read_rows(self.metadata / "gitsync-bare", is_inside)]

    @staticmethod
    def around(path: Path, work: Path) -> Path:
        """Return the published tree that a path leads into, or the path itself if that is none of a tree."""
        match = _WITHIN.match(os.path.relpath(path, work))
        return work / match[1] if match else path

    @staticmethod
    def placed(metadata: Path, root: Path) -> Path | None:
        """Return where the metadata says that its tree is published, None if that is no place of ours."""
        text = nolinks.read(metadata / "gitsync-place") or ""
        return root / text if _PLACE.fullmatch(text) else None

    def _pointer(self, path: Path) -> str:
        """Return the text of the `.git` file that the tree has at `path`; relative, so that the volume can move."""
        return f"gitdir: {os.path.relpath(self.metadata, path)}\n"

    def _sparse_options(self, recipe: Recipe, git: Git, *, deadline: float, idle: bool) -> list[str]:
        """Put the patterns where git looks for them. https://git-scm.com/docs/git-sparse-checkout

        Patterns in the form of cones mean more than what they say: the files above them as well. Which these are git
        itself knows best; of others it would leave out files if it had to find out while it works on a tree.
        """
        if not recipe.partial:
            return []
        file = self.metadata / "info" / "sparse-checkout"
        nolinks.make_directory(file.parent)
        options = ["-c", "core.sparseCheckout=true", "-c", "core.sparseCheckoutCone=true"]
        plain = [*options[:3], "core.sparseCheckoutCone=false"]
        nolinks.write(file, recipe.patterns)
        if recipe.subpath:
            return plain
        asked = git.run([*options, "sparse-checkout", "list"], deadline=deadline, place=self.place, idle=idle)
        return plain if "disabling cone" in asked.stderr else options


def free_place(trees: Path, commit: str) -> Path:
    """Return where a tree of a commit can be published: under its hash, or beside what has that name already."""
    path = trees / commit
    return trees / unique(AGAIN) / commit if nolinks.exists(path) else path


def _is_nested_row(row: object) -> bool:
    """Say whether a row names a tree within its parent and metadata within the stores, and nothing else."""
    if not isinstance(row, list) or len(row) != 3 or not isinstance(row[1], str):
        return False
    return (
        is_inside(row[0]) and bool(_NESTED_METADATA.fullmatch(row[1])) and (row[2] is None or isinstance(row[2], str))
    )
