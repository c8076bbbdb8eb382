"""The parts of one repository, put together as the daemon does it, in the test's own process."""

import io
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from gitsync.assembly import build_parts, located
from gitsync.base.log import configure
from gitsync.config import RepoConfig, load
from gitsync.credentials import Credentials, build
from gitsync.programs.gitcmd import Git
from gitsync.programs.gitconfig import write_configuration
from gitsync.remote.probe import Remote
from gitsync.sync.repository import Repository
from gitsync.telling.events import Event, Fetching, Observers, SyncResult
from gitsync.volume.lock import VolumeLock
from gitsync.volume.publication import Publisher
from gitsync.volume.stores import Stores
from gitsync.volume.trees import Trees

TIMEOUT = 30.0


def soon(seconds: float = TIMEOUT) -> float:
    """Return a deadline."""
    return time.monotonic() + seconds


@dataclass
class Recorder:
    """Keeps every event, and may refuse a publication or fail."""

    events: list[Event] = field(default_factory=list)
    react: Callable[[Event], None] | None = None

    def notify(self, event: Event) -> None:
        """Keep the event, then do what the test asked for."""
        self.events.append(event)
        if self.react:
            self.react(event)

    def names(self) -> list[str]:
        """Return the types of the events, but for progress, of which there is as much as git talks."""
        return [type(event).__name__ for event in self.events if not isinstance(event, Fetching)]


@dataclass(frozen=True)
class Workbench:
    """One repository's parts."""

    repo: RepoConfig
    git: Git
    credentials: Credentials
    lock: VolumeLock
    remote: Remote
    stores: Stores
    trees: Trees
    publisher: Publisher
    sync: Repository
    recorder: Recorder

    def run(self, seconds: float = TIMEOUT) -> SyncResult:
        """Run one pass."""
        return self.sync.run(deadline=soon(seconds))

    def do_chores(self) -> None:
        """Do all that can wait, as the worker does between passes."""
        while self.sync.chore(deadline=soon()):
            pass

    def published(self) -> str:
        """Return the hash that the link shows."""
        current = self.publisher.current()
        assert current is not None
        return current.name

    def close(self) -> None:
        """Give the lock back, as the end of a process does."""
        self.remote.close()
        self.lock.release()


MakeWorkbench = Callable[..., Workbench]


@pytest.fixture
def make_workbench(tmp_path: Path, root: Path) -> Iterator[Callable[..., Workbench]]:
    """A function that builds the parts for a repository's URL; options as in the configuration.

    None leaves out what is given otherwise; `work` is where what is ours alone lies, the root unless it is given.
    """
    numbers = itertools.count()
    stack = ExitStack()

    def make(url: str, *, work: Path | None = None, **options: Any) -> Workbench:
        flags = {"root": root, "stale_worktree_timeout": "0s", **options}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items() if value is not None]
        repo = load(["--repo", url, *arguments], {}).repos[0]
        repo = located(replace(repo, placement=replace(repo.placement, work=work or repo.work)))
        home = tmp_path / f"home-{next(numbers)}"
        home.mkdir()
        recorder = Recorder()
        observers = Observers([recorder])
        credentials = build(repo, directory=home / "credentials", observers=observers)
        write_configuration(home / "gitconfig", repo, extra=credentials.settings())
        git = Git(repo, home=home, configuration=home / "gitconfig", credentials=credentials)
        parts = build_parts(repo, git, credentials=credentials, observers=observers, stop=threading.Event())
        made = {field.name: getattr(parts, field.name) for field in fields(Workbench) if hasattr(parts, field.name)}
        workbench = Workbench(repo=repo, sync=Repository(repo, parts), recorder=recorder, **made)
        stack.callback(workbench.close)
        return workbench

    with stack:
        yield make


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged."""
    root = logging.getLogger()
    handlers, level, stream = root.handlers[:], root.level, io.StringIO()
    configure(verbose=1, style="json", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
