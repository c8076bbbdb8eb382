"""What the remote has for what is followed, and how it is found among the refs of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the remote has: the hash to publish, the full name that the ref was resolved to, and what to fetch.

    `guessed` says that it is what the remote had before, and may have something else by now.
    """

    hash: str
    ref: str
    source: str
    pinned: bool = False
    guessed: bool = False


class Look(Protocol):
    """Looks for what is followed in one answer, line by line."""

    def take(self, value: str, name: str) -> None:
        """Take a line as `git ls-remote` has it: a hash and a name, which ends with `^{}` if it is a tag's commit.

        Of a symbolic ref the value is `ref: ` and what it means.
        """

    def found(self) -> Target | None:
        """Return what is followed, None if it was in no line."""


class Wanted(Protocol):
    """What is followed, as far as a question and its answer are concerned."""

    @property
    def prefixes(self) -> Sequence[str]:
        """What the names that count begin with."""

    def look(self) -> Look:
        """Return what looks for it in one answer."""
