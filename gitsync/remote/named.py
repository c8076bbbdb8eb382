"""One ref, by a name that may be a short one; and which one somebody may have meant whose name is not there.

Called by the worker's thread; `full_names` is a pure function.
"""

import re
from collections.abc import Sequence
from typing import Final

from gitsync.base.errors import GitCancelled, GitError, RefNotFound
from gitsync.base.log import Logger
from gitsync.base.printable import printable_name
from gitsync.config import is_full_hash
from gitsync.remote.likely import SHOWN, Names, nearest, shown
from gitsync.remote.listing import PEELED, Listing, by_line
from gitsync.remote.target import Target

_KINDS: Final = ("--heads", "--tags")
_LISTED: Final = ("refs/heads/", "refs/tags/")
_SYMBOLIC: Final = "ref: "
# A part of a hash of 40 or 64 digits.
_ABBREVIATED: Final = re.compile(r"[0-9a-f]{7,39}|[0-9a-f]{41,63}", re.IGNORECASE)
_WHOLE: Final = (
    "check --ref: of a commit the whole hash is needed, all 40 characters (64 with SHA-256), as a remote cannot be "
    "asked for an abbreviated one"
)
_EMPTY: Final = "push a commit; or does --repo name a page about the repository, and not the repository itself?"
# Of so many names one may be meant.
_MOST: Final = 100_000


def full_names(ref: str) -> list[str]:
    """Return the full names that a ref may mean, in git's order. https://git-scm.com/docs/gitrevisions"""
    if ref == "HEAD":
        return [ref]
    full = [ref] if ref.startswith("refs/") else []
    return [*full, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"]


class Named:
    """The ref that `--ref` names."""

    def __init__(self, ref: str, log: Logger) -> None:
        self._ref = ref
        self._log = log
        self._names = full_names(ref)
        # The server sends all refs of these kinds, whatever names are asked for. Of pull requests there may be many.
        self._kinds: Sequence[str] = () if ref == "HEAD" else _KINDS

    @property
    def prefixes(self) -> Sequence[str]:
        """What the names that count begin with."""
        return [name for name in self._names if name.startswith(_LISTED)] if self._kinds else self._names

    def look(self) -> "_Look":
        """Return what looks for it in one answer."""
        return _Look(self.prefixes, self._log)

    def find(self, listing: Listing, *, deadline: float) -> Target:
        """Ask git until the deadline (monotonic seconds); raise `RefNotFound` or `GitError`."""
        found = self._ask(listing, deadline)
        if not found and self._kinds:
            # It may be of another kind; if so, it is looked for among all from now on.
            kinds, self._kinds = self._kinds, ()
            found = self._ask(listing, deadline)
            self._kinds = () if found else kinds
        if not found:
            raise self._missing(listing, deadline)
        return found

    def is_older(self, ref: str, *, than: str) -> bool:
        """Say whether another ref is an older version, which of names that are one ref cannot be said."""
        return False

    def _ask(self, listing: Listing, deadline: float) -> Target | None:
        look = self.look()
        names = self._names
        patterns = names if names == ["HEAD"] else [part for name in names for part in (name, f"{name}{PEELED}")]
        listing.ask(by_line(look.take), options=["--symref", *self._kinds], patterns=patterns, deadline=deadline)
        return look.found()

    def _missing(self, listing: Listing, deadline: float) -> RefNotFound:
        """Return the error for a ref that is not there, with those that may be meant; raise `GitCancelled`."""
        message = f"git ls-remote ({listing.url}): the remote has no ref {self._ref!r}"
        if _ABBREVIATED.fullmatch(self._ref):
            return RefNotFound(message, hint=_WHOLE)
        names = Names(most=_MOST)
        kinds = ["--heads"] if self._ref == "HEAD" else _KINDS
        try:
            # Only now, as there may be many.
            listing.ask(by_line(names.take), options=[*kinds, "--refs"], deadline=deadline)
        except GitCancelled:
            raise
        except GitError:
            # What the remote has said before is true nevertheless.
            return RefNotFound(message)
        if not names.count:
            return RefNotFound(f"{message}; the repository may be empty", hint=_EMPTY)
        if self._ref != "HEAD":
            return RefNotFound(message, hint=_meant(self._ref, names.kept))
        return RefNotFound(
            f"{message}: it names a branch that is not there",
            hint=f"use --ref, with a branch such as {shown(names.kept)}",
        )


def _meant(ref: str, names: Sequence[str]) -> str:
    """Say which of the names somebody may have meant."""
    near = nearest(ref, names, most=SHOWN)
    if near:
        return f"check --ref: did you mean {shown(near)}?"
    return f"check --ref: a full ref name, a tag, a branch or a full commit hash; there are such as {shown(names)}"


class _Look:
    """Looks for names in one answer; the first of them counts that is there."""

    def __init__(self, names: Sequence[str], log: Logger) -> None:
        self._names = names
        self._log = log
        self._hashes: dict[str, str] = {}
        self._symbolic: dict[str, str] = {}

    def take(self, value: str, name: str) -> None:
        """Take a line."""
        if name.removesuffix(PEELED) not in self._names:
            return
        if is_full_hash(value):
            self._hashes[name] = value
        elif value.startswith(_SYMBOLIC):
            # It is shown, in logs and as a label, and leads nowhere.
            self._symbolic[name] = printable_name(value.removeprefix(_SYMBOLIC))

    def found(self) -> Target | None:
        """Return what the first of the names leads to that the remote has, None if it has none of them."""
        present = [name for name in self._names if name in self._hashes]
        if not present:
            return None
        name, *others = present
        if others:
            self._log.warning("ambiguous_ref", v=1, taken=name, others=others)
        commit = self._hashes.get(f"{name}{PEELED}", self._hashes[name])
        return Target(hash=commit, ref=self._symbolic.get(name, name), source=name)
