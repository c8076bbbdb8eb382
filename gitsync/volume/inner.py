"""What tells, cheaply, that the tree of a submodule needs no work, or that a tree has no submodules at all.

Called by the worker's thread.
"""

from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.programs.gitcmd import Git
from gitsync.programs.process import Records, Sinks
from gitsync.volume.strays import has_empty
from gitsync.volume.tree import Tree

# The mode of a submodule in an index. https://git-scm.com/docs/index-format
_LINK_MODE: Final = 0o160000.to_bytes(4, "big")
# Bytes of the index that are looked at together.
_CHUNK: Final = 1024 * 1024
# More trees than this have gone in the meantime.
_MOST: Final = 10_000

Seen = tuple[int, ...]


class Untouched:
    """Tells whether the tree of a submodule has the files of a commit, and nothing but those.

    An index that git has found to be the commit's, or has made so, is remembered for as long as nobody writes it. Then
    a look at the files is enough, which costs a tenth of starting git.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        # By the metadata: the commit, and what the index looked like.
        self._proven: dict[Path, tuple[str, Seen]] = {}

    def note(self, tree: Tree, commit: str) -> None:
        """Note that git has just made the index that of the commit, or found it so."""
        if len(self._proven) >= _MOST:
            self._proven.clear()
        if seen := see_index(tree):
            self._proven[tree.metadata] = (commit, seen)

    def is_proven(self, tree: Tree, commit: str) -> bool:
        """Say whether the index is known to be the commit's."""
        seen = see_index(tree)
        return seen is not None and self._proven.get(tree.metadata) == (commit, seen)

    def is_untouched(self, tree: Tree, commit: str, *, deadline: float) -> bool:
        """Say whether a tree needs no work; raise `GitError` as a checkout would."""
        if tree.unfinished or tree.head() != commit:
            return False
        if self.is_proven(tree, commit) and tree.holds_only(as_seen=True):
            return True
        found = Records(b"\0", most=0)
        status = ["status", "--porcelain", "-z", "--untracked-files=all", "--ignored", "--ignore-submodules"]
        self._git.run(status, deadline=deadline, place=tree.place, sinks=Sinks(output=found))
        # git tells of no directories.
        if found.count or has_empty(tree.path):
            return False
        self.note(tree, commit)
        return True


def see_index(tree: Tree) -> Seen | None:
    """Return what changes whenever the index of a tree is written, None if there is none."""
    found = nolinks.status(tree.metadata / "gitsync-index")
    return found and (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def may_have_submodules(tree: Tree) -> bool:
    """Say whether a tree may have submodules, or tells of some; raise `OSError`."""
    return _may_link(tree) or nolinks.exists(tree.path / ".gitmodules")


def _may_link(tree: Tree) -> bool:
    """Say whether there may be submodules in the index, by what their mode looks like there."""
    with nolinks.reading(tree.metadata / "gitsync-index") as index, open(index, "rb", closefd=False) as file:
        kept = b""
        while part := file.read(_CHUNK):
            if _LINK_MODE in kept + part:
                return True
            kept = part[-len(_LINK_MODE) :]
    return False
