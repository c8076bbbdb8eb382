"""Collects the garbage of stores, as most of what a fetch brings is garbage one update later.

Called by the worker's thread.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.programs.gitcmd import Git, Place

# Holds the size of the store, in bytes, when all garbage was last collected.
_SIZE: Final = "gitsync-size"
# No volume has more of them.
_BYTES: Final = re.compile("[0-9]{1,18}")
# Below these numbers, and these bytes, collecting garbage costs more than it saves.
_MANY_PACKS: Final = 20
_MANY_LOOSE: Final = 5000
_MUCH: Final = 16 * 1024 * 1024
_GC: Final = {
    "always": ["gc", "--prune=now"],
    "aggressive": ["gc", "--prune=now", "--aggressive"],
    "auto": ["-c", "gc.auto=6700", "gc", "--prune=now", "--auto"],
}
# Joins loose objects and small packs, and leaves large packs alone. https://git-scm.com/docs/git-repack
_JOIN: Final = ["repack", "-d", "--geometric=2"]
# What servers send is compressed well, and of a store without history most is gone soon: looking for better deltas
# costs seven times as much as writing the pack. https://git-scm.com/docs/git-pack-objects
_AS_IT_IS: Final = ["-c", "pack.window=0"]


def collect(store: Path, mode: str, git: Git, *, deadline: float, idle: bool) -> None:
    """Collect the garbage of a store as `--git-gc` says, if there is enough of it; raise `GitError`.

    All of the store is written anew only when it has grown to twice its size, so that costs follow the changes. Of
    history that is wanted whole next to nothing is garbage, so its many small packs are only joined.
    """
    command = _GC.get(mode)
    if command is None:
        return

    def run(*arguments: str) -> str:
        return git.run(arguments, deadline=deadline, place=Place(store=store), idle=idle).stdout

    stock = _Stock.read(run("count-objects", "-v"))
    grown = stock.size > 2 * _size_before(store, stock.size) + _MUCH
    if not (mode == "auto" or grown or stock.packs > _MANY_PACKS or stock.loose > _MANY_LOOSE):
        return
    shallow = nolinks.exists(store / "shallow")
    if mode == "always" and not (shallow or grown or _is_partial(store)):
        run(*_JOIN, "--quiet")
        return
    run("-c", "gc.worktreePruneExpire=never", *(_AS_IT_IS if shallow and mode == "always" else []), *command, "--quiet")
    nolinks.write(store / _SIZE, str(_Stock.read(run("count-objects", "-v")).size))


def drop_unfinished(store: Path) -> None:
    """Remove what has come of a fetch that was refused."""
    for path in nolinks.entries(store / "objects" / "pack"):
        if path.name.startswith("tmp_"):
            nolinks.remove(path)


@dataclass(frozen=True)
class _Stock:
    """How many packs and loose objects there are, and their bytes."""

    packs: int
    loose: int
    size: int

    @classmethod
    def read(cls, text: str) -> "_Stock":
        """Read what git tells of a store. https://git-scm.com/docs/git-count-objects: sizes are in KiB."""
        found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        packs, loose, *sizes = (int(found.get(name, "0")) for name in ("packs", "count", "size", "size-pack"))
        return cls(packs, loose, sum(sizes) * 1024)


def _size_before(store: Path, size: int) -> int:
    """Return the bytes of the store when garbage was last collected, or when it was first looked at."""
    text = nolinks.read(store / _SIZE) or ""
    if not _BYTES.fullmatch(text):
        nolinks.write(store / _SIZE, str(size))
        return size
    return int(text)


def _is_partial(store: Path) -> bool:
    """Say whether objects are missing on purpose, which older versions cannot join packs with."""
    return any(path.suffix == ".promisor" for path in nolinks.entries(store / "objects" / "pack"))
