"""One pass: the ordered steps from asking the remote to what consumers see. Runs on the worker's thread.

Whatever fails, what is published stays as it is. A login that is refused is renewed and tried once more; what turns out
to be damaged on the volume is replaced, and the steps are taken again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gitsync.base.errors import GitError, GitSyncError, PublishVetoed, from_os_error
from gitsync.base.log import get_logger
from gitsync.base.printable import printable
from gitsync.base.redact import scrub
from gitsync.config import RepoConfig
from gitsync.sync.announcing import Announcing
from gitsync.sync.crowding import Crowding
from gitsync.sync.following import Following
from gitsync.sync.keeping import Keeping
from gitsync.sync.memory import Known, Memory, Phases, Step
from gitsync.sync.mending import Mending
from gitsync.sync.moves import Moves
from gitsync.sync.parts import Parts
from gitsync.sync.preparing import Preparing
from gitsync.sync.publishing import Publishing
from gitsync.sync.tidying import Tidying
from gitsync.sync.verifying import Verifying
from gitsync.telling.events import Failure, Outcome, SyncResult
from gitsync.volume.checkup import is_doubtful
from gitsync.volume.recipe import Recipe

_Steps = Sequence[Step]
# So often the steps are taken, as there are several stores where there are submodules.
_TRIES: Final = 10
# Much of a message may be the words of a server or of a repository.
_LONGEST_MESSAGE: Final = 4000
# What a server may have answered that asks to be left alone for a while.
_BUSY: Final = frozenset({"rate_limited", "remote_error"})
# What is wrong here, and not on the way to the remote.
_HERE: Final = frozenset(
    {"cancelled", "no_space", "corrupt", "bad_commit", "git_missing", "out_of_memory", "too_large"}
)


@dataclass(frozen=True, kw_only=True)
class Homes:
    """Where the steps of a pass live."""

    preparing: Preparing
    keeping: Keeping
    following: Following
    verifying: Verifying
    crowding: Crowding
    publishing: Publishing
    announcing: Announcing
    tidying: Tidying
    mending: Mending
    moves: Moves


@dataclass(frozen=True, kw_only=True)
class _Order:
    """The steps of a pass, in their order; `recall` and `restore` only if what is published is not in place, `admit`
    and `fetch` only if there are news, `update` only if those are another commit.

    Where somebody has told of news, the remote is not asked, and only the fetch shows what is to be admitted."""

    prepare: _Steps
    look: _Steps
    recall: _Steps
    restore: _Steps
    ask: _Steps
    admit: _Steps
    fetch: _Steps
    update: _Steps
    tell: _Steps
    finish: _Steps


def _order(homes: Homes) -> _Order:
    preparing, following, verifying = homes.preparing, homes.following, homes.verifying
    publishing, announcing = homes.publishing, homes.announcing
    publish = (
        Step(publishing.stage, "stage"),
        Step(publishing.ask, "gate"),
        Step(publishing.publish, "publish"),
    )
    return _Order(
        prepare=(
            Step(preparing.lock),
            Step(preparing.sweep),
            Step(preparing.read_recipe),
            Step(preparing.log_in, "credentials"),
        ),
        look=(
            Step(verifying.look, "verify", verifying.is_on),
            Step(homes.keeping.look_through, "heal", homes.keeping.is_unseen),
            Step(homes.keeping.look),
        ),
        recall=(Step(publishing.recall),),
        restore=(*publish, Step(announcing.announce_again)),
        ask=(Step(following.need_login), Step(following.probe, "probe")),
        admit=(Step(following.admit, due=_is_known), Step(homes.crowding.wait, "wait", _is_known)),
        fetch=(Step(following.fetch, "fetch", _is_known), Step(following.fetch_untold, "fetch", _is_untold)),
        update=(
            Step(following.admit, due=_is_untold),
            Step(verifying.verify, "verify", verifying.is_on),
            Step(homes.crowding.wait, "wait", _is_untold),
            *publish,
        ),
        tell=(
            Step(following.align, "fetch", following.is_outdated),
            Step(verifying.insist, "verify", verifying.is_on),
            Step(announcing.announce),
        ),
        finish=(Step(homes.tidying.tidy_after, "tidy", homes.tidying.due),),
    )


def _is_untold(known: Known) -> bool:
    return known.guessed


def _is_known(known: Known) -> bool:
    return not known.guessed


class SyncPass:
    """Runs passes for one repository."""

    def __init__(self, repo: RepoConfig, parts: Parts, homes: Homes, phases: Phases) -> None:
        self._log = get_logger(repo=repo.name)
        self._credentials = parts.credentials
        self._masters = parts.git.masters
        self._remote = parts.remote
        self._homes = homes
        self._order = _order(homes)
        self._phases = phases
        # What the last step that was taken has left; it counts also if the next one fails.
        self._memory = Memory(recipe=Recipe.of(repo), ref=repo.ref)
        # What the remote has, as far as this pass has asked, and whether it had to log in anew.
        self._wanted: str | None = None
        self._login_renewed = False

    def run(self, memory: Memory, *, deadline: float) -> tuple[SyncResult, Memory]:
        """Run one pass until the deadline (monotonic seconds); return what came of it and what to remember.

        It raises nothing.
        """
        started = time.monotonic()
        outcome: Outcome = "failed"
        failure = moved = None
        self._memory, self._wanted, self._login_renewed = memory, None, False
        try:
            outcome = self._run(Known(deadline=deadline, memory=memory)).outcome
            moved = self._homes.moves.look(self._memory, deadline=deadline)
        except Exception as error:
            failure = self._failure(error, deadline)
        self._masters.rest()
        memory = self._memory
        result = SyncResult(
            outcome=outcome,
            duration=time.monotonic() - started,
            finished_at=time.time(),
            commit=memory.commit,
            ref=memory.ref,
            wanted=self._wanted,
            moved=moved,
            failure=failure,
            # A comparison since the last pass is among them.
            phases=self._phases.take(),
        )
        return result, memory

    def _run(self, known: Known) -> Known:
        begun = self._take(self._order.prepare, known)
        tries = 1
        while True:
            try:
                known = self._keep_and_follow(begun)
                break
            except (GitSyncError, OSError) as error:
                if tries >= _TRIES or not self._is_better_now(begun, error):
                    raise self._homes.mending.blame(error, self._wanted) from error
                tries += 1
                begun = replace(begun, memory=self._memory, missing=None)
        known = self._take(self._order.finish, known)
        self._memory = replace(known.memory, sweep_due=False)
        self._homes.mending.forget()
        return known

    def _keep_and_follow(self, known: Known) -> Known:
        known = self._take(self._order.look, known)
        # What is published can mostly be put right without the remote, so a login that cannot be had comes second.
        if known.memory.commit and not known.kept:
            known = self._repair(known)
        known = self._take(self._order.ask, known)
        if known.news:
            known = self._update(known)
        return self._take(self._order.tell, known)

    def _repair(self, known: Known) -> Known:
        """Put what is published in place again, from the store alone: somebody has moved or damaged it."""
        before = known.memory
        known = replace(known, memory=replace(known.memory, sweep_due=True))
        try:
            known = self._take(self._order.recall, known)
            if known.commit is None:
                return known
            known = self._take(self._order.restore, known)
        except (GitSyncError, OSError) as error:
            # One that is refused, or cannot be had, must not keep us from asking for another.
            if not (self._mend(known, error) or is_doubtful(error) or isinstance(error, PublishVetoed)):
                raise
            return replace(known, memory=self._memory)
        known = self._homes.keeping.note_repair(known, before)
        self._homes.tidying.tidy(known.memory)
        return replace(known, kept=True, outcome="repaired")

    def _update(self, known: Known) -> Known:
        """Publish what the remote has."""
        known = self._take(self._order.admit, known)
        return self._fetch_and_publish(known)

    def _fetch_and_publish(self, known: Known) -> Known:
        known = self._take(self._order.fetch, known)
        if known.settled:
            # Behind another hash than the commit's own, or the remote has not what it says.
            return replace(known, memory=replace(known.memory, source=known.source))
        return replace(self._take(self._order.update, known), outcome="updated")

    def _is_better_now(self, known: Known, error: Exception) -> bool:
        return (
            self._reconnect(error, known.deadline)
            or self._renew_login(error, known.deadline)
            or self._mend(known, error)
        )

    def _reconnect(self, error: Exception, deadline: float) -> bool:
        """Say whether the error may be that of a connection which was kept, so that git may do better with its own."""
        if not isinstance(error, GitError) or error.reason in _HERE:
            return False
        return self._masters.drop(why=f"a command failed over it: {error.reason}") and time.monotonic() < deadline

    def _mend(self, known: Known, error: Exception) -> bool:
        mended = self._homes.mending.mend(error, self._wanted, deadline=known.deadline)
        self._homes.tidying.tidy(known.memory)
        return mended

    def _take(self, steps: _Steps, known: Known) -> Known:
        for step in steps:
            if step.due(known):
                with self._phases.measure(step.phase):
                    known = step.take(known)
                self._memory = known.memory
                self._wanted = known.target.hash if known.target else None
        return known

    def _renew_login(self, error: Exception, deadline: float) -> bool:
        """Say whether the server has refused the login, and may let us in with another one that there is now."""
        if self._login_renewed or not isinstance(error, GitSyncError) or error.reason != "auth":
            return False
        self._login_renewed = True
        with self._phases.measure("credentials"):
            renewed = self._credentials.renew(deadline=deadline)
        if renewed:
            self._log.info("credentials_renewed", message=str(error))
        return renewed

    def _failure(self, error: Exception, deadline: float) -> Failure:
        if isinstance(error, OSError):
            error = from_os_error(error, doing="working on the volume")
        if not isinstance(error, GitSyncError):
            self._log.error("internal_error", exc_info=error)
            return Failure(
                reason="internal", message=_shown(f"{type(error).__name__}: {error}"), hint="please report it"
            )
        if error.reason == "no_space":
            self._homes.tidying.make_room()
        retry_in = error.retry_in if isinstance(error, PublishVetoed) else None
        retry_after = self._remote.ask_for_how_long(deadline=deadline) if error.reason in _BUSY else None
        return Failure(
            reason=error.reason,
            message=_shown(str(error)),
            hint=error.hint,
            retry_in=retry_in,
            retry_after=retry_after,
        )


def _shown(message: str) -> str:
    """Return a message as it is told in logs, pages and files."""
    return printable(scrub(message))[:_LONGEST_MESSAGE]
