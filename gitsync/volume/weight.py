"""What a tree weighs: its files, and those of its submodules, are counted before any of them is checked out.

What counts is what the commits hold: a link is as large as its target is long. Files that are kept in LFS come on top,
if their content is published. Called by the worker's thread.
"""

import re
from dataclasses import dataclass
from typing import Final

from gitsync.base.errors import CheckoutError
from gitsync.config import Limits
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import Sinks
from gitsync.volume.missing import complete
from gitsync.volume.recipe import Recipe
from gitsync.volume.store import Store

# An entry of `git ls-tree -z`, with its size or without; submodules have none. https://git-scm.com/docs/git-ls-tree
_FILE: Final = re.compile(rb"[0-9]{6} blob [0-9a-f]+ *([0-9]*)\t[^\0]+\0")
# No path is this long.
_LONGEST: Final = 1024 * 1024
# The system takes no longer one, and to find that out at the checkout costs git memory that grows with its square.
_LONGEST_PATH: Final = 4095
# What is so many times over a limit is not counted to its end: a few objects may say that there are billions of files.
_ENOUGH: Final = 10


@dataclass(frozen=True)
class Sum:
    """So many files, of so many bytes together; `whole` says that these are all."""

    files: int = 0
    size: int = 0
    whole: bool = True

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.files + other.files, self.size + other.size, self.whole and other.whole)


class EnoughError(Exception):
    """There is no need to count on."""


class Counter:
    """Adds up what git lists; a `Sink` that raises `EnoughError` at what is far beyond the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._rest = b""
        self.files = self.size = 0

    def add(self, part: bytes) -> None:
        """Take the next part; raise `CheckoutError` for a path that nobody can make."""
        entries, end, self._rest = (self._rest + part).rpartition(b"\0")
        longest = max([self._rest, *entries.split(b"\0")], key=len).partition(b"\t")[2]
        if len(longest) > _LONGEST_PATH:
            raise CheckoutError("the commit has a path of more than 4,095 bytes", reason="bad_commit")
        if len(self._rest) > _LONGEST:
            raise OverflowError
        sizes = _FILE.findall(entries + end)
        self.files += len(sizes)
        self.size += sum(int(size or 0) for size in sizes)
        if _exceeds(self.files, self._limits.max_files, _ENOUGH) or _exceeds(self.size, self._limits.max_size, _ENOUGH):
            raise EnoughError

    def kept(self) -> bytes:
        """Return nothing, as names are of no use here."""
        return b""


class Weight:
    """The limits of one repository's trees, and what is counted of the tree that is to be made."""

    def __init__(self, limits: Limits, git: Git) -> None:
        self._limits = limits
        self._git = git
        self._sum = Sum()
        # What commits hold does not change: most submodules are the same in the next tree.
        self._known: dict[str, Sum] = {}
        self._before: dict[str, Sum] = {}

    def begin(self, commit: str, recipe: Recipe, store: Store, *, deadline: float) -> None:
        """Count the files of a commit that is to be checked out; raise as `add` does.

        What a filter has left out is fetched here, within the limits, where there are any of bytes.
        """
        self._sum = Sum()
        self._before, self._known = self._known, {}
        wanted = recipe.within(commit)
        if store.partial and (self._limits.max_size or self._limits.max_fetch):
            if self._limits.max_files:
                self._check(self._count(wanted, store.place, sized=False, deadline=deadline))
            complete(store, commit, recipe, self._git, deadline=deadline)
        self.add(wanted, store.place, deadline=deadline)

    def add(self, commit: str, store: Place, *, deadline: float) -> None:
        """Add the files of a submodule; raise `CheckoutError` if there is more than the limits allow, or `GitError`."""
        if not self._limited:
            return
        found = self._known.get(commit) or self._before.get(commit)
        if found is None:
            found = self._count(commit, store, sized=bool(self._limits.max_size), deadline=deadline)
        self._known[commit] = found
        self._sum += found
        self._check(self._sum)

    def add_contents(self, size: int) -> None:
        """Add the bytes of files that are kept in LFS, of which commits have pointers; raise `CheckoutError`."""
        self._sum += Sum(0, size)
        if self._limited:
            self._check(self._sum)

    def knows(self, commit: str) -> bool:
        """Say whether nothing of a commit has to be looked at for this."""
        return not self._limited or commit in self._known or commit in self._before

    @property
    def _limited(self) -> bool:
        return bool(self._limits.max_files or self._limits.max_size)

    def _count(self, commit: str, store: Place, *, sized: bool, deadline: float) -> Sum:
        counter = Counter(self._limits)
        try:
            self._git.run(
                ["ls-tree", "-r", *(["-l"] if sized else []), "-z", "--full-tree", commit],
                deadline=deadline,
                place=store,
                sinks=Sinks(output=counter),
            )
        except EnoughError:
            return Sum(counter.files, counter.size, whole=False)
        return Sum(counter.files, counter.size)

    def _check(self, found: Sum) -> None:
        """Raise `CheckoutError` for what is beyond a limit."""
        for option, unit, count, most in (
            ("--max-files", "files", found.files, self._limits.max_files),
            ("--max-size", "bytes", found.size, self._limits.max_size),
        ):
            if _exceeds(count, most):
                told = "" if found.whole else "more than "
                raise CheckoutError(
                    f"the tree has {told}{count:,} {unit}, with those of submodules, and {option} allows {most:,}",
                    reason="too_large",
                    hint=f"raise {option} if this is meant to be published; until then, what was published stays",
                )


def _exceeds(count: int, most: int | None, times: int = 1) -> bool:
    return bool(most) and count > times * (most or 0)
