"""One of several refs: of those that a pattern, a range of versions, or both allow, the newest by its version.

Called by the worker's thread; `wants` by HTTP threads as well.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from gitsync.base.errors import RefNotFound
from gitsync.base.ranges import read_range
from gitsync.config import RefConfig, is_full_hash, is_ref_name
from gitsync.remote.likely import SHOWN, Names, nearest, shown
from gitsync.remote.listing import PEELED, Listing, lines_of
from gitsync.remote.target import Target
from gitsync.remote.versions import order

_TAGS: Final = "refs/tags/"
_BRANCHES: Final = "refs/heads/"
# The option of git for refs of a kind alone, and what people call them.
_KINDS: Final = {_TAGS: ("--tags", "tags"), _BRANCHES: ("--heads", "branches")}
_WILD: Final = re.compile(r"[*?\[]")
# Longer names could not be shown.
_LONGEST: Final = 255
# So many names are compared with a pattern that none of them matches.
_MOST: Final = 1000


@dataclass(frozen=True)
class _Best:
    """The newest so far: what sorts it, its name, and what it leads to."""

    rank: tuple[Any, ...]
    name: str
    commit: str


# A block of an answer, as a digest, and the newest before it.
_Block = tuple[bytes, _Best | None]


class Choice:
    """The refs that count, and which of two is the newer one."""

    def __init__(self, followed: RefConfig) -> None:
        self._followed = followed
        self._globs = [_Glob(pattern) for pattern in _full_patterns(followed.ref_pattern)]
        self._range = read_range(followed.ref_semver) if followed.ref_semver else None
        prefixes = [glob.prefix for glob in self._globs]
        kinds = [kind for kind in _KINDS if any(prefix.startswith(kind) for prefix in prefixes)]
        # Of another kind only among all.
        self._kinds = kinds if len(kinds) == len(prefixes) else []
        self.prefixes = prefixes
        self._blocks: Mapping[_Block, _Best] = {}

    def rank(self, name: str) -> tuple[Any, ...] | None:
        """Return what sorts a ref among those that count, the newest last; None if it does not count.

        A tag comes after any branch. What cannot be shown, or asked for, does not count.
        """
        for place, glob in enumerate(self._globs):
            version = glob.version_in(name)
            if version is not None and name.isprintable() and is_ref_name(name):
                within = self._range.rank(version) if self._range else ()
                return None if within is None else (-place, within, order(version))
        return None

    def is_older(self, ref: str, *, than: str) -> bool:
        """Say whether a ref is an older version than another one, both of which count."""
        one, other = self.rank(ref), self.rank(than)
        return one is not None and other is not None and one < other

    def look(self) -> "_Look":
        """Return what looks for the newest in one answer."""
        return _Look(self, self._blocks)

    def find(self, listing: Listing, *, deadline: float) -> Target:
        """Ask git until the deadline (monotonic seconds); raise `RefNotFound` or `GitError`."""
        look = self.look()
        listing.ask(look.take_block, options=[_KINDS[kind][0] for kind in self._kinds], deadline=deadline)
        self._blocks = look.blocks
        found = look.found()
        if found is None:
            raise self._missing(listing.url, look.names)
        return found

    def _missing(self, url: str, names: Names) -> RefNotFound:
        """Return the error where nothing matches: of how many, and of which."""
        kinds = " and ".join(_KINDS[kind][1] for kind in self._kinds) or "refs"
        message = (
            f"git ls-remote ({url}): none of the {names.count} {kinds} of the remote is in {self._followed.shown!r}"
        )
        pattern = self._followed.ref_pattern
        like = pattern and nearest(pattern, names.kept, most=SHOWN)
        such = like or sorted(names.kept, key=order, reverse=True)
        there = f"there are such as {shown(such)}" if such else "there are none"
        return RefNotFound(message, hint=f"check {self._followed.options}: {there}")


class _Glob:
    """A pattern for full names; no wildcard stands for a slash."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._slashes = pattern.count("/")
        self.prefix = _WILD.split(pattern, maxsplit=1)[0]
        # The end of it may be a part of the version.
        before = self.prefix.rstrip("0123456789.")
        self._begins = len(before) - before.endswith(("v", "V"))

    def version_in(self, name: str) -> str | None:
        """Return the version, which is all behind the fixed part of the pattern; None if the name does not match."""
        if not name.startswith(self.prefix) or name.count("/") != self._slashes:
            return None
        if len(name) > _LONGEST or not fnmatchcase(name, self._pattern):
            return None
        return name[self._begins :]


class _Look:
    """Looks for the newest in one answer, and keeps no more of it than a few names.

    What a block of an answer has made of the newest before it is known from the last time, as answers seldom change.
    """

    def __init__(self, choice: "Choice", known: Mapping[_Block, _Best]) -> None:
        self._choice = choice
        self._known = known
        self._best: _Best | None = None
        self.blocks: dict[_Block, _Best] = {}
        self.names = Names(most=_MOST)

    def take_block(self, block: bytes) -> None:
        """Take the next lines."""
        before = self._best
        key = (hashlib.sha256(block).digest(), before)
        self._best = self._known.get(key)
        if self._best is None:
            self._best = before
            for value, name in lines_of(block):
                self.take(value, name)
        if before and self._best:
            self.blocks[key] = self._best

    def take(self, value: str, name: str) -> None:
        """Take a line."""
        best = self._best
        if name.endswith(PEELED):
            # It comes after the tag.
            if best and name.removesuffix(PEELED) == best.name and is_full_hash(value):
                self._best = replace(best, commit=value)
            return
        if best is None:
            self.names.take(value, name)
        rank = self._choice.rank(name)
        if rank is not None and (best is None or rank > best.rank) and is_full_hash(value):
            self._best = _Best(rank, name, value)

    def found(self) -> Target | None:
        """Return the newest, None if none counts."""
        best = self._best
        return Target(hash=best.commit, ref=best.name, source=best.name) if best else None


def _full_patterns(pattern: str | None) -> list[str]:
    """Return the patterns for full names that one may mean, tags first as in git; versions alone are those of tags."""
    if pattern is None:
        return [f"{_TAGS}*"]
    return [pattern] if pattern.startswith("refs/") else [f"{_TAGS}{pattern}", f"{_BRANCHES}{pattern}"]
