"""The work on one repository: passes, and between them comparisons and chores; and what is remembered of it.

Made by the main thread, and used by the worker's from then on.
"""

import contextlib
import functools
import math
from dataclasses import replace

from gitsync.base.backoff import backoff
from gitsync.base.errors import from_os_error
from gitsync.base.log import get_logger
from gitsync.base.refusals import Refusals
from gitsync.config import RepoConfig
from gitsync.sync.announcing import Announcing
from gitsync.sync.chores import Chores
from gitsync.sync.crowding import Crowding
from gitsync.sync.following import Following
from gitsync.sync.keeping import Keeping
from gitsync.sync.memory import Memory, Phases
from gitsync.sync.mending import Mending
from gitsync.sync.moves import Moves
from gitsync.sync.parts import Parts
from gitsync.sync.passes import Homes, SyncPass
from gitsync.sync.preparing import Preparing
from gitsync.sync.publishing import Publishing
from gitsync.sync.tidying import Tidying
from gitsync.sync.verifying import Verifying
from gitsync.telling.events import Commit, SyncResult
from gitsync.volume.recipe import Recipe


class Repository:
    """One repository, as its worker sees it."""

    def __init__(self, repo: RepoConfig, parts: Parts) -> None:
        log = get_logger(repo=repo.name)
        self._log = log
        self._parts = parts
        self._phases = Phases()
        self._tidying = Tidying(repo, parts)
        self._keeping = Keeping(repo, parts, log)
        crowding = Crowding(repo.name, parts, log)
        refusals = Refusals(functools.partial(_refused_for, repo))
        mending = Mending(parts.stores, parts.git, refusals, log)
        self._chores = Chores(repo, parts, mending)
        homes = Homes(
            preparing=Preparing(repo, parts),
            keeping=self._keeping,
            following=Following(repo.name, parts, refusals=refusals, tidying=self._tidying, log=log),
            verifying=Verifying(repo, parts, refusals=refusals, log=log),
            crowding=crowding,
            publishing=Publishing(repo.name, parts, refusals=refusals, crowding=crowding, log=log),
            announcing=Announcing(repo.name, parts, self._chores),
            tidying=self._tidying,
            mending=mending,
            moves=Moves(parts, log),
        )
        self._pass = SyncPass(repo, parts, homes, self._phases)
        # Whether the volume has not let us look for what an earlier process has published.
        self._unseen = False
        self._memory = Memory(recipe=Recipe.of(repo), ref=repo.ref)

    @property
    def published(self) -> Commit | None:
        """The commit that is published, as far as we know."""
        return self._memory.commit

    def adopt(self) -> bool:
        """Take over what an earlier process of this repository has published; say whether there is such a tree.

        Called by the main thread before the worker starts. If the volume does not let us look, passes do so.
        """
        try:
            found = self._adopt()
            self._unseen = False
        except OSError as error:
            met = from_os_error(error, doing="looking for what is published")
            self._log.warning("adoption_put_off", reason=met.reason, message=str(met))
            found, self._unseen = False, True
        return found

    def _adopt(self) -> bool:
        linked = self._parts.publisher.current()
        for store in self._parts.stores.current.generations():
            tree = self._parts.trees.catalogue.find(linked, store) if linked else None
            if tree:
                self._memory = replace(self._memory, tree=tree, commit=Commit(hash=tree.hash), condition="unseen")
                return True
        promised = self._parts.trees.catalogue.promised(linked) if linked else None
        if promised and promised == self._parts.stores.current.fetched:
            # What says more of its tree is lost; the store has the commit, so the first pass can make another one.
            self._memory = replace(self._memory, commit=Commit(hash=promised))
            return True
        return False

    def run(self, *, deadline: float, told: bool = False) -> SyncResult:
        """Run one pass until the deadline (monotonic seconds) and return what came of it; it raises nothing.

        `told` says that somebody has told of news, so that the remote is not asked for them before they are fetched.
        """
        if self._unseen:
            self.adopt()
        result, memory = self._pass.run(replace(self._memory, told=told), deadline=deadline)
        if result.failure:
            self._chores.failed()
        # One that was refused is not fetched again and again.
        self._memory = replace(memory, told=False)
        return result

    def heal(self, *, deadline: float) -> bool:
        """Compare the published files with their commit; return whether the next pass has something to repair."""
        try:
            with self._phases.measure("heal" if self._memory.tree and not self._memory.suspect else None):
                self._memory = self._keeping.heal(self._memory, deadline=deadline)
        except Exception as error:
            # A mistake of ours, which must not end the process that publishes, as none in a pass does.
            self._log.error("internal_error", exc_info=error)
        return self._memory.suspect and self._keeping.is_due(self._memory)

    def tidy(self) -> None:
        """Retire and remove the trees that nobody needs any more; failures are logged."""
        self._tidying.tidy(self._memory)

    @property
    def chore_at(self) -> float:
        """When `chore` should be called although there is nothing to do for it now (monotonic seconds)."""
        return self._chores.due_at if self._parts.lock.held else math.inf

    @property
    def has_chore(self) -> bool:
        """Whether `chore` has anything to do."""
        # What cannot be looked at, the chore tells of.
        with contextlib.suppress(OSError):
            return self._parts.lock.held and self._chores.is_due
        return False

    @property
    def longest_chore(self) -> float:
        """How many seconds `chore` may take."""
        return self._chores.longest

    @property
    def chores_insist(self) -> bool:
        """Whether chores have made way so often that passes have to wait until all of them are done."""
        return self._parts.lock.held and self._chores.insist

    def put_chores_off(self) -> None:
        """Note that there is no time for chores between two passes."""
        # Without the lock there are none, and what cannot be looked at is tried by the chores themselves.
        with contextlib.suppress(OSError):
            if self._parts.lock.held:
                self._chores.put_off()

    def chore(self, *, deadline: float) -> bool:
        """Do one thing that need not be done in a pass, if there is any; return whether it is worth to call again.

        It makes way for a pass, which is due at the deadline at the latest, unless it has made way too often.
        """
        if not self._parts.lock.held:
            return False
        done = False
        try:
            done = self._chores.do_next(deadline=deadline)
        except OSError as error:
            self._log.warning("chore_failed", message=str(error))
        except Exception as error:
            self._log.error("internal_error", exc_info=error)
        if self._chores.made_way:
            # What is ended half way may leave something behind.
            self._memory = replace(self._memory, sweep_due=True)
        return done


def _refused_for(repo: RepoConfig, failures: int) -> float:
    """Return the seconds until a commit that cannot be checked out is tried again."""
    return backoff(repo.schedule.period, failures=failures, most=repo.schedule.max_backoff)
