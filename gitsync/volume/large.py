"""Gives the files of a staged tree that are kept in LFS their content, in place of the pointers that git has written.

git itself would hold each of them in memory, and run what the repository says. So a pointer is replaced by a copy of
the content, and then git looks at the file through a filter of ours (`programs.lfsfilter`) and finds it right: from
then on its time and size are in the index, and neither an update nor a comparison touches it before it changes.

Called by the worker's thread.
"""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError, GitCancelled, GitError, GitTimeout, from_os_error
from gitsync.base.files import TEMPORARY_SUFFIX
from gitsync.base.pointer import LARGEST, Pointer
from gitsync.config import RepoConfig
from gitsync.programs.gitcmd import Git
from gitsync.programs.process import Records, Sinks
from gitsync.volume.contents import Contents
from gitsync.volume.inner import Seen, see_index
from gitsync.volume.pointers import IN_LFS, IN_TREE, Kept, read_pointers, write_pointers
from gitsync.volume.tree import Tree
from gitsync.volume.weight import Weight

# The mode of a program in an index. https://git-scm.com/docs/index-format
_EXECUTABLE: Final = "100755"
# Swept if a kill leaves it behind.
_MADE: Final = f"gitsync-content{TEMPORARY_SUFFIX}"
# What git reads in a tree, and in the objects, and would find to be two things.
_OF_GIT: Final = {".gitattributes", ".gitignore", ".gitmodules"}
# More trees than this have gone in the meantime.
_MOST: Final = 10_000
_RAISE: Final = "raise --max-fetch if this is meant to be fetched; what is published stays"


@dataclass(frozen=True)
class _Missing:
    """A file that has a pointer in place of its content; `entry` is what the index has for it: mode, hash and path."""

    tree: Tree
    path: str
    entry: str
    pointer: Pointer

    @property
    def executable(self) -> bool:
        """Whether it may be run."""
        return self.entry.startswith(_EXECUTABLE)


