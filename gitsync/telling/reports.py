"""The two files that tell others how it goes: one is touched by a publication, one holds the current error.

An observer of the worker's events, on its thread.
"""

import json
from pathlib import Path

from gitsync.base import nolinks
from gitsync.base.errors import HINTS
from gitsync.config import RepoConfig
from gitsync.telling.events import Event, Failure, PassFinished, Published


class FileReports:
    """Keeps `--touch-file` and `--error-file` of one repository."""

    def __init__(self, repo: RepoConfig) -> None:
        self._repo = repo

    def notify(self, event: Event) -> None:
        """Touch the one, write or remove the other; raise `OSError`."""
        if isinstance(event, Published) and self._repo.upkeep.touch_file:
            _touch(self._repo.upkeep.touch_file)
        elif isinstance(event, PassFinished) and self._repo.upkeep.error_file:
            self._report(self._repo.upkeep.error_file, event.result.failure)

    def _report(self, path: Path, failure: Failure | None) -> None:
        if failure is None:
            nolinks.unlink(path)
            return
        nolinks.make_directory(path.parent)
        # The three names at the top are those that git-sync's users read.
        hint = failure.hint or HINTS.get(failure.reason)
        named = {"repo": self._repo.name, "url": self._repo.repo, "ref": self._repo.ref}
        details = {**named, "reason": failure.reason, "hint": hint}
        content = {"Msg": "sync failed", "Err": failure.message, "Args": details}
        nolinks.write(path, json.dumps(content, indent=2) + "\n", clear=False)


def _touch(path: Path) -> None:
    nolinks.make_directory(path.parent)
    nolinks.touch(path)
