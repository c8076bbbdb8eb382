"""Names for what is about to be a file, and reading what may be no file. Safe to call from any thread."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

TEMPORARY_SUFFIX: Final = ".gitsync-tmp"


def unique(prefix: str) -> str:
    """Return a file name that no other process or moment uses."""
    return f"{prefix}{secrets.token_hex(6)}"


def temporary_beside(path: Path) -> Path:
    """Return a hidden name beside `path`, for what is about to be renamed onto it."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")


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
