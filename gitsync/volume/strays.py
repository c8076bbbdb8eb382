"""What `git clean` leaves in a tree: repositories that somebody has made in its directories, and submodules.

Called by the worker's thread.
"""

import errno
from collections.abc import Collection
from pathlib import Path

from gitsync.base import nolinks


class UncleanError(OSError):
    """What others have put into a tree, or have done to it, keeps it from being brought to a commit."""


def remove_repositories(top: Path, kept: Collection[Path] = ()) -> None:
    """Empty the directories below `top` that have a `.git`, but for those of `kept`; raise `UncleanError`.

    What was tracked in them is for the next checkout to write again.
    """
    try:
        _remove_repositories(top, kept)
    except OSError as error:
        raise UncleanError(error.errno, error.strerror, str(top)) from error


def _remove_repositories(top: Path, kept: Collection[Path]) -> None:
    pending = [top]
    while pending:
        directory = pending.pop()
        found = nolinks.scan(directory)
        if directory != top and ".git" in found:
            empty(directory)
        else:
            inner = (directory / name for name, is_directory in found.items() if is_directory and name != ".git")
            pending += [path for path in inner if path not in kept]


def empty(directory: Path) -> None:
    """Remove all that is in a directory; raise `UncleanError` if something resists."""
    for path in nolinks.entries(directory):
        if not nolinks.remove(path):
            raise UncleanError(errno.ENOTEMPTY, "it cannot be removed", str(path))
