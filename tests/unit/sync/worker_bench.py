"""A worker between fakes: its passes follow a script."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from gitsync.config import RepoConfig
from gitsync.sync.repository import Repository
from gitsync.sync.slots import Slots
from gitsync.sync.worker import RepoWorker, Surroundings
from gitsync.telling.events import Commit, Event, Observers, PassFinished, PassStarted, Source, SyncResult
from gitsync.telling.status import StatusBoard
from gitsync.triggers.mailbox import Mailbox
from tests.unit.examples import board, commit, failed, repo_config, result

FAST = ("--period=10ms", "--jitter=0", "--max-backoff=10ms", "--heal-period=0")
SLOW = ("--period=1h", "--jitter=0")  # whoever waits for it exceeds the deadline of the test

UPDATED = result(outcome="updated", commit=commit())
UNCHANGED = result(commit=commit())
FAILED = failed("connect")


def _hurried(repo: RepoConfig) -> RepoConfig:
    """Return the configuration with a tenth of its delays: the shortest that users may have are long for a test."""
    schedule = repo.schedule
    delays = {name: getattr(schedule, name) / 10 for name in ("period", "init_period", "max_backoff")}
    return replace(repo, schedule=replace(schedule, **delays))


class FakeSync:
    """Stands in for the pass: returns what the script says, and closes the mailbox when the script is at its end."""

    def __init__(self, mailbox: Mailbox, script: list[SyncResult], damage: list[bool], chores: int) -> None:
        self._mailbox = mailbox
        self._script = list(script)
        self._damage = list(damage)
        self.calls: list[str] = []
        self.chores = chores
        self.deadlines: list[float] = []
        self.told: list[bool] = []
        self.during: Callable[[int], object] = lambda number: None
        self.during_chore: Callable[[], object] = lambda: None

    def run(self, *, deadline: float, told: bool = False) -> SyncResult:
        self.calls.append("run")
        self.deadlines.append(deadline - time.monotonic())
        self.told.append(told)
        self.during(self.calls.count("run"))
        answer = self._script.pop(0)
        self._end()
        return answer

    def heal(self, *, deadline: float) -> bool:
        self.calls.append("heal")
        self.deadlines.append(deadline - time.monotonic())
        answer = self._damage.pop(0)
        self._end()
        return answer

    published: Commit | None = None

    def tidy(self) -> None:
        self.calls.append("tidy")

    longest_chore = 600.0
    interrupted = False
    # So many passes may come before the chores.
    patience = 3

    @property
    def chores_insist(self) -> bool:
        return self.patience <= 0 < self.chores

    @property
    def has_chore(self) -> bool:
        return self.chores > 0

    def put_chores_off(self) -> None:
        self.patience -= 1

    chore_at = math.inf

    def chore(self, *, deadline: float) -> bool:
        if not self.chores:
            return False
        self.calls.append("chore")
        self.chores -= 1
        self.during_chore()
        interrupted, self.interrupted = self.interrupted, False
        return not interrupted

    def _end(self) -> None:
        if not self._script and not self._damage:
            self._mailbox.close()


class Bench:
    """A worker between fakes."""

    def __init__(self, *argv: str, script: list[SyncResult], damage: list[bool] | None = None, chores: int = 0) -> None:
        self.mailbox = Mailbox()
        self.board: StatusBoard = board()
        self.events: list[Event] = []
        self.sync = FakeSync(self.mailbox, script, damage or [], chores)
        self.slots = Slots(1)
        self.surroundings = Surroundings(
            self.mailbox, self.board, Observers([self.board, self]), slots=self.slots, interrupt=lambda: None
        )
        self.worker = RepoWorker(_hurried(repo_config(*argv)), cast(Repository, self.sync), self.surroundings)

    def notify(self, event: Event) -> None:
        """Remember an event."""
        self.events.append(event)

    def run(self) -> int:
        """Run the worker to its end."""
        return self.worker.run()

    @property
    def sources(self) -> list[tuple[Source, ...]]:
        """What started each pass."""
        return [event.triggers.sources for event in self.events if isinstance(event, PassStarted)]

    @property
    def finished(self) -> list[PassFinished]:
        """How each pass ended."""
        return [event for event in self.events if isinstance(event, PassFinished)]
