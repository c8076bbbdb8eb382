"""The loop of one repository: wait, run a pass, count failures, decide when the next one is due.

One thread of its own runs `run`; the main thread calls `stop`.
"""

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Final

from gitsync.base.errors import EXIT_FAILURE, EXIT_OK
from gitsync.base.log import get_logger
from gitsync.config import STORE_DIRECTORY, RepoConfig
from gitsync.sync.repository import Repository
from gitsync.sync.slots import Slots
from gitsync.telling.events import Observers, PassFinished, PassStarted, Source, SyncResult, Triggers
from gitsync.telling.status import StatusBoard
from gitsync.triggers.mailbox import Mailbox
from gitsync.triggers.schedule import next_delay

# What starts a pass without telling of news.
_QUIET: Final[frozenset[Source]] = frozenset({"start", "period"})


@dataclass(frozen=True)
class Surroundings:
    """What a worker is connected to; `slots` it shares with all others, and `interrupt` ends what can wait."""

    mailbox: Mailbox
    board: StatusBoard
    observers: Observers
    slots: Slots
    interrupt: Callable[[], object]


@dataclass
class _Failures:
    """The failures in a row: all of them, which are limited, and those without a sign of life, which are backed off.

    `succeeded` says whether there ever was anything else.
    """

    in_a_row: int = 0
    backed_off: int = 0
    succeeded: bool = False

    def count(self, result: SyncResult, *, woken: bool) -> None:
        """Count a pass; `woken` says that something other than time has begun it, so the trouble may be over."""
        if result.failure is None:
            self.in_a_row = self.backed_off = 0
            self.succeeded = True
            return
        if result.failure.reason == "paused":
            # Nothing is wrong, neither here nor there.
            return
        self.in_a_row += 1
        # The remote has no trouble with the question for a name, which can be answered at any moment.
        self.backed_off = 1 if woken or result.failure.reason == "dns" else self.backed_off + 1


