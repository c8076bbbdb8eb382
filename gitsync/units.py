"""The repositories at work: which there are, and how one comes or goes while the others run on.

Used by the main thread, which waits for nothing here: whatever ends has a thread that tells so (`ended`), and `settle`
goes on with what can. `current` may be read by any thread.
"""

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gitsync.assembly import Surface, Unit, assemble, first_status
from gitsync.base.errors import GitSyncError, from_os_error
from gitsync.base.log import get_logger
from gitsync.base.nolinks import remove
from gitsync.base.scratch import Scratch
from gitsync.config import Config, RepoConfig
from gitsync.config.apart import clashes, values_of
from gitsync.telling.events import Failure, Waiting
from gitsync.threads import Threads
from gitsync.triggers.watch import Watcher

# The part of the time for an orderly end after which what still runs is killed.
PATIENCE: Final = 0.6
# Seconds until what could not be built is tried again.
_AGAIN: Final = 30.0


@dataclass
class _Leaving:
    """A unit that has been asked to end, and its threads that have not; it is killed then (monotonic seconds)."""

    unit: Unit
    threads: set[str]
    kill_at: float


@dataclass
class _Coming:
    """A repository whose unit is not there yet, as another one is in the way, or until then (monotonic seconds)."""

    repo: RepoConfig
    due: float = 0.0


class Units:
    """The units of all repositories, by their names."""

    def __init__(self, config: Config, surface: Surface, threads: Threads, watcher: Watcher) -> None:
        """Make the private directory that each of them has a part of; raise `GitSyncError`."""
        self._config = config
        self._surface = surface
        self._threads = threads
        self._watcher = watcher
        self._scratch = Scratch()
        self._homes = itertools.count()
        # Replaced and never changed, as other threads read it.
        self.current: dict[str, Unit] = {}
        # The threads that the process ends after, where it is to run once.
        self.working: dict[str, Unit] = {}
        self._leaving: list[_Leaving] = []
        self._coming: dict[str, _Coming] = {}

    def build(self, repo: RepoConfig) -> None:
        """Build one, whose threads have to be started; raise `GitSyncError` or `OSError` if that is not possible."""
        status = first_status(repo)
        self._surface.board.add(status)
        self._surface.metrics.follow(status.watched)
        home = self._scratch.path / str(next(self._homes))
        try:
            unit = assemble(repo, self._config.receiver, home=home, surface=self._surface)
        except BaseException:
            remove(home)
            raise
        self.current = {**self.current, repo.name: unit}

    def start(self, name: str) -> None:
        """Start the threads of one that was built."""
        unit = self.current[name]
        if not unit.repo.schedule.one_time:
            self._watcher.add(unit.files)
        for body in unit.bodies:
            if body.works:
                self.working[body.name] = unit
            self._threads.spawn(body.name, body.run)

    def change(self, repos: Sequence[RepoConfig]) -> dict[str, list[str]]:
        """Have these at work, and no others; what is as it was runs on untouched. Return at once, with the names."""
        wanted = {repo.name: repo for repo in repos}
        before = self.current.keys() | self._coming.keys()
        kept = {name: unit for name, unit in self.current.items() if wanted.get(name) == unit.repo}
        for name, unit in self.current.items():
            if name not in kept:
                self._let_go(unit)
        self.current = kept
        for name in self._coming.keys() - wanted.keys():
            self._forget(name)
        self._coming = {name: _Coming(repo) for name, repo in wanted.items() if name not in kept}
        return {
            "added": sorted(wanted.keys() - before),
            "changed": sorted(self._coming.keys() & before),
            "removed": sorted(before - wanted.keys()),
        }

    def ended(self, thread: str) -> bool:
        """Say whether a thread that has ended is one of those that were asked to."""
        for leaving in self._leaving:
            if thread in leaving.threads:
                leaving.threads.discard(thread)
                return True
        return False

    def settle(self) -> float | None:
        """Release what has ended, kill what does not, begin what can; return the seconds until there is more to do."""
        now = time.monotonic()
        for leaving in [*self._leaving]:
            if not leaving.threads:
                self._release(leaving)
            elif now >= leaving.kill_at:
                get_logger(repo=leaving.unit.repo.name).warning("unit_killed", threads=sorted(leaving.threads))
                leaving.unit.kill()
                leaving.kill_at = math.inf
        for name, coming in [*self._coming.items()]:
            if coming.due <= now and not any(_meet(coming.repo, leaving.unit.repo) for leaving in self._leaving):
                self._begin(name, coming)
        # Who waits for another to end is woken by that.
        dues = [coming.due for coming in self._coming.values() if coming.due > now]
        due = min([*dues, *(leaving.kill_at for leaving in self._leaving)], default=math.inf)
        return None if math.isinf(due) else max(0.0, due - time.monotonic())

    def _let_go(self, unit: Unit) -> None:
        self._watcher.remove(unit.files)
        names = {body.name for body in unit.bodies}
        self.working = {name: other for name, other in self.working.items() if other is not unit}
        kill_at = time.monotonic() + self._config.shutdown_timeout * PATIENCE
        self._leaving.append(_Leaving(unit, names & set(self._threads.alive()), kill_at))
        unit.stop()

    def _release(self, leaving: _Leaving) -> None:
        unit = leaving.unit
        self._leaving.remove(leaving)
        unit.release()
        remove(unit.home)
        self._surface.metrics.forget(unit.repo.name)
        if unit.repo.name not in self._coming:
            self._forget(unit.repo.name)
        get_logger(repo=unit.repo.name).info("unit_ended")

    def _forget(self, name: str) -> None:
        self._surface.board.remove(name)
        self._surface.metrics.forget(name)

    def _begin(self, name: str, coming: _Coming) -> None:
        """Build and start one; what cannot be built is told, and tried again."""
        try:
            self.build(coming.repo)
        except (GitSyncError, OSError) as error:
            met = error if isinstance(error, GitSyncError) else from_os_error(error, doing="starting")
            coming.due = time.monotonic() + _AGAIN
            failure = Failure(reason=met.reason, message=str(met), hint=met.hint)
            self._surface.board.notify(Waiting(repo=name, failure=failure))
            self._surface.board.expect(name, seconds=math.inf)
            told = {"reason": met.reason, "message": str(met), "hint": met.hint, "retry_in": _AGAIN}
            get_logger(repo=name).error("unit_failed", **told)
            return
        del self._coming[name]
        self.start(name)

    # --- the end ---

    def stop(self) -> None:
        """Ask all to end."""
        for unit in self.current.values():
            unit.stop()

    def kill(self) -> None:
        """End what still runs, at once."""
        for unit in self._all():
            unit.kill()

    def release(self) -> None:
        """Give everything back; none may run any more."""
        for unit in self._all():
            unit.release()
        self.remove()

    def remove(self) -> None:
        """Remove what is private."""
        self._scratch.remove()

    def _all(self) -> list[Unit]:
        return [*self.current.values(), *(leaving.unit for leaving in self._leaving)]


def _meet(one: RepoConfig, other: RepoConfig) -> bool:
    """Say whether two of them must not be at work at once."""
    return any(clashes({0: values_of(one), 1: values_of(other)}))
