"""What tells, cheaply, that the tree of a submodule needs no work, or that a tree has no submodules at all.

Called by the worker's thread.
"""

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


def is_untouched(tree: Tree, commit: str, git: Git, *, deadline: float) -> bool:
    """Say whether the files are those of the commit, and nothing but those; raise `GitError` as a checkout would."""
    if tree.unfinished or tree.head() != commit:
        return False
    found = Records(b"\0", most=0)
    status = ["status", "--porcelain", "-z", "--untracked-files=all", "--ignored", "--ignore-submodules"]
    git.run(status, deadline=deadline, place=tree.place, sinks=Sinks(output=found))
    # git tells of no directories.
    return not found.count and not has_empty(tree.path)


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