class RepoWorker:
    """Keeps one repository up to date until it is told to stop, or until there is no reason to go on."""

    def __init__(self, repo: RepoConfig, sync: Repository, surroundings: Surroundings) -> None:
        self._repo = repo
        self._sync = sync
        self._around = surroundings
        self._mailbox = surroundings.mailbox
        self._board = surroundings.board
        self._observers = surroundings.observers
        self._log = get_logger(repo=repo.name)
        self._failures = _Failures()
        # Whether a chore was asked to end as another repository needed its place.
        self._gave_way = False
        # The tree that an earlier process has left is compared right after the first pass.
        self._heal_at = time.monotonic()

    def run(self) -> int:
        """Run passes; return the exit code that the process should end with."""
        if self._repo.schedule.one_time and self._mailbox.held:
            return self._leave()
        triggers = _by_itself("start", self._mailbox.wait(0.0))
        while True:
            delay, ending = self._pass(triggers)
            if ending is not None:
                # Nobody does them later, at least not soon.
                if ending == EXIT_OK:
                    self._do_chores(until=time.monotonic() + self._repo.schedule.sync_timeout)
                # Others may still be at work, and nobody waits for a word of this one.
                self._board.expect(self._repo.name, seconds=math.inf)
                return ending
            triggers = self._wait(delay)
            if self._mailbox.closed:
                return EXIT_OK

    def _leave(self) -> int:
        """Return the exit code where nothing may be published, and nobody is there to wait until it may be."""
        published = self._sync.published
        file = self._repo.work / STORE_DIRECTORY / "paused"
        hint = f"POST /resume to the gitsync that follows this root, or remove {file}"
        self._log.warning("left_paused", hash=published and published.hash, hint=hint)
        return EXIT_OK if published else EXIT_FAILURE

    def stop(self) -> None:
        """Ask the worker to end after what it is doing."""
        self._mailbox.close()
        self._around.slots.wake()

    @contextmanager
    def _turn(self, *, seconds: float, until: float = math.inf, idle: bool = False) -> Iterator[bool]:
        """Wait for a place among all repositories, and say whether there is one: then it lasts so many seconds at most.

        What is `idle` waits until then (monotonic seconds), or until a pass is due, and makes way for others.
        """
        # Nobody can say how long the others take.
        self._board.expect(self._repo.name, seconds=math.inf)
        with self._around.slots.hold(
            gives_up=lambda: self._mailbox.closed or (idle and self._mailbox.pending),
            until=until,
            failing=self._failures.in_a_row > 0,
            make_way=self._give_way if idle else None,
        ) as found:
            if found:
                self._board.expect(self._repo.name, seconds=seconds)
            yield found

    def _give_way(self) -> None:
        self._gave_way = True
        self._around.interrupt()

    def _pass(self, triggers: Triggers) -> tuple[float, int | None]:
        timeout = self._repo.schedule.sync_timeout
        with self._turn(seconds=timeout) as found:
            return self._run(triggers, timeout) if found else (0.0, EXIT_OK)

    def _run(self, triggers: Triggers, timeout: float) -> tuple[float, int | None]:
        self._observers.notify(PassStarted(repo=self._repo.name, triggers=triggers, started_at=time.time()))
        told = not _QUIET.issuperset(triggers.sources)
        result = self._sync.run(deadline=time.monotonic() + timeout, told=told)
        first = result.failure is None and not self._failures.succeeded
        woken = triggers.sources != ("period",)
        self._failures.count(result, woken=woken)
        if result.failure is None and result.outcome != "unchanged":
            self._heal_at = time.monotonic() + self._repo.upkeep.heal_period
        ending = self._ending(result)
        delay = self._delay(result, woken=woken)
        self._report(triggers, result, None if ending is not None else delay)
        if first:
            self._log.info("ready", hash=result.commit and result.commit.hash, link=str(self._repo.link))
        return delay, ending

    def _delay(self, result: SyncResult, *, woken: bool) -> float:
        """Return the seconds until the next pass: a remote that works is not asked less often for what we refuse."""
        retry_in = result.failure.retry_in if result.failure else None
        delay = next_delay(
            self._repo.schedule,
            failures=self._failures.backed_off if retry_in is None else 0,
            succeeded=self._failures.succeeded,
            woken=woken,
            random=random.random(),  # noqa: S311 (it spreads load, it guards nothing)
            retry_after=result.failure.retry_after if result.failure else None,
        )
        return delay if retry_in is None else min(delay, retry_in)

    def _ending(self, result: SyncResult) -> int | None:
        """Return the exit code if this was the last pass."""
        if self._mailbox.closed:
            return EXIT_OK
        if result.failure is None:
            return EXIT_OK if self._repo.schedule.one_time else None
        limit = self._repo.schedule.max_failures if self._failures.succeeded else self._repo.schedule.init_max_failures
        if 0 <= limit < self._failures.in_a_row:
            self._log.error("too_many_failures", failures=self._failures.in_a_row, allowed=limit)
            return EXIT_FAILURE
        return None

    def _wait(self, delay: float) -> Triggers:
        """Wait for a trigger or the next period; meanwhile compare the published files when that is due."""
        due = time.monotonic() + delay
        while True:
            wake = min(due, self._heal_at) if self._repo.upkeep.heal_period else due
            self._do_chores(until=wake)
            wake = min(wake, self._sync.chore_at)
            self._board.expect(self._repo.name, seconds=wake - time.monotonic())
            triggers = self._mailbox.wait(wake - time.monotonic())
            if triggers.sources or self._mailbox.closed:
                return triggers
            now = time.monotonic()
            if now >= due or (self._repo.upkeep.heal_period and now >= self._heal_at and self._heal()):
                return _by_itself("period", triggers)

    def _do_chores(self, *, until: float) -> None:
        """Do what can wait for a moment like this, as long as it lasts."""
        if self._mailbox.pending:
            self._sync.put_chores_off()
        more = True
        while more and self._has_time_for_chores(until):
            idle = not self._sync.chores_insist
            turn = self._turn(seconds=self._sync.longest_chore, until=until if idle else math.inf, idle=idle)
            self._gave_way = False
            with turn if self._sync.has_chore else nullcontext(True) as found:
                # After another one's pass it is the turn of the same chore again.
                more = found and (self._sync.chore(deadline=until) or self._gave_way)
            if not found:
                self._sync.put_chores_off()

    def _has_time_for_chores(self, until: float) -> bool:
        if self._mailbox.closed or self._mailbox.held:
            return False
        # Triggers without end must not keep garbage from being removed: it would grow with each update.
        return self._sync.chores_insist or (not self._mailbox.pending and time.monotonic() < until)

    def _heal(self) -> bool:
        timeout = self._repo.schedule.sync_timeout
        with self._turn(seconds=timeout) as found:
            if not found:
                return False
            damaged = self._sync.heal(deadline=time.monotonic() + timeout)
            self._sync.tidy()
        self._heal_at = time.monotonic() + self._repo.upkeep.heal_period
        return damaged

    def _report(self, triggers: Triggers, result: SyncResult, delay: float | None) -> None:
        # Before the log, so that whoever has read the line finds it in metrics and status.
        self._observers.notify(
            PassFinished(
                repo=self._repo.name,
                ticket=triggers.ticket,
                result=result,
                consecutive_failures=self._failures.in_a_row,
                next_delay=delay,
            )
        )
        fields: dict[str, object] = {
            "outcome": result.outcome,
            "ref": result.ref,
            "hash": result.commit and result.commit.hash,
            "trigger": ",".join(triggers.sources),
            "duration": round(result.duration, 3),
            "phases": {name: round(seconds, 3) for name, seconds in result.phases.items()},
            "next_delay": delay and round(delay, 3),
        }
        if result.moved:
            fields["moved"] = result.moved
        if result.failure:
            failure = result.failure
            fields |= {"reason": failure.reason, "message": failure.message, "hint": failure.hint}
            self._log.error("sync_finished", **fields, consecutive_failures=self._failures.in_a_row)
        else:
            self._log.info("sync_finished", **fields, v=1 if result.outcome == "unchanged" else 0)


def _by_itself(source: Source, triggers: Triggers) -> Triggers:
    """Return triggers with one more that nobody has left: its time has come."""
    return replace(triggers, left_at={source: time.monotonic(), **triggers.left_at})
