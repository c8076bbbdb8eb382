"""Fetches from a remote into a store that is ready for it. Called by the worker's thread."""

import contextlib
import re
from collections.abc import Iterator, Sequence
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
    # With a limit all that comes is one file, and nothing comes before git has read that there are no more refspecs.
    limited = ["-c", "fetch.unpackLimit=1", "fetch", "--stdin"] if store.largest else ["fetch"]
    command = [*limited, *_OPTIONS, *options, "--", "origin", *refspecs]
    with _saying_how_far(overheard):
        output = git.run(command, deadline=deadline, place=store, sinks=Sinks(errors=overheard))
    return bool(_FORCED.search(output.stderr))


def fetch_objects(git: Git, store: Place, hashes: Sequence[str], deadline: float, overheard: Overheard) -> None:
    """Fetch objects that a filter has left out, in one transfer, as git itself does; raise as `fetch` does.

    https://git-scm.com/docs/partial-clone
    """
    # What we have says nothing about what was left out of it. Nothing comes before git has read all that is wanted.
    alone = ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--stdin", "--filter=blob:none"]
    sinks = Sinks(errors=overheard, feed="".join(f"{hash_}\n" for hash_ in hashes).encode())
    with _saying_how_far(overheard):
        git.run([*alone, *_OPTIONS, "--", "origin"], deadline=deadline, place=store, sinks=sinks)


@contextlib.contextmanager
def _saying_how_far(overheard: Overheard) -> Iterator[None]:
    try:
        yield
    except GitTimeout as error:
        if overheard.last:
            error.args = (f"{error}; it was at {overheard.last}",)
        raise
