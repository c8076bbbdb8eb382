"""The life of the process: what is started, what the main thread waits for, and the order of the end.

The main thread waits for control events: a signal came in, a thread ended. Signal handlers only leave such an event.
"""

import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Final

from gitsync import __version__
from gitsync.assembly import Surface, Unit, assemble, first_status, located_apart
from gitsync.base.errors import EXIT_FAILURE, EXIT_OK, GitSyncError
from gitsync.base.log import get_logger
from gitsync.base.scratch import Scratch
from gitsync.config import Bind, Config, RepoConfig
from gitsync.control import ControlQueue
from gitsync.programs.gitversion import ask_version
from gitsync.receiver.secret import secret_source
from gitsync.server.http import HttpServer
from gitsync.server.page import Page
from gitsync.server.pages import Pages
from gitsync.server.routes import Route, Site
from gitsync.sync.slots import Slots
from gitsync.telling.ending import End
from gitsync.telling.events import Failure
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import StatusBoard
from gitsync.threads import Ended, Threads

if TYPE_CHECKING:
    from gitsync.receiver.peers import Peers

# The part of the time for an orderly end after which what still runs is killed.
_PATIENCE: Final = 0.6
# Seconds between looks for a thread that has said that it ends.
_LAST_BREATH: Final = 0.05
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
_PAUSED: Final = Failure(reason="paused", message="it is paused, and nothing is published")


@dataclass(frozen=True)
class _Signalled:
    number: int


