"""What stands in a repository for a file that is kept in LFS: the hash of its content, and how large that is.

A value, for any thread. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer
"""

import re
from dataclasses import dataclass
from typing import Final

# No pointer is larger, in bytes.
LARGEST: Final = 1024
# With nothing but these three lines: what others mean, only a program knows that the repository would name.
_FORM: Final = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\r?\noid sha256:([0-9a-f]{64})\r?\nsize ([0-9]{1,15})\r?\n?"
)


@dataclass(frozen=True)
class Pointer:
    """The SHA-256 of a content in hexadecimal digits, and its bytes."""

    oid: str
    size: int

    @classmethod
    def parse(cls, text: str) -> "Pointer | None":
        """Return the pointer that a file is, None if it is none."""
        found = _FORM.fullmatch(text)
        return cls(found[1], int(found[2])) if found else None

    @property
    def text(self) -> str:
        """What git-lfs writes for it."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n"
