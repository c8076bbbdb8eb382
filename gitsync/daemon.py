"""Builds everything, starts the threads, and ends them in order.

The main thread waits for control events: a signal came in, a thread ended. Signal handlers only leave such an event.
Every thread is started through one guard that reports how it ended, so none can be missing unnoticed.
"""

import contextlib
import gc
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Final

from gitsync import __version__
from gitsync.base.errors import EXIT_FAILURE, EXIT_OK, ConfigError, GitSyncError, from_os_error
from gitsync.base.files import Scratch
from gitsync.base.log import get_logger
from gitsync.base.redact import Secret
from gitsync.config import Config, RepoConfig
from gitsync.control import ControlQueue
from gitsync.credentials import Credentials
from gitsync.credentials import build as build_credentials
from gitsync.hooks import Hooks
from gitsync.programs.gitcmd import Git, write_configuration
from gitsync.server.app import Application
from gitsync.server.http import HttpServer
from gitsync.sync.passes import SyncPass, Workshop
from gitsync.sync.worker import RepoWorker, Surroundings
from gitsync.telling.events import Observers
from gitsync.telling.metrics import Metrics
from gitsync.telling.reports import FileReports
from gitsync.telling.status import RepoStatus, StatusBoard
from gitsync.triggers.mailbox import Mailbox
from gitsync.triggers.watch import Watcher
from gitsync.volume.link import Publisher
from gitsync.volume.mirror import Mirror
from gitsync.volume.trees import Trees

# The part of the time for an orderly end after which what still runs is killed.
_PATIENCE: Final = 0.6
_GIT_VERSION_TIMEOUT: Final = 10.0
_OLDEST_GIT: Final = (2, 34)
# What is published counts as stale when this many periods (and the timeout of a pass) brought no confirmation.
_STALE_PERIODS: Final = 3
# Seconds between looks for a thread that has said that it ends.
_LAST_BREATH: Final = 0.05
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class _Signalled:
    number: int


@dataclass(frozen=True)
class _Ended:
    thread: str
    code: int | None


@dataclass(frozen=True)
class _Unit:
    """One repository at work."""

    repo: RepoConfig
    git: Git
    credentials: Credentials
    mirror: Mirror
    sync: SyncPass
    mailbox: Mailbox
    worker: RepoWorker
    hooks: Hooks
    watcher: Watcher