class LargeFiles:
    """The files of one repository's trees that are kept in LFS."""

    def __init__(self, repo: RepoConfig, git: Git, weight: Weight) -> None:
        self._url = repo.repo
        self._most = repo.content.limits.max_fetch
        self._git = git
        self._weight = weight
        # What the index of a tree looked like when all of its files had their content, by the metadata.
        self._full: dict[Path, Seen | None] = {}

    def fill(self, tree: Tree, *, deadline: float) -> list[Tree]:
        """Give all files of a tree, and of the submodules in it, their content; return the trees that were touched.

        What the store has not is fetched, once all of it was weighed. Raises `GitSyncError`, of which none is the fault
        of the tree: the next try goes on from here.
        """
        try:
            return self._fill([tree, *tree.nested()], deadline=deadline)
        except GitError as error:
            if isinstance(error, GitTimeout | GitCancelled):
                raise
            # What is wrong is no damage of this tree, or of its store.
            raise CheckoutError(str(error), reason=error.reason, hint=error.hint) from error
        except OSError as error:
            raise from_os_error(error, doing="writing files that are kept in LFS") from error

    def _fill(self, trees: Sequence[Tree], *, deadline: float) -> list[Tree]:
        missing = [file for tree in trees for file in self._missing(tree, deadline=deadline)]
        sizes = (kept.pointer.size for tree in trees for kept in read_pointers(tree.metadata).values())
        self._weight.add_contents(sum(sizes))
        self._provide(missing, deadline=deadline)
        damaged = [file for file in missing if not self._replace(file, deadline=deadline)]
        if damaged:
            self._provide(damaged, deadline=deadline)
            for file in damaged:
                if not self._replace(file, deadline=deadline):
                    raise GitError(f"{file.path}: its content is not what its pointer says", reason="lfs")
        touched = [tree for tree in trees if any(file.tree == tree for file in missing)]
        for tree in touched:
            self._make_known(tree, [file.entry for file in missing if file.tree == tree], deadline=deadline)
        if len(self._full) >= _MOST:
            self._full.clear()
        for tree in trees:
            self._full[tree.metadata] = see_index(tree)
        return touched

    def _missing(self, tree: Tree, *, deadline: float) -> list[_Missing]:
        """Return the files of a tree that are pointers yet, and note which have one."""
        if tree.metadata in self._full and self._full[tree.metadata] == see_index(tree):
            return []
        noted = read_pointers(tree.metadata)
        entries: dict[str, str] = {}
        kept: dict[str, Kept] = {}
        for entry, blob, path in self._listed(tree, deadline=deadline):
            before = noted.get(path)
            pointer = before.pointer if before and before.blob == blob else _read(tree.path / path)
            if pointer:
                kept[path], entries[path] = Kept(blob, pointer), entry
        if kept != noted:
            # Before the first content comes: whatever happens then, it is known whose place it has taken.
            write_pointers(tree.metadata, kept)
        return [
            _Missing(tree, path, entries[path], one.pointer)
            for path, one in kept.items()
            if _read(tree.path / path) == one.pointer
        ]

    def _listed(self, tree: Tree, *, deadline: float) -> Iterable[tuple[str, str, str]]:
        """Yield the files that attributes call kept in LFS: what the index has for each, its hash and its path."""
        files = Records(b"\0", most=sys.maxsize, wanted=IN_TREE)
        listing = ["ls-files", "-s", "-t", "-z", "--", IN_LFS]
        found = self._git.run(listing, deadline=deadline, place=tree.place, sinks=Sinks(output=files)).records
        for record in found:
            about, _, path = record.partition("\t")
            if PurePosixPath(path).name in _OF_GIT:
                continue
            tag, _, blob, _ = about.split(" ")
            yield record.removeprefix(f"{tag} "), blob, path

    def _provide(self, missing: Sequence[_Missing], *, deadline: float) -> None:
        """Have all contents in the stores; raise `GitError`, or `CheckoutError` if that is more than is allowed."""
        wanted: dict[tuple[Path, str], set[Pointer]] = {}
        for file in missing:
            if not Contents(file.tree.store).has(file.pointer):
                wanted.setdefault((file.tree.store, file.tree.remote or self._url), set()).add(file.pointer)
        size = sum(pointer.size for pointers in wanted.values() for pointer in pointers)
        if self._most and size > self._most:
            message = (
                f"the files that are kept in LFS have {size:,} bytes to fetch, and --max-fetch allows {self._most:,}"
            )
            raise CheckoutError(message, reason="too_large", hint=_RAISE)
        for (store, url), pointers in wanted.items():
            Contents(store).fetch(self._git, url, pointers, deadline=deadline)

    def _replace(self, file: _Missing, *, deadline: float) -> bool:
        """Put the content in the place of a pointer; return False if what the store has is another content."""
        made = file.tree.metadata / _MADE
        nolinks.remove(made)

        def tick() -> None:
            if self._git.children.cancelled:
                raise GitCancelled("files that are kept in LFS: not done, as the process shuts down")
            if time.monotonic() >= deadline:
                raise GitTimeout("not all files that are kept in LFS have their content yet")

        tick()
        if not Contents(file.tree.store).copy(file.pointer, made, executable=file.executable, tick=tick):
            return False
        nolinks.rename(made, file.tree.path / file.path)
        return True

    def _make_known(self, tree: Tree, entries: Sequence[str], *, deadline: float) -> None:
        """Have git see that files are right, although they are not as large as what it has written; raise `GitError`.

        It looks into a file of another size only where its index has none, as it is for entries that come like this.
        """
        feed = b"".join(os.fsencode(entry) + b"\0" for entry in entries)
        command = ["update-index", "-z", "--index-info"]
        self._git.run(command, deadline=deadline, place=tree.place, sinks=Sinks(feed=feed))
        tree.comparison(self._git).refresh(deadline=deadline)
        tree.share_index()


def _read(path: Path) -> Pointer | None:
    """Return the pointer that a file is now, None if it is none."""
    found = nolinks.status(path)
    if found is None or found.st_size > LARGEST:
        return None
    return Pointer.parse(nolinks.read(path, limit=LARGEST) or "")
