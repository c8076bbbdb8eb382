"""Finds out whether a store is damaged. Called by the worker's thread."""

from pathlib import Path
from typing import Final

from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.written import entries
from gitsync.programs.gitcmd import Git, Place

# Reasons that leave it open whether the fault is the store's, the remote's or the commit's.
_DOUBTFUL: Final = {"bad_answer", "corrupt", "git", "locked"}
# What `git fsck` prints of objects that are whole, and that another git has made in a way of its own.
_HARMLESS: Final = ("error in ", "warning in ", "notice: ", "dangling ", "unreachable ")


def is_doubtful(error: Exception) -> bool:
    """Say whether an error may mean that a store is damaged."""
    return isinstance(error, GitError) and error.reason in _DOUBTFUL


def is_damaged(store: Path, git: Git, *, deadline: float, idle: bool) -> bool:
    """Have git look at every object of a store, until the deadline (monotonic seconds); raise `GitCancelled`.

    A store that takes longer counts as damaged, as somebody has to decide. https://git-scm.com/docs/git-fsck
    """
    command = ["fsck", "--no-progress", "--no-dangling", "--no-reflogs"]
    try:
        output = git.run(command, deadline=deadline, place=Place(store=store), accept=lambda status: True, idle=idle)
    except GitTimeout:
        return True
    except GitCancelled:
        raise
    except GitError as error:
        return error.reason == "corrupt"
    told = [*entries(output.stdout), *entries(output.stderr)]
    return output.status != 0 and not all(line.startswith(_HARMLESS) for line in told)