class Daemon:
    """The process: everything it consists of, from start to end. Used by the main thread only."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._log = get_logger()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        # The threads of the hooks that run once: the process ends after them.
        self._last_hooks: set[str] = set()
        self._http: HttpServer | None = None
        self._git_version: str | None = None
        self._metrics = Metrics()
        repos = [_located(repo) for repo in config.repos]
        self._board = StatusBoard([_first_status(repo) for repo in repos])
        self._events: ControlQueue[_Signalled | _Ended] = ControlQueue()
        self._scratch = Scratch()
        try:
            self._units = [self._build(repo, number) for number, repo in enumerate(repos)]
        except BaseException:
            self._scratch.remove()
            self._events.close()
            raise

    def run(self) -> int:
        """Run until a signal, an end or a failure; return the exit code. Raise `GitSyncError` if it cannot start."""
        try:
            self._start()
            code = self._serve()
        finally:
            self._shutdown()
        self._log.info("stopped", code=code)
        return code

    def _build(self, repo: RepoConfig, number: int) -> _Unit:
        home = self._scratch.path / str(number)
        home.mkdir(mode=0o700)
        configuration = home / "gitconfig"
        hooks = Hooks(repo, self._metrics)
        observers = Observers([self._board, self._metrics, FileReports(repo), *hooks.observers])
        credentials = build_credentials(repo, directory=home / "credentials", observers=observers)
        write_configuration(configuration, repo, extra=credentials.settings())
        git = Git(repo, home=home, configuration=configuration, credentials=credentials.environment)
        mirror = Mirror(repo, git, stop=self._stop)
        publisher = Publisher(repo.link)
        workshop = Workshop(
            git=git,
            mirror=mirror,
            trees=Trees(repo, git),
            publisher=publisher,
            observers=observers,
            credentials=credentials,
        )
        sync = SyncPass(repo, workshop)
        mailbox = Mailbox(git.interrupt)
        surroundings = Surroundings(mailbox=mailbox, board=self._board, observers=observers)
        publisher.check()
        if sync.adopt() and sync.published:
            self._board.adopt(repo.name, sync.published, publisher.published_at())
        worker = RepoWorker(repo, sync, surroundings)
        return _Unit(repo, git, credentials, mirror, sync, mailbox, worker, hooks, Watcher(repo, mailbox))

    def _start(self) -> None:
        if any(unit.repo.group_write for unit in self._units):
            os.umask(0o002)
        for number in {*_ENDING, *self._triggers()}:
            signal.signal(number, self._on_signal)
        self._log.info("starting", version=__version__, options=self._config.shown)
        # Served first: what is published already counts at once, and the first command of git takes long to start.
        self._listen()
        self._git_version = self._ask_git_version()
        self._log.info("git_found", git_version=self._git_version)
        self._metrics.built_with(self._git_version)
        # All is imported; `__main__` has kept the collector from looking through it, and it need not do so later.
        gc.freeze()
        gc.enable()
        for unit in self._units:
            if unit.watcher.needed and not unit.repo.schedule.one_time:
                self._spawn(f"watcher {unit.repo.name}", unit.watcher.run)
            for name, body in unit.hooks.bodies:
                thread = f"{name} {unit.repo.name}"
                if unit.repo.schedule.one_time:
                    self._last_hooks.add(thread)
                self._spawn(thread, body)
            self._spawn(f"worker {unit.repo.name}", unit.worker.run)

    def _triggers(self) -> list[int]:
        return [self._config.sync_on_signal] if self._config.sync_on_signal else []

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._events.put(_Signalled(number))

    def _ask_git_version(self) -> str:
        deadline = time.monotonic() + _GIT_VERSION_TIMEOUT
        text = self._units[0].git.run(["version"], deadline=deadline).stdout.strip()
        found = re.search(r"(\d+)\.(\d+)\S*", text)
        if not found or (int(found[1]), int(found[2])) < _OLDEST_GIT:
            oldest = ".".join(map(str, _OLDEST_GIT))
            raise GitSyncError(f"{text!r} is too old", reason="git_missing", hint=f"install git {oldest} or newer")
        return found[0]

    def _listen(self) -> None:
        bind = self._config.http_bind
        if bind is None:
            return
        app = Application(
            board=self._board,
            metrics=self._metrics,
            mailboxes=tuple(unit.mailbox for unit in self._units),
            secret=_secret_source(self._config),
            git_version=lambda: self._git_version,
            shows_metrics=self._config.http_metrics,
            shows_stacks=self._config.http_pprof,
        )
        try:
            self._http = HttpServer(bind, app)
        except GitSyncError as error:
            if bind.explicit:
                raise
            self._log.warning("http_port_taken", message=str(error), hint=error.hint)
            return
        self._spawn("http", self._http.serve)

    def _spawn(self, name: str, body: Callable[[], int | None]) -> None:
        """Start a thread whose end, expected or not, reaches the main thread."""

        def guarded() -> None:
            code: int | None = EXIT_FAILURE
            try:
                code = body()
            except Exception as error:
                self._log.error("thread_failed", thread=name, exc_info=error)
            finally:
                self._events.put(_Ended(name, code))

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> int:
        """Handle control events until the process has to end; return its exit code."""
        working = len(self._units) + len(self._last_hooks)
        worst = EXIT_OK
        while True:
            event = self._events.get()
            if event is None:
                continue
            if isinstance(event, _Signalled):
                if event.number in _ENDING:
                    self._log.info("stopping", signal=signal.Signals(event.number).name)
                    return EXIT_OK
                for unit in self._units:
                    unit.mailbox.post("signal")
                continue
            if event.code == EXIT_OK or event.thread in self._last_hooks:
                # One that failed does not keep the others from their end.
                worst = max(worst, event.code or EXIT_OK)
                working -= 1
                if working:
                    continue
                return worst
            self._log.error("thread_ended", thread=event.thread)
            return EXIT_FAILURE

    def _shutdown(self) -> None:
        """End in order: no more requests and triggers, no more work, then what still runs is killed."""
        deadline = time.monotonic() + self._config.shutdown_timeout
        for number in _ENDING:
            signal.signal(number, self._on_second_signal)
        self._stop.set()
        if self._http:
            self._http.close()
        for unit in self._units:
            unit.watcher.stop()
        for unit in self._units:
            unit.worker.stop()
            unit.credentials.cancel()
            unit.git.cancel()
            unit.hooks.cancel()
        self._join(deadline - self._config.shutdown_timeout * (1 - _PATIENCE))
        for unit in self._units:
            unit.git.kill()
            unit.hooks.kill()
        self._join(deadline)
        for thread in self._alive():
            self._log.error("thread_left", thread=thread.name)
        for unit in self._units:
            unit.mirror.unlock()
        self._scratch.remove()
        self._events.close()

    def _alive(self) -> list[threading.Thread]:
        return [thread for thread in self._threads if thread.is_alive()]

    def _join(self, deadline: float) -> None:
        """Wait for all threads, in a way that lets a second signal through."""
        while self._alive() and time.monotonic() < deadline:
            # The event is the last thing but one that a thread does, so it may still be alive for a moment.
            event = self._events.get(timeout=min(_LAST_BREATH, deadline - time.monotonic()))
            # A second signal that came before its handler was in place.
            if isinstance(event, _Signalled) and event.number in _ENDING:
                self._on_second_signal(event.number, None)

    def _on_second_signal(self, number: int, frame: FrameType | None) -> None:
        for unit in self._units:
            unit.git.kill()
            unit.hooks.kill()
        with contextlib.suppress(OSError):
            self._scratch.remove()
        os._exit(128 + number)


def _located(repo: RepoConfig) -> RepoConfig:
    """Create the root, and return the configuration with the real paths of root and link."""
    try:
        repo.root.mkdir(parents=True, exist_ok=True)
        repo.link.parent.mkdir(parents=True, exist_ok=True)
        root = repo.root.resolve()
        return replace(repo, root=root, link=repo.link.parent.resolve() / repo.link.name)
    except OSError as error:
        raise from_os_error(error, doing=f"preparing --root={repo.root}") from error


def _first_status(repo: RepoConfig) -> RepoStatus:
    schedule = repo.schedule
    return RepoStatus(
        repo=repo.name,
        ref=repo.ref,
        link=str(repo.link),
        stale_after=_STALE_PERIODS * schedule.period + schedule.sync_timeout,
        act_by=time.monotonic() + schedule.sync_timeout,
    )


def _secret_source(config: Config) -> Callable[[], Secret] | None:
    """Return what reads the receiver's secret, None where there is no receiver; refuse one that is empty."""
    if config.receiver_secret is not None:
        value = config.receiver_secret
        return lambda: value
    if config.receiver_secret_file is None:
        return None
    source = _file_secret(config.receiver_secret_file)
    try:
        empty = not source().reveal()
    except OSError as error:
        problem = f"--receiver-secret-file={config.receiver_secret_file}: {error.strerror}; name a readable file"
        raise ConfigError([problem]) from error
    if empty:
        raise ConfigError([f"--receiver-secret-file={config.receiver_secret_file}: it is empty; write a secret to it"])
    return source


def _file_secret(path: Path) -> Callable[[], Secret]:
    def read() -> Secret:
        text = path.read_text()
        return Secret(text.removesuffix("\n").removesuffix("\r"))

    return read
