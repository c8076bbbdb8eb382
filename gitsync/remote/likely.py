"""Which refs somebody may have meant who has written one that is not there. Pure functions."""

import re
from collections.abc import Iterable
from typing import Final

# A remote may have any number of names of any length, and comparing two takes as long as the product of theirs.
_MOST: Final = 1000
_LONGEST: Final = 60
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
