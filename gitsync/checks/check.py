"""What a check is, what it finds, and what it is made on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from gitsync.assembly import equip
from gitsync.base.scratch import Scratch
from gitsync.config import Config, RepoConfig
from gitsync.credentials import Credentials
from gitsync.programs.gitcmd import Git
from gitsync.remote.probe import Remote
from gitsync.remote.prober import Prober
from gitsync.telling.events import Observers

Outcome = Literal["ok", "warning", "failed", "skipped"]


class NotNeededError(Exception):
    """There is nothing to check here; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a check has found where it has not failed; with a `cure` it is a warning."""

    message: str
    cure: str | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What has become of a check; texts may still hold what is secret. `seconds` is how long it took.

    `repo` is the one of several repositories that it was made for.
    """

    name: str
    outcome: Outcome
    message: str
    cure: str | None = None
    seconds: float = 0.0
    repo: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "repo": self.repo,
            "check": self.name,
            "outcome": self.outcome,
            "message": self.message,
            "cure": self.cure,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What asks a remote, with everything that it needs."""

    home: Path
    git: Git
    credentials: Credentials
    remote: Remote


class Subject:
    """One repository of a configuration, which is not changed; nothing is made for it before it is needed."""

    def __init__(self, config: Config, repo: RepoConfig) -> None:
        self.config = config
        self.repo = repo
        self._scratch: Scratch | None = None

    @cached_property
    def tools(self) -> Tools:
        """The tools, with their private files in a directory outside of the volume; raise `GitSyncError`."""
        self._scratch = Scratch()
        observers = Observers()
        home = self._scratch.path / "0"
        git, credentials = equip(self.repo, home=home, observers=observers)
        remote = Remote(self.repo, git, Prober(self.repo, credentials), observers)
        return Tools(home=home, git=git, credentials=credentials, remote=remote)

    def close(self) -> None:
        """End what still runs, and remove the private files."""
        if "tools" in self.__dict__:
            self.tools.credentials.cancel()
            self.tools.git.masters.drop(why="all is checked")
            self.tools.git.kill()
            self.tools.remote.close()
        if self._scratch:
            self._scratch.remove()


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing to try: `run` returns what it has found, or raises `GitSyncError`, `OSError` or `NotNeededError`.

    `needs` names the checks without which it means nothing. It gets a deadline in monotonic seconds, `patience` seconds
    from its start. With `once` it is about the process, and the same for all repositories.
    """

    name: str
    run: Callable[[Subject, float], Found]
    needs: tuple[str, ...] = ()
    once: bool = False
    patience: float = 10.0
