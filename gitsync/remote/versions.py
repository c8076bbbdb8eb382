"""The order of versions, as names of tags and branches have them. Pure functions.

A version is numbers between dots, with or without a `v` before them. What is behind a hyphen, or such as `rc1`, makes
it a pre-release, which comes before the release, as https://semver.org has it; anything else that follows (`.Final`,
`w`) comes after it. Numbers are compared as numbers, also in what follows, and all else as text. What does not begin
with a number is no version, and comes before all that are one, in the same natural order.
"""

import re
from typing import Final

_VERSION: Final = re.compile(r"[vV]?([0-9]+(?:\.[0-9]+)*)(.*)", re.DOTALL)
_EARLY: Final = re.compile(
    r"-.*|[._]?(?:a|alpha|b|beta|c|dev|pre|preview|rc)[._-]?[0-9]*(?:[+-].*)?", re.DOTALL | re.IGNORECASE
)
_PARTS: Final = re.compile(r"[0-9]+|[^0-9]+")
_DIGITS: Final = frozenset("0123456789")

# Whether it is a text, the length of a number, and what it is: Python refuses to read a number of thousands of digits.
_Part = tuple[bool, int, str]
Order = tuple[bool, tuple[_Part, ...], int, tuple[_Part, ...], str]


def order(name: str) -> Order:
    """Return what a name is sorted by; no two names have the same."""
    match = _VERSION.fullmatch(name)
    if not match:
        return (False, (), 0, _natural(name), name)
    numbers = [_part(number) for number in match[1].split(".")]
    while numbers and not numbers[-1][1]:
        # 1.0 is 1.0.0.
        del numbers[-1]
    rest = match[2]
    stage = 0 if _EARLY.fullmatch(rest) else 2 if rest and not rest.startswith("+") else 1
    return (True, tuple(numbers), stage, _natural(rest), name)


def _natural(text: str) -> tuple[_Part, ...]:
    return tuple(map(_part, _PARTS.findall(text)))


def _part(text: str) -> _Part:
    if text[0] not in _DIGITS:
        return (True, 0, text)
    number = text.lstrip("0")
    return (False, len(number), number)