class Daemon:
    """The process: everything it consists of, from start to end. Used by the main thread only."""

    def __init__(self, config: Config) -> None:
        """Build all units; raise `GitSyncError` if one cannot be."""
        self._config = config
        self._log = get_logger()
        self._http: list[HttpServer] = []
        self._peers: Peers | None = None
        self._git_version: str | None = None
        repos = located_apart(config.repos)
        self._scratch = Scratch()
        board = StatusBoard([first_status(repo) for repo in repos])
        slots = Slots(config.several.parallel)
        self._surface = Surface(board=board, metrics=Metrics(), slots=slots, stop=threading.Event())
        self._surface.metrics.wait_in(lambda: slots.waiting)
        self._events: ControlQueue[_Signalled | Ended] = ControlQueue()
        self._threads = Threads(self._events.put)
        for status in board.all():
            self._surface.metrics.follow(status.watched)
        # By the name of the repository.
        self._units: dict[str, Unit] = {}
        try:
            for count, repo in enumerate(repos):
                self._units[repo.name] = self._assemble(repo, count)
        except BaseException:
            self._scratch.remove()
            self._events.close()
            raise

    def _assemble(self, repo: RepoConfig, count: int) -> Unit:
        home = self._scratch.path / str(count)
        return assemble(repo, self._config.receiver, home=home, surface=self._surface)

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
        if any(unit.repo.upkeep.group_write for unit in self._units.values()):
            os.umask(0o002)
        triggers = [self._config.sync_on_signal] if self._config.sync_on_signal else []
        for number in {*_ENDING, *triggers}:
            signal.signal(number, self._on_signal)
        self._log.info("starting", version=__version__, options=self._config.shown)
        # Served first: what is published already counts at once, and the first command of git takes long to start.
        self._listen()
        # It is the same for all repositories.
        self._git_version = ask_version(next(iter(self._units.values())).git)
        self._log.info("git_found", git_version=self._git_version)
        self._surface.metrics.built_with(self._git_version)
        # All is imported; `__main__` has kept the collector from looking through it, and it need not do so later.
        gc.freeze()
        gc.enable()
        for unit in self._units.values():
            for body in unit.bodies:
                self._threads.spawn(body.name, body.run)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._events.put(_Signalled(number))

    def _listen(self) -> None:
        http, receiver = self._config.http, self._config.receiver
        received = self._receiver_routes()
        heard_at = self._serve_at(receiver.bind, received, name="receiver") if receiver.bind else None
        page = Page(sync_port=heard_at.bound[1] if heard_at else None, has_form=bool(received) and not receiver.bind)
        pages = Pages(
            board=self._surface.board,
            metrics=self._surface.metrics,
            git_version=lambda: self._git_version,
            page=page if http.page else None,
        ).routes(metrics=http.metrics, stacks=http.pprof)
        if not receiver.bind:
            pages |= received
        served_at = self._serve_at(http.bind, pages, name="http") if http.bind else None
        at = heard_at if receiver.bind else served_at
        if at and self._peers:
            self._threads.spawn("peers", partial(self._peers.run, at.bound))

    def _receiver_routes(self) -> dict[str, Route]:
        receiver = self._config.receiver
        secrets = secret_source(receiver)
        if secrets is None:
            return {}
        # Without a secret nobody needs them.
        from gitsync.receiver.door import Door
        from gitsync.receiver.peers import build_peers
        from gitsync.server.controlling import Controlling
        from gitsync.server.receiving import Receiving

        followed = [unit.followed(self._surface.board) for unit in self._units.values()]
        metrics = self._surface.metrics.calls
        self._peers = build_peers(self._config, secrets, metrics)
        door = Door(secrets, followed, metrics, only=receiver.provider, peers=self._peers)
        controlled = [unit.controlled for unit in self._units.values()]
        return Receiving(door).routes() | Controlling(door, controlled, self._surface.board).routes()

    def _serve_at(self, bind: Bind, routes: Mapping[str, Route], *, name: str) -> HttpServer | None:
        try:
            server = HttpServer(bind, Site(routes), name=name)
        except GitSyncError as error:
            if bind.required:
                raise
            self._log.warning("http_port_taken", message=str(error), hint=error.hint)
            return None
        self._http.append(server)
        self._threads.spawn(name, server.serve)
        return server

    def _serve(self) -> End:
        """Handle control events until the process has to end; return what it ends with."""
        working = {body.name: unit for unit in self._units.values() for body in unit.bodies if body.works}
        # One hook that failed does not keep the others from their end, nor does a worker that has done its work.
        hooks = {name for name in working if not name.startswith("worker ")}
        worst = EXIT_OK
        while True:
            event = self._events.get()
            if event is None:
                continue
            if isinstance(event, _Signalled):
                if event.number in _ENDING:
                    self._log.info("stopping", signal=signal.Signals(event.number).name)
                    return End(EXIT_OK)
                for unit in self._units.values():
                    unit.mailbox.post("signal")
                continue
            ended = working.pop(event.thread, None)
            if event.code != EXIT_OK and event.thread not in hooks:
                self._log.error("thread_ended", thread=event.thread)
                if ended is None or not ended.repo.schedule.one_time:
                    return End(EXIT_FAILURE, (ended and self._failures()) or (_ended(event.thread),))
                # Others may still be published, once; its hooks have nothing to wait for.
                working = {name: unit for name, unit in working.items() if unit is not ended}
            worst = max(worst, event.code or EXIT_OK)
            if not working:
                return End(worst, (self._failures() or (_ended(event.thread),)) if worst else ())

    def _failures(self) -> tuple[Failure, ...]:
        """Return what has failed last, of passes and of hooks, with the name of the repository in each message."""
        snapshots = self._surface.board.all()
        found = [(snapshot.watched.repo, snapshot.failure) for snapshot in snapshots if snapshot.failure]
        if not found:
            found = [(snapshot.watched.repo, _PAUSED) for snapshot in snapshots if snapshot.paused]
        found += [(name, failure) for name, unit in self._units.items() for failure in unit.hooks.failures]
        return tuple(replace(failure, message=f"{name}: {failure.message}") for name, failure in found)

    def _shutdown(self) -> None:
        """End in order: no more requests and triggers, no more work, then what still runs is killed."""
        deadline = time.monotonic() + self._config.shutdown_timeout
        for number in _ENDING:
            signal.signal(number, self._on_second_signal)
        self._surface.stop.set()
        self._surface.board.close()
        if self._peers:
            self._peers.stop()
        for server in self._http:
            server.close()
        for unit in self._units.values():
            unit.stop()
        self._join(deadline - self._config.shutdown_timeout * (1 - _PATIENCE))
        for unit in self._units.values():
            unit.kill()
        self._join(deadline)
        for name in self._threads.alive():
            self._log.error("thread_left", thread=name)
        for unit in self._units.values():
            unit.release()
        self._scratch.remove()
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
        for unit in self._units.values():
            unit.kill()
        with contextlib.suppress(OSError):
            self._scratch.remove()
        os._exit(128 + number)


def _ended(thread: str) -> Failure:
    """Return what there is to say where nothing has failed that a repository knows of."""
    return Failure(
        reason="internal", message=f"the thread {thread!r} has ended", hint="the last lines of the log say more"
    )
