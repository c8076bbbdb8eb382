"""Gets rid of what nobody needs any more, and makes room on a full volume."""

import contextlib
import time

from gitsync.base.errors import GitSyncError, PublishError
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig
from gitsync.sync.memory import Known, Memory
from gitsync.sync.parts import Parts
from gitsync.telling.events import TreesKept
from gitsync.volume.takeover import Takeover


class Tidying:
    """The order on the volume of one repository."""

    def __init__(self, repo: RepoConfig, parts: Parts) -> None:
        self._name = repo.name
        self._timeout = repo.schedule.sync_timeout
        self._parts = parts
        self._takeover = Takeover(repo)
        self._log = get_logger(repo=repo.name)

    def tidy(self, memory: Memory) -> None:
        """Retire and remove the trees that nobody needs any more; failures are logged."""
        parts = self._parts
        if not parts.lock.held:
            # They are another process's.
            return
        try:
            parts.lock.check_directories()
            linked = parts.publisher.current()
            kept = parts.trees.retirement.tidy(linked, parts.stores.all(), parts.stores.current.path)
            standbys = sum(tree.private for tree in kept)
            left = sum(tree.path != linked for tree in kept) - standbys
            parts.observers.notify(TreesKept(repo=self._name, left=left, standbys=standbys))
            if memory.announced:
                self._takeover.sweep(linked, parts.trees.disposal.discard)
        except (OSError, PublishError) as error:
            self._log.warning("tidy_failed", message=str(error))

    def due(self, known: Known) -> bool:
        """Say whether a pass ends with it: after a publication, and when the time of a tree has come."""
        return known.outcome != "unchanged" or self._parts.trees.retirement.untidy

    def tidy_after(self, known: Known) -> Known:
        """Tidy at the end of a pass."""
        self.tidy(known.memory)
        return known

    def make_room(self) -> None:
        """Remove all that is not published, so that a smaller commit has a chance on a full volume."""
        if not self._parts.lock.held:
            return
        with contextlib.suppress(GitSyncError, OSError):
            self._parts.trees.disposal.drop_private(self._parts.stores.all())
            self._parts.stores.sweep()
            self._parts.stores.prune(deadline=time.monotonic() + self._timeout)
