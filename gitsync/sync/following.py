"""Follows the remote: asks it, and fetches what is new."""

from dataclasses import replace
from typing import Final

from gitsync.base.errors import GitSyncError
from gitsync.base.log import Logger
from gitsync.base.refusals import LONG, Refusals
from gitsync.remote.target import Target
from gitsync.sync.memory import Known
from gitsync.sync.parts import Parts
from gitsync.sync.tidying import Tidying
from gitsync.telling.events import BeforeStage, Commit, Fetched

# What is wrong with the commit, as far as a fetch shows it: to find that out again costs as much as a transfer.
_OF_THE_COMMIT: Final = {"bad_commit", "too_large"}


class Following:
    """The steps from the remote to a commit in the store."""

    def __init__(self, name: str, parts: Parts, *, refusals: Refusals, tidying: Tidying, log: Logger) -> None:
        self._name = name
        self._parts = parts
        self._refusals = refusals
        self._tidying = tidying
        self._log = log

    def need_login(self, known: Known) -> Known:
        """Raise the `CredentialError` that was met; what can be done without a login is done by now."""
        if known.missing:
            raise known.missing
        return known

    def probe(self, known: Known) -> Known:
        """Ask what the remote has, unless the fetch will show it; raise `RefNotFound` or `GitError`."""
        # Without a question it does not show that what comes is what was refused.
        told = known.memory.told and not self._refusals.waiting
        last = self._parts.remote.expected if told else None
        target = replace(last, guessed=True) if last else self._parts.remote.probe(deadline=known.deadline)
        # What fails from here on may leave something behind.
        return replace(known, target=target, memory=replace(known.memory, ref=target.ref, sweep_due=True))

    def admit(self, known: Known) -> Known:
        """Refuse the commit before there is any work with it, or let the observers do so; raise `PublishVetoed`."""
        assert known.target  # noqa: S101 (the remote was asked)
        self._refusals.check(known.target.hash)
        if self._parts.trees.retirement.untidy:
            # There may be a standby by now.
            self._tidying.tidy(known.memory)
        self._parts.observers.notify(BeforeStage(repo=self._name, hash=known.target.hash))
        return known

    def fetch_untold(self, known: Known) -> Known:
        """Fetch what the ref leads to now; raise `GitError` or `RefNotFound`."""
        guess = known.target
        assert guess  # noqa: S101 (it is what the remote had before)
        try:
            commit = self._parts.stores.fetch(guess, deadline=known.deadline)
        except GitSyncError as error:
            if error.reason not in {"ref_missing", *_OF_THE_COMMIT}:
                raise
            # Only who is asked can say what there is instead, or which commit it is that does not come.
            known = self.probe(replace(known, memory=replace(known.memory, told=False)))
            return self.fetch(self.admit(known)) if known.news else replace(known, commit=known.memory.commit)
        target = replace(guess, hash=commit.hash)
        self._parts.remote.remember(replace(target, guessed=False))
        known = replace(known, commit=commit, target=target, source=known.memory.source)
        if not known.settled:
            self._parts.observers.notify(Fetched(repo=self._name))
        return known

    def fetch(self, known: Known) -> Known:
        """Fetch what the remote has, unless it is a pinned commit that is there; raise `GitError` or `RefNotFound`."""
        target, stores = known.target, self._parts.stores
        assert target  # noqa: S101 (the remote was asked)
        commit = stores.current.lookup(target.hash, deadline=known.deadline) if target.pinned else None
        if commit is None:
            commit = self._fetch(target, known.deadline)
            self._parts.observers.notify(Fetched(repo=self._name))
        source = None
        if commit.hash != target.hash:
            behind = stores.current.lookup(target.hash, deadline=known.deadline)
            source = target.hash if behind and behind.hash == commit.hash else None
        return replace(known, commit=commit, source=source)

    def is_outdated(self, known: Known) -> bool:
        """Say whether the store was filled with other options than today's, by an earlier process."""
        return self._parts.stores.current.outdated

    def align(self, known: Known) -> Known:
        """Fetch what is published once more, with today's options: as much history, and the objects of its filter.

        Raises `GitError`, `RefNotFound`, or `PublishVetoed` if that is too large.
        """
        assert known.target  # noqa: S101 (the remote was asked)
        self._log.info("options_changed", store=str(self._parts.stores.current.path))
        self._refusals.check(known.target.hash)
        self._fetch(known.target, known.deadline)
        return known

    def _fetch(self, target: Target, deadline: float) -> Commit:
        try:
            return self._parts.stores.fetch(target, deadline=deadline)
        except GitSyncError as error:
            if error.reason not in _OF_THE_COMMIT:
                raise
            raise self._refusals.add(target.hash, error, at_least=LONG) from error
