"""Which refs somebody may have meant who has written one that is not there."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from gitsync.base.printable import printable_name

# So many names are told.
SHOWN: Final = 3
# A remote may have any number of names of any length, and comparing two takes as long as the product of theirs.
_MOST: Final = 1000
_LONGEST: Final = 60
# A name that is longer would not be shown whole.
_SHOWN_WHOLE: Final = 255
_KIND: Final = re.compile(r"refs/(heads|tags)/")
# What clones call the branches of a remote.
_OF_CLONES: Final = re.compile(r"(refs/)?(remotes/)?(origin|upstream)/")


def short_name(name: str) -> str:
    """Return what people call a branch or a tag."""
    return _KIND.sub("", name, count=1)


def nearest(ref: str, names: Iterable[str], *, most: int) -> list[str]:
    """Return the names that are most like a ref, the best first; none where nothing is."""
    import difflib  # here, because only a mistake needs it

    written = short_name(_OF_CLONES.sub("", ref, count=1))[:_LONGEST]
    # A slip changes the length by little.
    known = sorted({name for name in names if len(name) <= _LONGEST}, key=lambda name: abs(len(name) - len(written)))
    by_case = {name.lower(): name for name in reversed(known[:_MOST])}
    return [by_case[name] for name in difflib.get_close_matches(written.lower(), by_case, n=most)]


def shown(names: Sequence[str]) -> str:
    """Return the first few names as they are told."""
    return ", ".join(map(printable_name, names[:SHOWN]))


class Names:
    """The names of an answer as people call them, the first so many of them, and how many there are."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self.count = 0
        self.kept: list[str] = []

    def take(self, value: str, name: str) -> None:
        """Take a line of `git ls-remote`."""
        self.count += 1
        if len(self.kept) < self._most and len(name) <= _SHOWN_WHOLE:
            self.kept.append(short_name(name))
