"""Asks git for the refs of a remote, and hands its answer on as it comes. Called by the worker's thread."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import Head, Sinks

# Asking for refs needs no repository. git would look for one, in every directory above, and read its configuration.
_NOWHERE: Final = Place(git_dir=Path(os.devnull))
# How git calls what a tag leads to.
PEELED: Final = "^{}"
# Bytes: of a block, at least, and of the beginning that is for the log; a frame of the protocol holds no more.
_BLOCK: Final = 65536


class Listing:
    """The refs of one remote, as git is told of them."""

    def __init__(self, url: str, git: Git) -> None:
        self.url = url
        self._git = git

    def ask(
        self,
        take: Callable[[bytes], None],
        *,
        options: Sequence[str] = (),
        patterns: Sequence[str] = (),
        deadline: float,
    ) -> None:
        """Call `take` with blocks of whole lines of what git lists until the deadline (monotonic seconds).

        The same answer comes in the same blocks each time. Raises `GitError`.
        """
        blocks = _Blocks(take)
        command = ["ls-remote", "--quiet", *options, "--", self.url, *patterns]
        self._git.run(command, deadline=deadline, place=_NOWHERE, sinks=Sinks(output=blocks))
        blocks.finish()


def lines_of(block: bytes) -> Iterator[tuple[str, str]]:
    """Yield value and name of each line; bytes of a name that are no text are surrogates, as in names of files."""
    for line in block.decode(errors="surrogateescape").split("\n"):
        value, tab, name = line.partition("\t")
        if tab:
            yield value, name


def by_line(take: Callable[[str, str], None]) -> Callable[[bytes], None]:
    """Return what takes blocks for what takes lines."""

    def take_block(block: bytes) -> None:
        for value, name in lines_of(block):
            take(value, name)

    return take_block


class _Blocks:
    """Hands on an output in blocks of lines, however long it is, and keeps the beginning."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._rest = b""
        self._head = Head(_BLOCK)

    def add(self, part: bytes) -> None:
        """Take the next part; a line that never ends raises `OverflowError`."""
        self._head.add(part)
        self._rest += part
        while end := self._rest.find(b"\n", _BLOCK) + 1:
            block, self._rest = self._rest[:end], self._rest[end:]
            self._take(block)
        if len(self._rest) > 3 * _BLOCK:
            raise OverflowError

    def finish(self) -> None:
        """Hand on what is left."""
        self._take(self._rest)

    def kept(self) -> bytes:
        """Return the beginning of all that was printed."""
        return self._head.kept()
