"""The door for ranges of versions, as npm has them, and others after it: https://github.com/npm/node-semver#ranges

Versions are those of https://semver.org; the library, which knows no ranges, reads and compares them. It is imported
where a range is given. Pure functions.
"""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from semver import Version

_USE: Final = "use a range of versions such as >=1.2 <2, ~1.4, ^2 or 1.x"
_OR: Final = "||"
# `1.2 - 2.3` is from the one to the other.
_TO: Final = re.compile(r"(\S+)\s+-\s+(\S+)")
_NUMBER: Final = r"(\d{1,15}|[xX*])"
_COMPARATOR: Final = re.compile(
    rf"([<>]=?|=|~>?|\^)?\s*v?{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}(-[\w.-]+)?(?:\+[\w.-]+)?)?)?(?:\s*,\s*(?=\S)|\s+|$)",
    re.ASCII,
)
_NUMBERS: Final = 3
# What a sign means before a whole version.
_EXACT: Final = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt}
_Bound = tuple[Callable[[Any, Any], bool], "Version"]


@dataclass(frozen=True)
class _Set:
    """Bounds that all have to hold, and the releases of which pre-releases may count."""

    bounds: tuple[_Bound, ...]
    named: frozenset[tuple[int, ...]]

    def has(self, version: "Version") -> bool:
        if version.prerelease and version.to_tuple()[:_NUMBERS] not in self.named:
            return False
        return all(holds(version, bound) for holds, bound in self.bounds)


@dataclass(frozen=True)
class Range:
    """A range that was read."""

    sets: tuple[_Set, ...]

    def rank(self, written: str) -> "Version | None":
        """Return a version, to be compared with others, if it is one, with or without a `v`, and in the range; or None.

        Minor and patch may be missing. A pre-release is in it only if the range names one of the same release.
        """
        from semver import Version

        try:
            version = Version.parse(written.removeprefix("v"), optional_minor_and_patch=True)
        except ValueError:
            return None
        return version if any(each.has(version) for each in self.sets) else None


def read_range(written: str) -> Range:
    """Return the range that is written; raise `ValueError` with what to write instead."""
    return Range(tuple(_read_set(part.strip()) for part in written.split(_OR)))


def _read_set(written: str) -> _Set:
    if ends := _TO.fullmatch(written):
        written = f">={ends[1]} <={ends[2]}"
    bounds: list[_Bound] = []
    named: set[tuple[int, ...]] = set()
    for match in _comparators(written):
        sign, *parts, prerelease = match.groups()
        numbers = [int(part) for part in takewhile(lambda part: part not in {None, "x", "X", "*"}, parts)]
        bounds += _bounds(sign or "=", numbers, prerelease or "")
        if prerelease and len(numbers) == _NUMBERS:
            named.add(tuple(numbers))
    return _Set(tuple(bounds), frozenset(named))


def _comparators(written: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(written) or not written:
        match = _COMPARATOR.match(written, at)
        if not match:
            raise ValueError(_USE)
        yield match
        at = match.end()


def _bounds(sign: str, numbers: Sequence[int], prerelease: str) -> list[_Bound]:
    """Return what a comparator means; of its version only the numbers that it begins with may be given."""
    if not numbers and sign in {"<", ">"}:
        raise ValueError(_USE)
    if not numbers:
        return []
    if len(numbers) == _NUMBERS and sign in _EXACT:
        return [(_EXACT[sign], _version(numbers, prerelease))]
    from_here = (operator.ge, _version(numbers, prerelease if len(numbers) == _NUMBERS else ""))
    last = len(numbers) - 1
    match sign:
        case "<":
            return [(operator.lt, _version(numbers, "-0"))]
        case "<=":
            return [(operator.lt, _after(numbers, last))]
        case ">":
            return [(operator.ge, _after(numbers, last).replace(prerelease=None))]
        case ">=":
            return [from_here]
        case "^":
            changing = next((place for place, number in enumerate(numbers) if number), last)
        case "=":
            changing = last
        case _:
            changing = min(1, last)
    return [from_here, (operator.lt, _after(numbers, changing))]


def _after(numbers: Sequence[int], place: int) -> "Version":
    """Return what comes before all versions, pre-releases among them, whose number at a place is the next one."""
    return _version([*numbers[:place], numbers[place] + 1], "-0")


def _version(numbers: Sequence[int], prerelease: str) -> "Version":
    """Return a version, in which missing numbers are 0; raise `ValueError`."""
    from semver import Version

    written = ".".join(map(str, [*numbers, 0, 0][:_NUMBERS]))
    try:
        return Version.parse(f"{written}{prerelease}")
    except ValueError:
        raise ValueError(_USE) from None
