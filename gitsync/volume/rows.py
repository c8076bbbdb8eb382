"""Lists that a tree keeps in its metadata, where others may have written them: what does not fit is passed over.

Called by the worker's thread.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from gitsync.base import nolinks

_LIMIT: Final = 4 * 1024 * 1024


def write_rows(path: Path, rows: Sequence[object]) -> None:
    """Write a list; raise `OSError`."""
    nolinks.write(path, json.dumps(rows))


def read_rows(path: Path, fits: Callable[[object], bool]) -> list[Any]:
    """Return the rows of a list that fit, none if there is no such file."""
    text = nolinks.read(path, limit=_LIMIT)
    try:
        rows = json.loads(text) if text else []
    except (ValueError, RecursionError):
        rows = []
    return [row for row in rows if fits(row)] if isinstance(rows, list) else []


def is_inside(row: object) -> bool:
    """Say whether a row is a path within the tree."""
    path = PurePosixPath(row) if isinstance(row, str) else PurePosixPath()
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
