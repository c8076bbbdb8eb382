"""What is noted of the files of a tree that are kept in LFS: which pointer the commit has in place of each content.

It lies beside the index. Called by the worker's thread.
"""

import contextlib
import hashlib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError
from gitsync.base.pointer import Pointer

# https://git-scm.com/docs/gitglossary#Documentation/gitglossary.txt-attr
IN_LFS: Final = ":(attr:filter=lfs)"
# What `git ls-files -t` calls a file that is in the tree, and not left out of it by sparse patterns.
IN_TREE: Final = b"H "
_NOTE: Final = "gitsync-pointers"
# Bytes, which are those of some 400,000 files.
_LIMIT: Final = 64 * 1024 * 1024
_SPLIT: Final = "keep fewer files in LFS, or publish a part of the repository (--subpath)"
_OID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Kept:
    """A file that is kept in LFS: the hash that git has of its pointer, and what that says."""

    blob: str
    pointer: Pointer

    def is_for(self, written: Path, file: Path) -> bool:
        """Say whether a file has the content, and may be run if what git has written in its place may be."""
        with contextlib.suppress(OSError):
            like, found = nolinks.status(written), nolinks.status(file)
            if like and found and stat.S_ISREG(found.st_mode) and found.st_size == self.pointer.size:
                with nolinks.reading(file) as descriptor, open(descriptor, "rb", closefd=False) as content:
                    same = hashlib.file_digest(content, "sha256").hexdigest() == self.pointer.oid
                return same and not (like.st_mode ^ found.st_mode) & stat.S_IXUSR
        return False


def read_pointers(metadata: Path) -> dict[str, Kept]:
    """Return the pointers of a tree by the paths of the files, none where none were noted."""
    text = nolinks.read(metadata / _NOTE, limit=_LIMIT)
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {path: Kept(row[0], Pointer(row[1], row[2])) for path, row in rows if _is_row(row)}


def write_pointers(metadata: Path, kept: Mapping[str, Kept]) -> None:
    """Note the pointers of a tree; raise `OSError`, or `CheckoutError` if these are too many."""
    text = json.dumps({path: [one.blob, one.pointer.oid, one.pointer.size] for path, one in kept.items()})
    if len(text) > _LIMIT:
        raise CheckoutError(f"too many files, {len(kept):,}, are kept in LFS", reason="too_large", hint=_SPLIT)
    nolinks.write(metadata / _NOTE, text)


def _is_row(row: object) -> bool:
    """Say whether a row is one that we have written: others may have done so."""
    if not isinstance(row, list) or len(row) != 3:
        return False
    blob, oid, size = row
    return isinstance(blob, str) and isinstance(oid, str) and bool(_OID.fullmatch(oid)) and isinstance(size, int)
