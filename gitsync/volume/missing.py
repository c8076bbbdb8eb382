"""Fetches at once what a filter has left out, before git looks at it: that would fetch it bit by bit, without a limit.

Called by the worker's thread.
"""

import functools
import sys
from collections.abc import Collection
from typing import Final

from gitsync.programs.gitcmd import Git
from gitsync.programs.process import Records, Sinks
from gitsync.remote.fetch import fetch_objects
from gitsync.volume.recipe import Recipe
from gitsync.volume.store import Store

_ABSENT: Final = b"?"


def complete(
    store: Store, commit: str, recipe: Recipe, git: Git, *, deadline: float, among: Collection[str] | None = None
) -> None:
    """Fetch the files that a tree of the commit needs, those `among` these hashes if they are given; raise `GitError`.

    Directories are there.
    """
    absent = _absent(store, commit, recipe.needed, git, deadline=deadline)
    if among is not None:
        absent = [hash_ for hash_ in absent if hash_ in among]
    if absent:
        store.transfer(functools.partial(fetch_objects, git, store.place, absent, deadline))


def _absent(store: Store, commit: str, paths: list[str], git: Git, *, deadline: float) -> list[str]:
    """Return the hashes of the objects that are not there. https://git-scm.com/docs/git-rev-list"""
    found = Records(b"\n", most=sys.maxsize, largest=sys.maxsize, wanted=_ABSENT)
    listing = ["--literal-pathspecs", "rev-list", "--objects", "--no-walk", "--missing=print", f"{commit}^{{tree}}"]
    # Not of the commit itself: one that has changed nothing at these paths has none to git.
    git.run([*listing, "--", *paths], deadline=deadline, place=store.place, sinks=Sinks(output=found))
    return [line.decode() for line in found.kept().replace(_ABSENT, b"").splitlines()]
