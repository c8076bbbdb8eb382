"""The life of the process: what is started, what the main thread waits for, and the order of the end.

The main thread waits for control events: a signal came in, a thread ended. Signal handlers only leave such an event.
"""

import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import TYPE_CHECKING, Final

from gitsync import __version__
from gitsync.assembly import Surface, located_apart
from gitsync.base.errors import EXIT_FAILURE, EXIT_OK
from gitsync.base.log import get_logger
from gitsync.config import Config
from gitsync.control import ControlQueue
from gitsync.front import Front
from gitsync.programs.gitversion import ask_version
from gitsync.sync.slots import Slots
from gitsync.telling.ending import End
from gitsync.telling.events import Failure
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import StatusBoard
from gitsync.threads import Ended, Threads
from gitsync.triggers.watch import Watcher
from gitsync.triggers.watched import Watched
from gitsync.units import PATIENCE, Units

if TYPE_CHECKING:
    from gitsync.reload import Reloading

# Seconds between looks for a thread that has said that it ends.
_LAST_BREATH: Final = 0.05
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
_PAUSED: Final = Failure(reason="paused", message="it is paused, and nothing is published")


@dataclass(frozen=True)
class _Signalled:
    number: int


@dataclass(frozen=True)
class _FileChanged:
    pass


class Daemon:
    """The process: everything it consists of, from start to end. Used by the main thread only."""

    def __init__(self, config: Config, read: Callable[[], Config]) -> None:
        """Build all units; raise `GitSyncError` if one cannot be. `read` returns the configuration as it is now."""
        self._config = config
        self._log = get_logger()
        self._git_version: str | None = None
        self._events: ControlQueue[_Signalled | _FileChanged | Ended] = ControlQueue()
        # From the first change of the volume on an end is an orderly one.
        self._listen_to_signals()
        slots = Slots(config.several.parallel)
        self._surface = Surface(board=StatusBoard(), metrics=Metrics(), slots=slots)
        self._surface.metrics.several.wait_in(lambda: slots.waiting)
        self._reloading = _reloading(config, read)
        self._threads = Threads(self._events.put)
        self._watcher = Watcher()
        with contextlib.ExitStack() as begun:
            begun.callback(self._events.close)
            repos = located_apart(config.repos)
            self._units = Units(config, self._surface, self._threads, self._watcher)
            begun.callback(self._units.remove)
            self._front = Front(self._surface, self._units, self._threads)
            for repo in repos:
                self._units.build(repo)
            # From here on `run` sees to that.
            begun.pop_all()

    def run(self) -> End:
        """Run until a signal, an end or a failure; return what that is. Raise `GitSyncError` if it cannot start."""
        try:
            self._start()
            end = self._serve()
        finally:
            self._shutdown()
        self._log.info("stopped", code=end.code)
        return end

    def _start(self) -> None:
        if self._config.repos[0].upkeep.group_write:
            os.umask(0o002)
        self._log.info("starting", version=__version__, options=self._config.shown)
        # Served first: what is published already counts at once, and the first command of git takes long to start.
        self._front.listen(self._config, git_version=lambda: self._git_version)
        # It is the same for all repositories.
        self._git_version = ask_version(next(iter(self._units.current.values())).parts.git)
        self._log.info("git_found", git_version=self._git_version)
        if unit := next((unit for unit in self._units.current.values() if unit.repo.git.lfs), None):
            # Only who has --lfs pays for what it takes.
            from gitsync.programs.lfs import ask_lfs_version

            self._log.info("git_lfs_found", git_lfs_version=ask_lfs_version(unit.parts.git))
        self._surface.metrics.built_with(self._git_version)
        # All is imported; `__main__` has kept the collector from looking through it, and it need not do so later.
        gc.freeze()
        gc.enable()
        if self._reloading and self._config.several.config and not self._config.repos[0].schedule.one_time:
            self._reloading.tell(self._surface.board, self._surface.metrics)
            self._watcher.add(
                Watched([self._config.several.config.absolute()], lambda: self._events.put(_FileChanged()))
            )
        for name in self._units.current:
            self._units.start(name)
        if self._watcher.needed:
            self._threads.spawn("watcher", self._watcher.run)

    def _listen_to_signals(self) -> None:
        triggers = [self._config.sync_on_signal] if self._config.sync_on_signal else []
        for number in {*_ENDING, *triggers}:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._events.put(_Signalled(number))

    def _serve(self) -> End:
        """Handle control events until the process has to end; return what it ends with."""
        worst = EXIT_OK
        while True:
            match event := self._events.get(self._units.settle()):
                case _FileChanged():
                    self._reload()
                case _Signalled() if event.number in _ENDING:
                    self._log.info("stopping", signal=signal.Signals(event.number).name)
                    return End(EXIT_OK)
                case _Signalled():
                    for unit in self._units.current.values():
                        unit.mailbox.post("signal")
                case Ended() if not self._units.ended(event.thread):
                    worst = max(worst, event.code or EXIT_OK)
                    if end := self._end_after(event, worst):
                        return end

    def _end_after(self, event: Ended, worst: int) -> End | None:
        """Return what the process ends with, now that a thread has ended, None if it goes on."""
        working = self._units.working
        ended = working.pop(event.thread, None)
        # One hook that failed does not keep the others from their end, nor does a worker that has done its work.
        is_hook = ended is not None and not event.thread.startswith("worker ")
        if event.code != EXIT_OK and not is_hook:
            self._log.error("thread_ended", thread=event.thread)
            if ended is None or not ended.repo.schedule.one_time:
                return End(EXIT_FAILURE, (ended and self._failures()) or (_ended(event.thread),))
            # Others may still be published, once; its hooks have nothing to wait for.
            for name in [name for name, unit in working.items() if unit is ended]:
                del working[name]
        if working:
            return None
        return End(worst, (self._failures() or (_ended(event.thread),)) if worst else ())

    def _reload(self) -> None:
        """Have at work what the file says now; what it says of the process counts after a restart."""
        if self._reloading is None:
            return
        repos = self._reloading.repos()
        self._reloading.tell(self._surface.board, self._surface.metrics)
        if repos is not None:
            self._log.info("config_reloaded", **self._units.change(repos))

    def _failures(self) -> tuple[Failure, ...]:
        """Return what has failed last, of passes and of hooks, with the name of the repository in each message."""
        snapshots = self._surface.board.all()
        found = [(snapshot.watched.repo, snapshot.failure) for snapshot in snapshots if snapshot.failure]
        if not found:
            found = [(snapshot.watched.repo, _PAUSED) for snapshot in snapshots if snapshot.paused]
        found += [(name, failure) for name, unit in self._units.current.items() for failure in unit.hooks.failures]
        return tuple(replace(failure, message=f"{name}: {failure.message}") for name, failure in found)

    def _shutdown(self) -> None:
        """End in order: no more requests and triggers, no more work, then what still runs is killed."""
        deadline = time.monotonic() + self._config.shutdown_timeout
        for number in _ENDING:
            signal.signal(number, self._on_second_signal)
        self._surface.board.close()
        self._front.stop()
        self._watcher.stop()
        self._units.stop()
        self._join(deadline - self._config.shutdown_timeout * (1 - PATIENCE))
        self._units.kill()
        self._join(deadline)
        for name in self._threads.alive():
            self._log.error("thread_left", thread=name)
        self._units.release()
        self._events.close()

    def _join(self, deadline: float) -> None:
        """Wait for all threads, in a way that lets a second signal through."""
        while self._threads.alive() and time.monotonic() < deadline:
            # The event is the last thing but one that a thread does, so it may still be alive for a moment.
            event = self._events.get(timeout=min(_LAST_BREATH, deadline - time.monotonic()))
            # A second signal that came before its handler was in place.
            if isinstance(event, _Signalled) and event.number in _ENDING:
                self._on_second_signal(event.number, None)

    def _on_second_signal(self, number: int, frame: FrameType | None) -> None:
        self._units.kill()
        with contextlib.suppress(OSError):
            self._units.remove()
        os._exit(128 + number)


def _ended(thread: str) -> Failure:
    """Return what there is to say where nothing has failed that a repository knows of."""
    return Failure(
        reason="internal", message=f"the thread {thread!r} has ended", hint="the last lines of the log say more"
    )


def _reloading(config: Config, read: Callable[[], Config]) -> "Reloading | None":
    """Return what reads the file of --config again, if there is one."""
    if not config.several.config:
        return None
    # Only who has such a file pays for what reads it.
    from gitsync.reload import Reloading

    return Reloading(config.several.config, config, read)
