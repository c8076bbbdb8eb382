"""Checks of git and of what it asks the remote: with the same git, logins and questions as in a pass."""

import contextlib
import os
import time
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import HINTS
from gitsync.checks.check import Found, NotNeededError, Subject
from gitsync.checks.volume import existing
from gitsync.config import STORE_DIRECTORY
from gitsync.programs.gitversion import ask_version
from gitsync.triggers.watched import local_path

_MEGA: Final = 1e6
# Bytes, whatever the file system says. stat(2)
_BLOCK: Final = 512
# A checkout beside the store, and the next one beside that.
_TIMES: Final = 3


def git(subject: Subject, deadline: float) -> Found:
    """Ask which git there is."""
    return Found(message=f"{subject.repo.git.git} {ask_version(subject.tools.git)}")


def login(subject: Subject, deadline: float) -> Found:
    """Read the files, and ask the servers, that logins come from."""
    credentials = subject.tools.credentials
    credentials.refresh(deadline=deadline)
    given = credentials.login_for(subject.repo.repo)
    ssh = subject.repo.auth.ssh
    if given:
        # A token may be either of them.
        return Found(message="a user and a password" if given[1].reveal() else "a user without a password")
    return Found(message=f"keys: {', '.join(map(str, ssh.key_file))}" if ssh.key_file else "no login is given")


def access(subject: Subject, deadline: float) -> Found:
    """See whether the server lets us in, and has the repository."""
    refs = subject.tools.remote.reach(deadline=deadline)
    return Found(message="the server lets us in" if refs else "the server lets us in; HEAD leads nowhere there")


def ref(subject: Subject, deadline: float) -> Found:
    """Resolve the ref."""
    target = subject.tools.remote.probe(deadline=deadline)
    if target.pinned:
        return Found(message=f"{target.hash} is pinned; whether the server hands it out, the first fetch shows")
    return Found(message=f"{target.ref} is at {target.hash}")


def size(subject: Subject, deadline: float) -> Found:
    """Say how large it is, where that can be told without a fetch: git's protocol has no word for it."""
    store = existing(subject.repo.work) / STORE_DIRECTORY
    local = local_path(subject.repo.repo)
    source, what = (store, "is here already") if nolinks.is_directory(store) else (local, "on this machine")
    if source is None:
        raise NotNeededError("a server does not tell it before a fetch; /status shows how far that is")
    taken = _disk_use(source, deadline)
    volume = os.statvfs(existing(subject.repo.work))
    short = taken * _TIMES > volume.f_bavail * volume.f_frsize
    return Found(message=f"{taken / _MEGA:.0f} MB, {what}", cure=HINTS["no_space"] if short else None)


def _disk_use(directory: Path, deadline: float) -> int:
    """Return the bytes that files take; raise `NotNeededError` where counting takes too long."""
    total = 0
    for parent, _, names in os.walk(directory):
        if time.monotonic() >= deadline:
            raise NotNeededError("there are too many files to count them")
        for name in names:
            # Somebody may be at work there.
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).lstat().st_blocks * _BLOCK
    return total
