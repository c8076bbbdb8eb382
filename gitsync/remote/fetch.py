"""Fetches from a remote into a store that is ready for it. Called by the worker's thread."""

from collections.abc import Sequence
from typing import Final

from gitsync.programs.gitcmd import Git, Place

# Nothing but what was asked for: no tags, no file that grows, no work that others do better, no submodules. Progress is
# for the connection: a server that tells of it while it counts objects is not taken for a silent one.
_OPTIONS: Final = (
    "--quiet",
    "--progress",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-gc",
    "--no-recurse-submodules",
    # A remote may be shallow itself. Without this git passes over its refs, and ends with 0.
    "--update-shallow",
)


def fetch(git: Git, store: Place, refspecs: Sequence[str], *, options: Sequence[str], deadline: float) -> None:
    """Run `git fetch` from the remote that the store's configuration names, until the deadline (monotonic seconds).

    Raises `GitError`.
    """
    git.run(["fetch", *_OPTIONS, *options, "--", "origin", *refspecs], deadline=deadline, place=store)
