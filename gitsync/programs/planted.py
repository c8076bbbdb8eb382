"""What others may have planted on the volume where git looks, and is removed before each command.

Of what git enters in a store only files and directories are ours. It follows links: it packs the refs behind one and
removes them there, adds to a journal and writes a commit-graph wherever they lead to. And it waits for pipes.
Called by the worker's thread.
"""

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.directory import entries_of
from gitsync.base.errors import GitError
from gitsync.base.log import get_logger

# Where git looks in a store, with the levels.
_ENTERED: Final = (
    *((".", 1), ("objects", 1), ("objects/pack", 1), ("objects/info", 2)),
    *(("refs", 64), ("worktrees", 2)),
)
# What git reads as a file.
_FILES: Final = ("packed-refs", "shallow", "refs/gitsync/head")
# Where loose objects are, of which there may be thousands. https://git-scm.com/docs/gitrepository-layout
_LOOSE: Final = re.compile("objects/[0-9a-f]{2}")
# Seconds after which a change would have another time than the last one.
_TICK: Final = 1.0
# A store of ours borrows no objects.
_BORROWED: Final = ("objects/info/alternates", "objects/info/http-alternates")
# The metadata of a tree.
_METADATA: Final = re.compile("worktrees/[^/]+")
# What git reads in a tree, in any directory; it follows no link of these names.
_READ: Final = {".gitattributes", ".gitignore", ".gitmodules"}
_DEEPEST: Final = 2048
# How the metadata of a tree names its store. https://git-scm.com/docs/gitrepository-layout
COMMON: Final = "../..\n"
_HINT: Final = "who else writes to the volume? In .gitsync only our process may"


class _Kind(Enum):
    """What there may be under a name."""

    DIRECTORY = auto()
    FILE = auto()
    OTHER = auto()


class Looks:
    """The directories of loose objects of a store that were looked through, and what changes if they do."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def irregular(self, top: int, directories: Iterable[str]) -> list[str]:
        """Return what is neither a file nor a directory in those, below an open store, that have changed."""
        found: list[str] = []
        seen: dict[str, tuple[int, int]] = {}
        for name in directories:
            try:
                status = os.stat(name, dir_fd=top, follow_symlinks=False)
            except FileNotFoundError:
                continue
            # Nobody can set this time.
            look = (status.st_ino, status.st_ctime_ns)
            if self._seen.get(name) != look:
                others = [path for path, kind in _walk(top, name, depth=1) if kind is _Kind.OTHER]
                found += others
                if others or abs(time.time() - status.st_ctime) < _TICK:
                    continue
            seen[name] = look
        self._seen = seen
        return found


def clear_store(store: Path, looks: Looks) -> None:
    """Remove from a store what leads git elsewhere; if it is not whole without it, git says so. Raise `OSError`.

    This comes before each command, so all is looked at from one descriptor.
    """
    _clear([store])
    found: dict[str, _Kind] = {}
    trees: list[str] = []
    loose: list[str] = []
    astray: list[str] = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), nolinks.opened(store) as top:
        for name, depth in _ENTERED:
            found.update(_walk(top, name, depth=depth))
        directories = [name for name, kind in found.items() if kind is _Kind.DIRECTORY]
        loose = looks.irregular(top, filter(_LOOSE.fullmatch, directories))
        trees = [name for name in directories if _METADATA.fullmatch(name)]
        astray = [name for name in trees if not _names_store(top, f"{name}/commondir")]
    _clear(store / name for name in (*(name for name, kind in found.items() if kind is _Kind.OTHER), *loose))
    for name in _FILES:
        if found.get(name) is _Kind.DIRECTORY:
            nolinks.remove(store / name)
    for name in _BORROWED:
        if name in found:
            nolinks.unlink(store / name)
    for name in trees:
        # We keep no journals of refs, and git adds to those that are there.
        if f"{name}/logs" in found:
            nolinks.remove(store / name / "logs")
    for name in astray:
        lead_to_store(store / name)


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


def clear_pipes(tree: Path | None) -> None:
    """Remove what git may have waited for in the files of a tree: pipes where it reads what others write into trees.

    That costs a look at all of the files, and so comes when a command was not done in time. Raises `OSError`.
    """
    if tree:
        found = (path for path in irregular(tree, depth=_DEEPEST) if path.name in _READ)
        _clear(path for path in found if (status := nolinks.status(path)) and stat.S_ISFIFO(status.st_mode))


def clear_tree(top: Path, *, depth: int) -> None:
    """Remove what is neither a file nor a directory below a directory, so many levels deep; raise `OSError`."""
    _clear([top])
    _clear(irregular(top, depth=depth))


def irregular(path: Path, *, depth: int) -> list[Path]:
    """Return what is neither a file nor a directory below a directory, so many levels deep."""
    try:
        with nolinks.opened(path) as top:
            return [path / name for name, kind in _walk(top, ".", depth=depth) if kind is _Kind.OTHER]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _walk(top: int, name: str, *, depth: int) -> Iterator[tuple[str, _Kind]]:
    """Yield what is in a directory below an open one, with its name from there, so many levels deep."""
    waiting = [(name, 1)]
    while waiting:
        directory, level = waiting.pop()
        with entries_of(top, directory) as entries:
            found = [(entry.name, _kind(entry)) for entry in entries]
        for entry_name, kind in found:
            path = entry_name if directory == "." else f"{directory}/{entry_name}"
            yield path, kind
            if kind is _Kind.DIRECTORY and level < depth:
                waiting.append((path, level + 1))


def _kind(entry: "os.DirEntry[str]") -> _Kind:
    """Return what an entry is, which most systems tell with its name."""
    if entry.is_dir(follow_symlinks=False):
        return _Kind.DIRECTORY
    return _Kind.FILE if entry.is_file(follow_symlinks=False) else _Kind.OTHER


def _names_store(top: int, name: str) -> bool:
    """Say whether a file below an open directory is what leads from the metadata of a tree to its store."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=top)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(COMMON) + 1) == COMMON.encode()
    except OSError:
        return False
    finally:
        os.close(descriptor)


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
