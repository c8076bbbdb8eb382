"""The file of --config, read again: what is right in it counts, and what is wrong changes nothing, and is told.

Used by the main thread.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gitsync.assembly import located_apart
from gitsync.base.errors import ConfigError, GitSyncError
from gitsync.base.log import get_logger
from gitsync.config import Config, RepoConfig
from gitsync.config.differences import differences
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import FileStatus, StatusBoard


class Reloading:
    """What the file has said last, of the process and of its repositories."""

    def __init__(self, file: Path, config: Config, read: Callable[[], Config]) -> None:
        """`read` returns what it says now, with flags and variables, or raises `ConfigError`."""
        self._config = config
        self._read = read
        self._log = get_logger(file=str(file))
        self._status = FileStatus(file=str(file), loaded_at=time.time())

    def repos(self) -> Sequence[RepoConfig] | None:
        """Read it, and return all repositories that it has now, None if something is wrong with it."""
        try:
            found = self._read()
            repos = located_apart(self._as_they_must_be(found.repos))
        except GitSyncError as error:
            problems = error.problems if isinstance(error, ConfigError) else (str(error),)
            self._status = replace(self._status, problems=tuple(problems))
            for problem in problems:
                self._log.error("config_invalid", message=problem, hint="what it has said before still counts")
            return None
        if named := differences(self._config, found):
            self._log.warning("config_needs_restart", options=named)
        for warning in set(found.warnings) - set(self._config.warnings):
            self._log.warning("config_warning", message=warning)
        self._status = replace(self._status, loaded_at=time.time(), problems=(), needs_restart=tuple(named))
        return repos

    def tell(self, board: StatusBoard, metrics: Metrics) -> None:
        """Show what has become of it."""
        board.file = self._status
        metrics.several.read(self._status)

    def _as_they_must_be(self, repos: Sequence[RepoConfig]) -> list[RepoConfig]:
        """Return repositories with what the process has as a whole, as it was at the start."""
        first = self._config.repos[0]
        return [
            replace(
                repo,
                schedule=replace(repo.schedule, one_time=first.schedule.one_time),
                upkeep=replace(repo.upkeep, group_write=first.upkeep.group_write),
                git=replace(repo.git, git=first.git.git),
            )
            for repo in repos
        ]
