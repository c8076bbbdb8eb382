"""Asks the remote for what is followed: the prober whether it is the same as before, and otherwise `git ls-remote`.

Called by the worker's thread.
"""

from typing import Literal, Protocol

from gitsync.base.errors import GitSyncError
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig, is_full_hash
from gitsync.programs.gitcmd import Git
from gitsync.remote.listing import Listing, by_line
from gitsync.remote.named import Named
from gitsync.remote.prober import Prober
from gitsync.remote.target import Target, Wanted
from gitsync.telling.events import Observers, Probed


class _Sought(Wanted, Protocol):
    """What is looked for among the refs of a remote."""

    def find(self, listing: Listing, *, deadline: float) -> Target:
        """Ask git until the deadline (monotonic seconds); raise `RefNotFound` or `GitError`."""

    def is_older(self, ref: str, *, than: str) -> bool:
        """Say whether a ref is for certain an older version than another one, both as `Target.ref` has them."""


class Remote:
    """The remote of one repository."""

    def __init__(self, repo: RepoConfig, git: Git, prober: Prober, observers: Observers) -> None:
        self._repo = repo
        self._listing = Listing(repo.repo, git)
        self._prober = prober
        self._observers = observers
        self._log = get_logger(repo=repo.name)
        self._sought = _sought(repo)
        # What git has found last.
        self._last: Target | None = None

    def probe(self, *, deadline: float) -> Target:
        """Ask for the ref until the deadline (monotonic seconds); raise `RefNotFound` or `GitError`.

        A pinned commit needs no asking.
        """
        ref = self._repo.ref
        if is_full_hash(ref):
            return Target(hash=ref, ref=ref, source=ref, pinned=True)
        before, self._last = self._last, None
        # Only what git has found can be found again.
        asked = before if not self._prober.obstacle else None
        if asked and self._is_unchanged(asked, deadline=deadline):
            self._last = asked
            return asked
        try:
            found = self._sought.find(self._listing, deadline=deadline)
        except GitSyncError:
            self._tell("git", "failed")
            raise
        self._last = found
        if asked:
            self._prober.settle(agreed=found == before)
        self._tell("git", "unchanged" if found == before else "changed")
        return found

    def reach(self, *, deadline: float) -> bool:
        """Ask git for HEAD alone, and say whether there is one; raise `GitError` where nobody lets us ask."""
        look = Named("HEAD", self._log).look()
        self._listing.ask(by_line(look.take), options=[], patterns=["HEAD"], deadline=deadline)
        return look.found() is not None

    def ask_for_how_long(self, *, deadline: float) -> float | None:
        """Return the seconds that a remote which is too busy wants to be left alone, None if it does not say."""
        return self._prober.ask_for_how_long(deadline=deadline)

    @property
    def expected(self) -> Target | None:
        """What a fetch may ask for where nobody has asked what there is: what the ref led to last.

        None after an error, for a pinned commit, and where one of several refs is chosen, which only an answer shows.
        """
        return self._last if isinstance(self._sought, Named) else None

    def is_older(self, ref: str, *, than: str) -> bool:
        """Say whether a ref is for certain an older version than another one, both as a target has them."""
        return self._sought.is_older(ref, than=than)

    def remember(self, target: Target) -> None:
        """Note what a fetch has found."""
        self._last = target

    def cancel(self) -> None:
        """End what is asked, and ask no more. Called by the main thread; `close` comes when the worker is gone."""
        self._prober.cancel()

    def close(self) -> None:
        """Close the connection that is kept."""
        self._prober.close()

    def _is_unchanged(self, before: Target, *, deadline: float) -> bool:
        found = self._prober.ask(self._sought, known=before.hash, deadline=deadline)
        unchanged = found == before
        self._tell("http", "unchanged" if unchanged else "unsure")
        return unchanged

    def _tell(self, via: Literal["http", "git"], outcome: Literal["unchanged", "changed", "unsure", "failed"]) -> None:
        self._observers.notify(Probed(repo=self._repo.name, via=via, outcome=outcome, obstacle=self._prober.obstacle))


def _sought(repo: RepoConfig) -> _Sought:
    if not repo.followed.chooses:
        return Named(repo.ref, get_logger(repo=repo.name))
    from gitsync.remote.choice import Choice  # here, because most follow one ref

    return Choice(repo.followed)
