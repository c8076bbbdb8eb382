"""Says in words how a repository is, for people. Pure functions."""

from dataclasses import dataclass
from typing import Final, Literal

from gitsync.telling.events import Failure
from gitsync.telling.status import RepoStatus

Level = Literal["good", "busy", "warning", "bad"]

# What the reasons of failures mean to somebody who looks at what is served.
REASONS: Final = {
    "auth": "the server refuses the login",
    "bad_answer": "what the server sends is no repository, or not a whole one",
    "bad_commit": "git cannot check the new commit out",
    "cancelled": "the last pass was ended",
    "connect": "the server cannot be reached",
    "corrupt": "the store is damaged, and is built anew",
    "credential": "the login cannot be had",
    "dns": "the name of the server cannot be resolved",
    "filesystem": "the volume fails",
    "gate": "the command before a publication refuses the new commit",
    "gate_changed_files": "the command before a publication has changed files of the commit",
    "git": "git fails",
    "git_missing": "there is no git",
    "hook": "a command or a call after a publication fails",
    "host_key": "the server has another key than the known one",
    "internal": "the last pass has met a mistake of ours",
    "lfs": "the content of a file that is kept in LFS cannot be had",
    "link_blocked": "something that is not ours is in the place of the link",
    "link_escapes": "a symbolic link of the new commit leads out of what is published",
    "locked": "another process works on the same root",
    "no_exchange": "the volume cannot replace a directory in one step",
    "no_locks": "the volume keeps no locks",
    "no_space": "the volume is full",
    "no_subpath": "the new commit has not the directory that is to be published",
    "not_found": "the server has no such repository, or does not show it to us",
    "out_of_memory": "git has no memory left",
    "paused": "somebody has paused it",
    "permission": "the volume does not let us write",
    "place_taken": "files that are not ours are in the place of those of the new commit",
    "rate_limited": "the server is asked too often",
    "ref_missing": "the remote has no such ref",
    "remote_error": "the server fails",
    "sparse_file": "the sparse patterns cannot be read",
    "submodule": "a submodule cannot be had",
    "timeout": "the server is silent, or too slow for the time that a pass has",
    "tls": "the certificate of the server is not trusted",
    "too_large": "the new commit is larger than the limits allow",
    "too_many_submodules": "there are too many submodules",
    "transport": "the URL is none that git may follow",
    "trees_held": "readers need all trees that there may be",
    "unverified": "what is to be published has no signature that counts",
}
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True)
class State:
    """How a repository is: one sentence, and how much it matters."""

    level: Level
    words: str


def state(snapshot: RepoStatus, *, found: bool, failure: Failure | None, now: float, clock: float) -> State:
    """Return how it is; `found` says whether consumers find a tree.

    `now` is in Unix seconds, and `clock` in monotonic ones: what is said of passes is true even if the former was set.
    """
    if snapshot.publication is None:
        if failure:
            return State("bad", f"nothing is published yet: {why(failure)}")
        return State("busy", "nothing is published yet: the first pass is under way")
    if not snapshot.trusted:
        told = f": {why(failure)}" if failure else ""
        return State("bad", f"what an earlier process has published is not verified yet{told}")
    if not found:
        told = f": {why(failure)}" if failure else ""
        return State("bad", f"what was published is not in place{told}")
    if snapshot.paused:
        return State("warning", f"paused for {age(now - snapshot.paused.since)}: what is published stays")
    confirmed = snapshot.confirmed
    serving = "serving what an earlier process has published"
    if confirmed is not None:
        serving = f"serving {age(clock - confirmed.clock)} old content"
    if failure:
        return State("bad" if snapshot.stale(clock) else "warning", f"{serving}: {why(failure)}")
    if confirmed is None:
        return State("busy", f"{serving}: the first pass is under way")
    if snapshot.stale(clock):
        return State("warning", f"{serving}: no pass has confirmed it since")
    return State("good", f"up to date, as the server has said {age(clock - confirmed.clock)} ago")


def why(failure: Failure) -> str:
    """Return what a reason means."""
    return REASONS.get(failure.reason, f"the last pass has failed ({failure.reason})")


def age(seconds: float) -> str:
    """Return a length of time as people say it, in the largest unit that fits; clocks may have been set back."""
    seconds = max(0.0, seconds)
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= 2 * length or (unit == "min" and seconds >= length):
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
