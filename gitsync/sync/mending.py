"""Tells what is wrong when a step fails on a store: the store, the commit or the remote; and puts right what is ours.

Whatever lies on the volume, the next tries get past it, and nothing is fetched anew for a fault that is not the
store's: leftovers go, what is in the way of a tree's metadata goes with it, and a store is replaced if `git fsck`
finds it damaged. A store without a fault in which git fails all the same is replaced as well, on trial: if the next
one fares no better, we go back. The same failure leads to nothing of this twice, until a pass has succeeded.

Runs on the worker's thread.
"""

import errno
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitError
from gitsync.base.log import Logger
from gitsync.base.refusals import Refusals
from gitsync.programs.gitcmd import Git
from gitsync.volume.checkup import is_damaged, is_doubtful
from gitsync.volume.store import Store
from gitsync.volume.stores import Stores

# Something else is there than what we have left.
_OBSTACLES: Final = {
    *(errno.EEXIST, errno.EISDIR, errno.ELOOP),
    *(errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY),
}
# What a server sends as a difference to a large file needs room for both; to a new store it sends the file alone, which
# git writes as it comes.
_STARVED: Final = "out_of_memory"
# The reasons for which a store is replaced on trial: `fsck` would have found what makes git say others.
_ODD: Final = {"git", "locked", _STARVED}
_SWEPT: Final = "swept"
_Failure = tuple[object, ...]


class Mending:
    """The repairs of the stores of one repository."""

    def __init__(self, stores: Stores, git: Git, refusals: Refusals, log: Logger) -> None:
        self._stores = stores
        self._git = git
        self._refusals = refusals
        self._log = log
        self._met: set[_Failure] = set()
        # What was left for a store on trial, by the store that replaces itself.
        self._left: dict[Store, Path] = {}

    def forget(self) -> None:
        """Note that a pass has succeeded, so that what fails from now on is new."""
        self._met.clear()
        self._left.clear()

    def mend(self, error: Exception, wanted: str | None, *, deadline: float, idle: bool = False) -> bool:
        """Put right what may have made a step fail; say whether it is worth to take the step again.

        `wanted` is what the remote has, None if the step needs nothing of it. Works until the deadline (monotonic
        seconds), `idle` at low priority. Raises `GitCancelled`.
        """
        if isinstance(error, OSError):
            return self._clear(error)
        store = self._stores.at(error.store) if isinstance(error, GitError) and error.store else None
        if store is None or not isinstance(error, GitError):
            return False
        starved = error.reason == _STARVED
        if not (starved or is_doubtful(error)):
            return False
        failure = (store, error.reason, wanted)
        # A failed command leaves something itself, so this is worth a try once only.
        if not starved and (_SWEPT, *failure) not in self._met:
            self._met.add((_SWEPT, *failure))
            if self._stores.sweep() and wanted is not None:
                return True
        if failure in self._met:
            self._go_back(store)
            return False
        damaged = not starved and is_damaged(store.path, self._git, deadline=deadline, idle=idle)
        self._met.add(failure)
        if damaged:
            self._log.warning("store_damaged", store=str(store.path), message=str(error))
        elif wanted is not None and self._is_odd(error, store):
            self._log.warning("store_on_trial", store=str(store.path), message=str(error))
            self._left[store] = store.path
        else:
            return False
        store.renew()
        return True

    def _clear(self, error: OSError) -> bool:
        """Remove what is in our way within a store, as little as possible."""
        path = Path(error.filename) if isinstance(error.filename, str) else None
        store = self._stores.at(path) if path and error.errno in _OBSTACLES else None
        failure = (error.errno, path)
        if path is None or store is None or failure in self._met:
            return False
        self._met.add(failure)
        inner = path.relative_to(store.path).parts
        self._log.warning("obstacle_found", path=str(path), message=error.strerror)
        if inner[:1] == ("worktrees",) and len(inner) > 1:
            nolinks.remove(store.path / inner[0] / inner[1])
        elif error.errno != errno.ENOENT:
            store.renew()
        return True

    def _is_odd(self, error: GitError, store: Store) -> bool:
        return error.reason in _ODD and error.metadata is None and store.has_fetched

    def _go_back(self, store: Store) -> None:
        left = self._left.pop(store, None)
        if left:
            self._log.warning("store_kept", store=str(left))
            store.path = left

    def blame(self, error: Exception, wanted: str | None) -> Exception:
        """Return an error as it is reported, once the store turned out not to be the cause."""
        if not isinstance(error, GitError) or error.reason != "corrupt":
            return error
        if error.metadata is None or wanted is None:
            return GitError(str(error), reason="bad_answer")
        return self._refusals.add(wanted, GitError(str(error), reason="bad_commit"))
