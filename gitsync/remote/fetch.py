"""Fetches from a remote into a store that is ready for it. Called by the worker's thread."""

import re
from collections.abc import Sequence
from typing import Final

from gitsync.base.errors import GitTimeout
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import Sinks
from gitsync.remote.progress import Overheard

# Nothing but what was asked for: no tags, no file that grows, no work that others do better, no submodules. Progress is
# for people, and for the connection: a server that tells of it while it counts objects is not taken for a silent one.
_OPTIONS: Final = (
    "--progress",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-gc",
    "--no-recurse-submodules",
    # A remote may be shallow itself. Without this git passes over its refs, and ends with 0.
    "--update-shallow",
)

# https://git-scm.com/docs/git-fetch#_output; what the remote says stands behind `remote: `.
_FORCED: Final = re.compile(r"^ \+ .*\(forced update\)$", re.MULTILINE)


def fetch(
    git: Git,
    store: Place,
    refspecs: Sequence[str],
    *,
    options: Sequence[str],
    deadline: float,
    overheard: Overheard,
) -> bool:
    """Run `git fetch` from the remote that the store's configuration names, until the deadline (monotonic seconds).

    Says whether git has called it forced: as far as the history is here, it is not that of a step forward. Raises
    `GitError`; that of a fetch whose time is over says how far it was.
    """
    # All that comes is one file then, and nothing comes before git has read that there are no more refspecs.
    limited = ["-c", "fetch.unpackLimit=1", "fetch", "--stdin"] if store.largest else ["fetch"]
    command = [*limited, *_OPTIONS, *options, "--", "origin", *refspecs]
    try:
        output = git.run(command, deadline=deadline, place=store, sinks=Sinks(errors=overheard))
    except GitTimeout as error:
        if overheard.last:
            error.args = (f"{error}; it was at {overheard.last}",)
        raise
    return bool(_FORCED.search(output.stderr))
