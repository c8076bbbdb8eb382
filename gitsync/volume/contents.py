"""The contents of files that are kept in LFS, which a store has beside its objects, in git-lfs's own form.

They are fetched when a tree needs them, are known by their hashes, and go when no tree needs them any more. Called by
the worker's thread.
"""

from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitError
from gitsync.base.folder import open_folder
from gitsync.base.pointer import Pointer
from gitsync.base.redact import scrub
from gitsync.programs.gitcmd import Git
from gitsync.programs.lfs import fetch_contents
from gitsync.volume.pointers import read_pointers
from gitsync.volume.stores import CONTENTS
from gitsync.volume.tree import Tree

# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: contents lie two levels below this, by their hashes.
_OBJECTS: Final = "objects"
_LEVELS: Final = 3


class Contents:
    """The contents of one store."""

    def __init__(self, store: Path) -> None:
        self._storage = store / CONTENTS

    def has(self, pointer: Pointer) -> bool:
        """Say whether a content is there, as far as its size tells."""
        found = nolinks.status(self._place(pointer))
        return found is not None and found.st_size == pointer.size

    def fetch(self, git: Git, url: str, wanted: Collection[Pointer], *, deadline: float) -> None:
        """Fetch contents from the LFS server of a remote; raise `GitError` if that has not all of them."""
        nolinks.make_directory(self._storage)
        fetch_contents(git, url, wanted, self._storage, deadline=deadline)
        missing = [pointer.oid for pointer in wanted if not self.has(pointer)]
        if missing:
            message = f"git lfs fetch ({scrub(url)}): {len(missing)} contents have not come, one is {missing[0]}"
            raise GitError(message, reason="lfs")

    def copy(self, pointer: Pointer, made: Path, *, executable: bool, tick: Callable[[], None]) -> bool:
        """Copy a content to a free name; return False, and drop it, if it is not what the pointer says.

        `tick` is called for each part, and what it raises ends the copying. Raises `OSError`.
        """
        place, digest = self._place(pointer), sha256()

        def see(part: bytes) -> None:
            tick()
            digest.update(part)

        with open_folder(place.parent) as source, open_folder(made.parent) as target:
            target.take(source, place.name, made.name, executable=executable, see=see)
        if digest.hexdigest() == pointer.oid:
            return True
        nolinks.unlink(place)
        nolinks.unlink(made)
        return False

    def prune(self, needed: Collection[str]) -> None:
        """Remove the contents whose hashes are not among these, and what unfinished fetches have left.

        Where none is left the directory goes as well.
        """
        for path in nolinks.entries(self._storage):
            if path.name != _OBJECTS:
                nolinks.remove(path)
        for path in nolinks.walk(self._storage / _OBJECTS, depth=_LEVELS):
            if path.name not in needed and not nolinks.is_directory(path):
                nolinks.remove(path)
                nolinks.remove_empty(path.parent)
                nolinks.remove_empty(path.parent.parent)
        nolinks.remove_empty(self._storage / _OBJECTS)
        nolinks.remove_empty(self._storage)

    def _place(self, pointer: Pointer) -> Path:
        return self._storage / _OBJECTS / pointer.oid[:2] / pointer.oid[2:4] / pointer.oid


def prune(stores: Sequence[Path], trees: Sequence[Tree]) -> None:
    """Remove the contents in these stores that none of the trees, which are all that there are, needs."""
    all_trees = [each for tree in trees for each in (tree, *tree.nested())]
    for store in stores:
        noted = (read_pointers(tree.metadata).values() for tree in all_trees if tree.store == store)
        Contents(store).prune({kept.pointer.oid for rows in noted for kept in rows})
