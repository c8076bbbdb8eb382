"""What `git clean` and `git reset` leave in a tree: repositories that somebody has made in it, and empty directories.

Called by the worker's thread.
"""

import errno
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.base import nolinks
from gitsync.volume.changes import Changes

# The mode of what is not there.
_NOTHING: Final = "000000"


class UncleanError(OSError):
    """What others have put into a tree, or have done to it, keeps it from being brought to a commit."""


def tidy_up(top: Path, kept: Collection[Path] = ()) -> None:
    """Remove the directories below `top` that have a `.git` or no files, but for those of `kept`; raise `UncleanError`.

    What was tracked in them is for the next checkout to write again. It comes after the cleaning and before the reset:
    that removes a directory with its last file only if the file is there.
    """
    try:
        for directory in reversed(_without_files(top, kept)):
            nolinks.remove_empty(directory)
    except OSError as error:
        raise UncleanError(error.errno, error.strerror, str(top)) from error


def drop_emptied(top: Path, changes: Changes) -> None:
    """Remove the directories that have lost their last file, where git could not; raise `UncleanError` if they resist.

    git says nothing of that, and a consumer would see a directory that the commit has not.
    """
    lost = (PurePosixPath(path) for path, (_, after) in changes.items() if after.startswith(_NOTHING))
    directories = {directory for path in lost for directory in path.parents[:-1]}
    for directory in sorted(directories, key=lambda directory: len(directory.parts), reverse=True):
        place = top / directory
        # What is a path of the commit itself is the place of a submodule.
        if str(directory) not in changes and nolinks.is_directory(place) and not nolinks.entries(place):
            nolinks.remove_empty(place)
            if nolinks.exists(place):
                raise UncleanError(errno.ENOTEMPTY, "it cannot be removed", str(place))


def _without_files(top: Path, kept: Collection[Path]) -> list[Path]:
    """Return the directories that hold nothing but directories, outer ones first; remove those with a `.git`."""
    bare, pending = [], [top]
    while pending:
        directory = pending.pop()
        found = nolinks.scan(directory)
        if directory != top and ".git" in found:
            empty(directory)
            bare.append(directory)
            continue
        if directory != top and all(found.values()):
            bare.append(directory)
        inner = (directory / name for name, is_directory in found.items() if is_directory and name != ".git")
        pending += [path for path in inner if path not in kept]
    return bare


def has_empty(top: Path) -> bool:
    """Say whether a directory below `top` has nothing in it, other repositories aside; raise `OSError`."""
    pending = [top]
    while pending:
        directory = pending.pop()
        found = nolinks.scan(directory)
        if not found:
            return True
        if directory == top or ".git" not in found:
            pending += [directory / name for name, is_directory in found.items() if is_directory and name != ".git"]
    return False


def empty(directory: Path) -> None:
    """Remove all that is in a directory; raise `UncleanError` if something resists."""
    for path in nolinks.entries(directory):
        if not nolinks.remove(path):
            raise UncleanError(errno.ENOTEMPTY, "it cannot be removed", str(path))
