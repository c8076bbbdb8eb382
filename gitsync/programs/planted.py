"""What others may have planted on the volume where git looks, and is removed before each command.

Of what git enters in a store only files and directories are ours. It follows links: it packs the refs behind one and
removes them there, adds to a journal and writes a commit-graph wherever they lead to. And it waits for pipes.
Called by the worker's thread.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitError
from gitsync.base.log import get_logger

# What git opens in a store, and where it looks below that, with the levels; the objects themselves it only reads.
_DIRECTORIES: Final = ("", "objects", "refs", "worktrees")
_FILES: Final = ("packed-refs", "shallow", "refs/gitsync/head")
_ENTERED: Final = (("objects", 1), ("objects/pack", 1), ("objects/info", 2), ("refs", 64), ("worktrees", 2))
# How the metadata of a tree names its store. https://git-scm.com/docs/gitrepository-layout
COMMON: Final = "../..\n"
_HINT: Final = "who else writes to the volume? In .gitsync only our process may"


def clear_store(store: Path) -> None:
    """Remove from a store what leads git elsewhere; if it is not whole without it, git says so. Raise `OSError`."""
    _clear(store / name for name in (*_DIRECTORIES, *_FILES))
    for path in (store / name for name in _FILES):
        if nolinks.is_directory(path):
            nolinks.remove(path)
    for name, depth in _ENTERED:
        _clear(irregular(store / name, depth=depth))
    for metadata in nolinks.entries(store / "worktrees"):
        # We keep no journals of refs, and git adds to those that are there.
        nolinks.remove(metadata / "logs")
        lead_to_store(metadata)
    for name in ("alternates", "http-alternates"):
        # A store of ours borrows no objects.
        nolinks.unlink(store / "objects" / "info" / name)


def lead_to_store(metadata: Path) -> None:
    """Have the metadata of a tree name the store that it is in; raise `OSError`.

    git follows that file, in spite of `GIT_COMMON_DIR`, where it lists all trees, or looks into a submodule.
    """
    path = metadata / "commondir"
    if nolinks.is_directory(metadata) and nolinks.read(path) != COMMON:
        nolinks.remove(path)
        nolinks.write(path, COMMON)


def clear_metadata(metadata: Path) -> None:
    """Remove from the metadata of a tree what leads git elsewhere; raise `GitError` if there was any, and `OSError`."""
    entered = (irregular(directory, depth=1) for directory in (metadata, metadata / "info"))
    if _clear([metadata.parent, metadata]) or any([_clear(paths) for paths in entered]):
        raise GitError(f"{metadata} is damaged", reason="corrupt", hint=_HINT)


def irregular(path: Path, *, depth: int) -> Iterator[Path]:
    """Yield what is neither a file nor a directory below a directory, so many levels deep."""
    waiting = [(path, 1)]
    while waiting:
        directory, level = waiting.pop()
        directories, others = _scan(directory)
        yield from (directory / name for name in others)
        if level < depth:
            waiting += [(directory / name, level + 1) for name in directories]


def _scan(path: Path) -> tuple[list[str], list[str]]:
    """Return which names in a directory are directories, and which are no files either; most systems say so at once."""
    directories, others = [], []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), nolinks.opened(path) as descriptor:
        for entry in os.scandir(f"/proc/self/fd/{descriptor}"):
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
            elif not entry.is_file(follow_symlinks=False):
                others.append(entry.name)
    return directories, others


def _clear(paths: Iterable[Path]) -> bool:
    """Remove those that are neither a file nor a directory; say whether there were any."""
    found = [path for path in paths if _is_irregular(path)]
    for path in found:
        nolinks.unlink(path)
    if found:
        get_logger().warning("planted_removed", path=str(found[0]), count=len(found), hint=_HINT)
    return bool(found)


def _is_irregular(path: Path) -> bool:
    found = nolinks.status(path)
    return found is not None and not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode)
