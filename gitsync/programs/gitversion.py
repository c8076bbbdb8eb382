"""Which git there is. Called by the main thread."""

import re
import time
from typing import Final

from gitsync.base.errors import GitSyncError
from gitsync.programs.gitcmd import Git

# Seconds.
_PATIENCE: Final = 10.0
_OLDEST: Final = (2, 34)


def ask_version(git: Git) -> str:
    """Return the version of git; raise `GitSyncError` if it is not there, or too old."""
    told = git.run(["version"], deadline=time.monotonic() + _PATIENCE).stdout.strip()
    found = re.search(r"(\d{1,9})\.(\d{1,9})\S*", told)
    if not found or (int(found[1]), int(found[2])) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise GitSyncError(f"{told!r} is too old", reason="git_missing", hint=f"install git {oldest} or newer")
    return found[0]
