"""Whether the symbolic links of a commit, and those of its submodules, stay in what is published; with --symlinks.

They are read from git's objects, before any of them is checked out, and compared with what git has made of them before
that is published: of a tree with two entries of one name only git knows which of them counts. Called by the worker's
thread.
"""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError, GitError
from gitsync.base.printable import printable_name
from gitsync.base.redact import scrub
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import LARGEST, Records, Sinks
from gitsync.volume.escapes import EscapeError, TooManyError, Ways
from gitsync.volume.missing import complete
from gitsync.volume.recipe import Recipe
from gitsync.volume.store import Store

_MODE: Final = b"120000 "
# A commit with more links is made to fill our memory.
_MOST: Final = 100_000
# The system takes no longer target; git gives it what comes before the first NUL.
_LONGEST: Final = 4095
# What begins each object of `git cat-file --batch`. https://git-scm.com/docs/git-cat-file
_HEADER: Final = re.compile(rb"([0-9a-f]+) [a-z]+ ([0-9]+)\n")
_LONGEST_HEADER: Final = 200
_Links = tuple[tuple[bytes, bytes], ...]


class TooLongError(Exception):
    """An object is no target of a link, as that of `hash` has `size` bytes."""

    def __init__(self, hash_: str, size: int) -> None:
        super().__init__(hash_, size)
        self.hash = hash_
        self.size = size


class Targets:
    """Keeps the targets of links that git prints; a `Sink` that raises `TooLongError`."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0
        self.found: dict[str, bytes] = {}

    def add(self, part: bytes) -> None:
        """Take the next part; raise `OverflowError` if they are too much together, or what git never prints."""
        content, at = self._rest + part, 0
        while header := _HEADER.match(content, at):
            hash_, size = header[1].decode(), int(header[2])
            if size > _LONGEST:
                raise TooLongError(hash_, size)
            end = header.end() + size
            if end >= len(content):
                break
            # A line break follows.
            self.found[hash_], at = content[header.end() : end], end + 1
            self._size += size
        self._rest = content[at:]
        if self._size > LARGEST or len(self._rest) > _LONGEST + _LONGEST_HEADER:
            raise OverflowError

    def kept(self) -> bytes:
        """Return nothing, as it is found elsewhere."""
        return b""


class Symlinks:
    """The links of the tree that is to be made, as far as they are known."""

    def __init__(self, git: Git) -> None:
        self._git = git
        # None where links may lead anywhere.
        self._ways: Ways | None = None
        self._commit = ""
        self._nested = False
        # What commits hold does not change: most submodules are the same in the next tree.
        self._known: dict[str, _Links] = {}
        self._before: dict[str, _Links] = {}

    def begin(self, commit: str, recipe: Recipe, store: Store, *, deadline: float) -> None:
        """Look at the links of a commit that is to be checked out; raise as `add` does."""
        self._ways, self._commit, self._nested = Ways() if recipe.confined else None, commit, False
        self._before, self._known = self._known, {}
        if self._ways is None:
            return
        wanted = recipe.within(commit)
        links = self._remembered(wanted)
        if links is None:
            listed = self._list(wanted, store.place, deadline=deadline)
            if store.partial:
                complete(store, commit, recipe, self._git, deadline=deadline, among=set(listed.values()))
            links = self._read(listed, store.place, deadline=deadline)
        self._known[wanted] = links
        self._check(self._ways, links, b"")

    def add(self, commit: str, store: Place, *, within: PurePath, deadline: float) -> None:
        """Look at the links of a submodule, which is at a place of the tree, before it is checked out.

        Raises `CheckoutError` for one that leads out of the tree, or `GitError`.
        """
        if self._ways is None:
            return
        links = self._remembered(commit)
        if links is None:
            links = self._read(self._list(commit, store, deadline=deadline), store, deadline=deadline)
        self._known[commit] = links
        self._nested = True
        self._check(self._ways, links, os.fsencode(within) + b"/")

    def knows(self, commit: str) -> bool:
        """Say whether nothing of a commit has to be read for this."""
        return self._ways is None or self._remembered(commit) is not None

    def confirm(self, top: Path) -> None:
        """Make sure that the links of the tree that was made are those that were looked at; raise `CheckoutError`.

        Those of a submodule may have made a link of what was a directory to others, so they are followed once more.
        """
        if self._ways is None:
            return
        if self._nested:
            self._check(self._ways, (), b"", anew=True)
        for path, target in self._ways.all():
            place = top / os.fsdecode(path)
            found = nolinks.status(place)
            if found is None or stat.S_ISREG(found.st_mode):
                continue
            if not stat.S_ISLNK(found.st_mode) or nolinks.read_link(place) != os.fsdecode(target):
                raise _refused(f"{self._commit} has more than one entry at {_shown(path)}, which is a link")

    def _remembered(self, tree: str) -> _Links | None:
        return self._known.get(tree, self._before.get(tree))

    def _check(self, ways: Ways, links: Iterable[tuple[bytes, bytes]], prefix: bytes, *, anew: bool = False) -> None:
        try:
            for path, target in links:
                ways.add(prefix + path, target)
            ways.check(anew=anew)
        except EscapeError as error:
            link = f"a link at {_shown(error.path)} to {_shown(error.target)}"
            raise _refused(f"{self._commit} has {link}, which leads out of what is published") from None
        except TooManyError:
            raise _refused(f"{self._commit} has more links, or longer ones, than are looked through") from None

    def _list(self, tree: str, store: Place, *, deadline: float) -> dict[bytes, str]:
        """Return the hash of each link's target, by path."""
        listed = Records(b"\0", most=_MOST, wanted=_MODE)
        listing = ["ls-tree", "-r", "-z", "--full-tree", tree]
        raw = self._git.run(listing, deadline=deadline, place=store, sinks=Sinks(output=listed)).raw
        if listed.count > _MOST:
            raise _refused(f"{self._commit} has more than {_MOST:,} links")
        entries = (entry.partition(b"\t") for entry in raw.split(b"\0") if entry)
        return {path: words.split()[2].decode() for words, _, path in entries}

    def _read(self, listed: dict[bytes, str], store: Place, *, deadline: float) -> _Links:
        """Return path and target of links, as the system is given them."""
        if not listed:
            return ()
        targets, wanted = Targets(), dict.fromkeys(listed.values())
        sinks = Sinks(output=targets, feed="".join(f"{hash_}\n" for hash_ in wanted).encode())
        try:
            self._git.run(["cat-file", "--batch"], deadline=deadline, place=store, sinks=sinks)
        except TooLongError as error:
            path = next(path for path, hash_ in listed.items() if hash_ == error.hash)
            told = f"a link at {_shown(path)} with a target of {error.size:,} bytes, which is longer than any"
            raise _refused(f"{self._commit} has {told}") from None
        for hash_ in wanted.keys() - targets.found.keys():
            missing = GitError(f"git cat-file: missing blob {hash_}", reason="corrupt")
            missing.store = store.store
            raise missing
        return tuple((path, targets.found[hash_].partition(b"\0")[0]) for path, hash_ in listed.items())


def _refused(message: str) -> CheckoutError:
    return CheckoutError(f"the commit {message}", reason="link_escapes")


def _shown(path: bytes) -> str:
    """Return a path of others for a message: without secrets, on one line, and not too long."""
    return f"'{printable_name(scrub(os.fsdecode(path)))}'"
