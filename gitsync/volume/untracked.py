"""Whether a small tree is as git has left it, found out by names and stat(2) alone.

Starting git costs more than that, and an update of a small repository is bound by the number of processes. Whatever is
not as it should be, or not understood, is for git to look at. Called by the worker's thread.
"""

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.directory import entries_of
from gitsync.volume.index import Index, read_index

_POINTER: Final = ".git"


def holds_only(
    top: Path, index: Path | None, *, hash_size: int, kept: Collection[Path] = (), as_seen: bool = False
) -> bool:
    """Say whether a tree has exactly the files of its index, and no directory without any.

    `hash_size` is in bytes. `kept` are the directories of submodules that are not looked into. With `as_seen`, files
    have to be as git has seen them, too. False says nothing of the tree, but that git has to look.
    """
    try:
        content = read_index(index, hash_size=hash_size) if index else None
        if content is None:
            return False
        found = _Found(content, as_seen, {os.fsencode(path.relative_to(top)) for path in kept if top in path.parents})
        with nolinks.opened(top) as descriptor:
            return found.is_all(descriptor)
    except OSError:
        return False


@dataclass
class _Found:
    """What is found on a walk through a tree: how many of the index's entries, and the directories that have some."""

    index: Index
    as_seen: bool
    kept: set[bytes]
    count: int = 0
    waiting: list[bytes] = field(default_factory=lambda: [b"."])

    def is_all(self, top: int) -> bool:
        while self.waiting:
            directory = self.waiting.pop()
            with entries_of(top, os.fsdecode(directory)) as entries:
                if not entries or not all(self._belongs(directory, entry) for entry in entries):
                    return False
        return self.count == len(self.index.entries)

    def _belongs(self, directory: bytes, entry: "os.DirEntry[str]") -> bool:
        name = os.fsencode(entry.name)
        path = name if directory == b"." else directory + b"/" + name
        if entry.name == _POINTER:
            # Elsewhere than at the top it makes another repository.
            return directory == b"." and entry.is_file(follow_symlinks=False)
        known = self.index.entries.get(path)
        if entry.is_dir(follow_symlinks=False):
            if known is None:
                self.waiting.append(path)
                return True
            self.count += 1
            return path in self.kept
        if known is None or stat.S_IFMT(known.mode) not in {stat.S_IFREG, stat.S_IFLNK}:
            return False
        self.count += 1
        if not self.as_seen:
            return True
        return not self.index.is_racy(known) and known.is_as_seen(entry.stat(follow_symlinks=False))
