"""For how long the link has left each tree, whatever becomes of the wall clock meanwhile.

A mark in the tree's metadata has the time, so that it is kept across restarts. While a process runs its own clock
counts, which nobody sets: a wall clock that jumps ahead would take trees from their readers, and one that is put back
would keep them. Called by the worker's thread.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gitsync.base import nolinks
from gitsync.volume.tree import Tree


class _Look(NamedTuple):
    """When the mark of a tree was looked at first: its time (ns), its age then (seconds), and when (monotonic)."""

    mark: int
    age: float
    at: float


class Ages:
    """The ages of the trees of one root."""

    def __init__(self) -> None:
        self._looks: dict[Path, _Look] = {}

    def left_for(self, tree: Tree) -> float:
        """Return for how many seconds the link has left a tree, or it was not finished."""
        try:
            found = nolinks.status(tree.left_mark)
            look = self._looks.get(tree.metadata)
            if look is None or found is None or found.st_mtime_ns != look.mark:
                age = time.time() - found.st_mtime if found else -1.0
                if age < 0:
                    nolinks.write(tree.left_mark, "")
                    age, found = 0.0, nolinks.status(tree.left_mark)
                look = _Look(found.st_mtime_ns if found else 0, age, time.monotonic())
                self._looks[tree.metadata] = look
            return look.age + time.monotonic() - look.at
        except OSError:
            # No room for a mark: the time begins when there is.
            return 0.0

    def forget_others(self, trees: Iterable[Tree]) -> None:
        """Forget the trees that are not there any more."""
        there = {tree.metadata for tree in trees}
        self._looks = {metadata: look for metadata, look in self._looks.items() if metadata in there}
