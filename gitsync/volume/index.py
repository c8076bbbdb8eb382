"""What an index of git says is in a small tree, read without a process.

Only what needs no interpretation is read: version 2, and no entry with a flag, as unmerged files have, or those that
sparse patterns leave out. https://git-scm.com/docs/index-format. Called by the worker's thread.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Final

from gitsync.base import nolinks

_HEADER: Final = Struct(">4sLL")
_MAGIC: Final = b"DIRC"
_VERSION: Final = 2
# Times of change and of content in seconds and nanoseconds, device, inode, mode, owner, group, size.
_STAT: Final = Struct(">10L")
_FLAGS: Final = Struct(">H")
# The name's length; what is above it has a meaning that is not looked into.
_NAME: Final = 0x0FFF
_ALIGNED: Final = 8
_WORD: Final = 0xFFFFFFFF
# Bytes. Beyond them git is quicker, process and all.
LARGEST: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """What git has seen of one path: its mode, and stat(2) as far as it is compared."""

    mode: int
    seen: tuple[int, ...]

    def is_as_seen(self, found: os.stat_result) -> bool:
        """Say whether stat(2) says the same as then. git compares the same: changed bytes change a time."""
        kind = stat.S_ISREG(self.mode) == stat.S_ISREG(found.st_mode)
        executable = not stat.S_ISREG(self.mode) or bool(self.mode & 0o100) == bool(found.st_mode & 0o100)
        times = (*divmod(found.st_ctime_ns, 10**9), *divmod(found.st_mtime_ns, 10**9))
        now = (*times, found.st_ino & _WORD, found.st_size & _WORD)
        return kind and executable and self.seen == now


@dataclass(frozen=True)
class Index:
    """The entries by their paths, and when the file was written, in seconds."""

    entries: dict[bytes, Entry]
    written_at: int

    def is_racy(self, entry: Entry) -> bool:
        """Say whether a change may have left no trace. https://git-scm.com/docs/racy-git"""
        return entry.seen[2] >= self.written_at


def read_index(path: Path, *, hash_size: int) -> Index | None:
    """Return a small index whose hashes have so many bytes; None for one that git has to read. Raises `OSError`."""
    with nolinks.reading(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        found = os.fstat(descriptor)
        content = file.read(LARGEST + 1)
    if len(content) < _HEADER.size or len(content) > LARGEST:
        return None
    magic, version, count = _HEADER.unpack_from(content)
    if magic != _MAGIC or version != _VERSION:
        return None
    entries = _entries(content, count, hash_size=hash_size)
    return None if entries is None else Index(entries, int(found.st_mtime))


def _entries(content: bytes, count: int, *, hash_size: int) -> dict[bytes, Entry] | None:
    entries: dict[bytes, Entry] = {}
    at = _HEADER.size
    flags_at = _STAT.size + hash_size
    name_at = flags_at + _FLAGS.size
    for _ in range(count):
        if at + name_at > len(content) or _FLAGS.unpack_from(content, at + flags_at)[0] & ~_NAME:
            return None
        seen = _STAT.unpack_from(content, at)
        end = content.find(b"\0", at + name_at)
        if end < 0:
            return None
        entries[content[at + name_at : end]] = Entry(seen[6], (*seen[:4], seen[5], seen[9]))
        # One to eight zeros follow.
        at += (end - at + _ALIGNED) // _ALIGNED * _ALIGNED
    return entries
