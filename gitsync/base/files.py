"""Names for what is about to be a file, and reading what may be no file. Safe to call from any thread."""

import os
import secrets
import stat
import time
from pathlib import Path
from typing import Final

TEMPORARY_SUFFIX: Final = ".gitsync-tmp"


def unique(prefix: str) -> str:
    """Return a file name that no other process or moment uses."""
    return f"{prefix}{secrets.token_hex(6)}"


def temporary_beside(path: Path) -> Path:
    """Return a hidden name beside `path`, for what is about to be renamed onto it."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")


def past_time(found: os.stat_result) -> float:
    """Return when a file was changed, as Unix time: anybody who may write there can have set any, which no date is."""
    return min(max(0.0, found.st_mtime), time.time())


def read_whole(path: Path, *, largest: int) -> bytes:
    """Return what a regular file holds, wherever links lead; raise `OSError`, `ValueError` if it is none, or larger."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    return content


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file of any kind: one that is no regular one could keep us waiting for ever."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def read_small(path: Path, *, limit: int = 65536) -> str | None:
    """Return the start of a regular file as text, None if there is none; a link is not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, limit).decode(errors="replace")
    except OSError:
        return None
    finally:
        os.close(descriptor)
