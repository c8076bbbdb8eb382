"""What a git command that failed says is wrong: the lines that tell it, and the reason that they amount to."""

import os
import re
import signal
from pathlib import Path
from typing import Final, Literal

from gitsync.base.errors import GitError, classify
from gitsync.base.redact import scrub
from gitsync.base.written import entries

# What a command was at work on.
Work = Literal["remote", "objects", "files"]
_MESSAGE_LIMIT: Final = 600
# Bytes and files: where git could not write, and does not say why, a volume with less is full. What git has written in
# vain may be gone by then.
_LITTLE: Final = 64e6
_FEW: Final = 16
# The lines of what git and ssh print that say what is wrong.
_TELLING: Final = re.compile(
    r"(fatal|error|remote|ssh):|host key verification failed|no \S+ host key is known|\S+: permission denied \("
    r"|warning: remote host identification|sha256:\S+$|load key |.*too many authentication|no user exists for uid"
    r"|timeout, server ",
    re.IGNORECASE,
)
# What a server and git tell of their progress, and of the refs that are fetched, whose names may be any words.
# https://git-scm.com/docs/pack-protocol#_packfile_data, https://git-scm.com/docs/git-fetch#_output
_PROGRESS: Final = re.compile(
    r"remote: (\w[\w ]{0,99}: +\d|Total \d)|(Receiving|Unpacking|Resolving) (objects|deltas): |From \S+$"
    r"| [ *+=!t-] \S.* -> "
)
# Git goes down directories by recursion, until its stack is at an end: at some thousands of levels in a checkout, at
# some ten thousands in the other git that has a look at what a fetch has brought. From 2.43 on it counts them before.
_CRASHED: Final = "error: rev-list died of signal 11"
_TOO_DEEP: Final = re.compile(rf"{_CRASHED}$|(fatal|error): exceeded maximum allowed tree depth$")
_CRASH: Final = "git has crashed (SEGV), as it does where directories lie in thousands of levels"
# What is said of this machine, if it is not the server that says it.
_OF_OURS: Final = frozenset({"corrupt", "filesystem", "no_space", "out_of_memory", "too_large"})


def failure(tried: str, stderr: str, status: int, *, url: str, store: Path | None, at: Work) -> GitError:
    """Return the error for a command that ended with this status; what it printed is scrubbed here.

    `url` is the remote that it was about, `store` what it has worked in. Only who is at work on files can complain of
    those of a commit.
    """
    from gitsync.programs.advice import advice  # here, because only a failure needs it

    text = scrub(stderr.strip())
    lines = [line.strip() for line in entries(text) if not _PROGRESS.match(line)]
    telling = [line.strip("@ ") for line in lines if _TELLING.match(line.lstrip("@ "))] or lines[-3:]
    ended = "ended by KILL, and not by us" if was_killed(status) else f"exit status {status}"
    summary = " | ".join(dict.fromkeys(telling))[:_MESSAGE_LIMIT] or ended
    summary = _CRASH if _has_crashed(status, at) or _CRASHED in lines else summary
    reason = _reason(lines, status, at)
    reason = "no_space" if reason == "filesystem" and store and _is_full(store) else reason
    return GitError(f"{tried}: {summary}", reason=reason, hint=advice(reason, url, summary))


def was_killed(status: int) -> bool:
    """Say whether a command was ended by KILL: where we do that ourselves its status is not looked at."""
    return status == -signal.SIGKILL


def _has_crashed(status: int, at: Work) -> bool:
    """Say whether a command has crashed on what there is, and not on what somebody has answered."""
    return status == -signal.SIGSEGV and at != "remote"


def _reason(lines: list[str], status: int, at: Work) -> str:
    if was_killed(status):
        return "out_of_memory"
    if any(map(_TOO_DEEP.match, lines)):
        return "bad_commit"
    if _has_crashed(status, at):
        # It may also be an index that is damaged, as git believes what it reads there. Objects it looks at closely.
        return "corrupt" if at == "files" else "bad_commit"
    reason = _classified(lines)
    return "git" if reason == "bad_commit" and at != "files" else reason


def _classified(lines: list[str]) -> str:
    reason = classify("\n".join(line for line in lines if not line.startswith("remote:")))
    if reason != "git":
        return reason
    reason = classify("\n".join(lines))
    # What the server says of its own repository does not mean that ours is damaged.
    return "remote_error" if reason in _OF_OURS else reason


def _is_full(volume: Path) -> bool:
    try:
        found = os.statvfs(volume)
    except OSError:
        return False
    # Some file systems have as many files as there is room for, and say 0 of both.
    return found.f_bavail * found.f_frsize < _LITTLE or (found.f_files > 0 and found.f_favail < _FEW)
