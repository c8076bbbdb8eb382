"""What differs between commits that follow one another, as far as it is known without asking git again.

A tree is brought from the commit before the published one to the one after it, while consumers see the published one
replaced: of the three differences two are known by then, and the third follows. Called by the worker's thread.
"""

from collections.abc import Sequence
from typing import Final

# Path -> what is there before and after: mode and hash, as git writes them.
Changes = dict[str, tuple[str, str]]

# So many are remembered; of more than these all files are looked at anyway.
_MOST: Final = 2000
# Differences are remembered of so many pairs.
_PAIRS: Final = 4


def parse_raw(records: Sequence[str]) -> Changes:
    """Return the changes that `git diff-tree` and `git diff-index` print with `--raw -z`; raise `ValueError`.

    https://git-scm.com/docs/git-diff-index#_raw_output_format
    """
    changes: Changes = {}
    for about, path in zip(records[::2], records[1::2], strict=True):
        before_mode, after_mode, before, after, _ = about.removeprefix(":").split(" ")
        changes[path] = (f"{before_mode} {before}", f"{after_mode} {after}")
    return changes


class ChangeLog:
    """The differences between a few pairs of commits."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Changes] = {}

    def note(self, before: str, after: str, changes: Changes) -> None:
        """Remember what differs between two commits."""
        if len(changes) <= _MOST:
            self._known.pop((before, after), None)
            self._known[before, after] = changes
            while len(self._known) > _PAIRS:
                del self._known[next(iter(self._known))]

    def between(self, before: str, after: str) -> Changes | None:
        """Return what differs between two commits, if that is known or follows from what is; None if it does not."""
        if (before, after) in self._known:
            return self._known[before, after]
        for (start, middle), first in self._known.items():
            second = self._known.get((start, after)) if middle == before else None
            if second is not None:
                found = _following(first, second)
                self.note(before, after, found)
                return found
        return None


def _following(first: Changes, second: Changes) -> Changes:
    """Return the changes from where the first ones have led to where the second ones lead, from the same start."""
    found: Changes = {}
    for path in first.keys() | second.keys():
        start = first[path][0] if path in first else second[path][0]
        before = first[path][1] if path in first else start
        after = second[path][1] if path in second else start
        if before != after:
            found[path] = (before, after)
    return found
