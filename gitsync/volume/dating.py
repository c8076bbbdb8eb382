"""The time of the commit for all files of a tree, so that every replica and every restart shows the same.

Who compares times sees one where the content is one. Called by the worker's thread.
"""

import errno
import os
import stat
import time
from pathlib import Path

from gitsync.base import nolinks
from gitsync.base.errors import GitTimeout
from gitsync.programs.gitcmd import Git
from gitsync.volume.strays import UncleanError
from gitsync.volume.tree import Tree


def commit_time(tree: Tree, git: Git, *, deadline: float) -> int:
    """Return the committer's date of a tree's commit, in Unix seconds, none before 1970 or still to come.

    Raises `GitError`.
    """
    found = git.run(["log", "-1", "--format=%ct", "HEAD", "--"], deadline=deadline, place=tree.place).stdout.strip()
    return min(int(found) if found.isdecimal() else 0, int(time.time()))


def date_files(top: Path, when: int, *, deadline: float) -> bool:
    """Give all files below a directory, links too, this time (Unix seconds); return whether any had another one.

    Directories keep theirs. Raises `UncleanError` where a file does not let itself be changed, and `GitTimeout`.
    """
    wanted, changed = when * 10**9, False
    try:
        with nolinks.opened(top) as descriptor:
            for _, directories, files, directory in os.fwalk(".", dir_fd=descriptor, onerror=_fail):
                if time.monotonic() >= deadline:
                    raise GitTimeout("the files are there, but not all have their times yet")
                for name in (*files, *directories):
                    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
                    if stat.S_ISDIR(found.st_mode) or found.st_mtime_ns == wanted:
                        continue
                    times = (found.st_atime_ns, wanted)
                    os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)
                    changed = True
    except OSError as error:
        # Only the owner of a file may do so.
        raise UncleanError(error.errno or errno.EIO, f"no time can be set: {error.strerror}", str(top)) from error
    return changed


def _fail(error: OSError) -> None:
    raise error
