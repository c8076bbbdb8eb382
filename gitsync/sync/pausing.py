"""Keeps what is published as it is, for as long as somebody wants it to be.

Whether that is so is one value, the mailbox's: it is asked there before a pass, and here before the link changes.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

from gitsync.base.errors import GitSyncError, PublishError, from_os_error
from gitsync.base.log import get_logger
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import Pause, StatusBoard
from gitsync.triggers.mailbox import Mailbox
from gitsync.volume.pausefile import PauseFile

# Seconds for a change of the link that is under way: a few system calls, on a volume that may hang.
_PATIENCE: Final = 5.0


class Pausing:
    """Pauses one repository, and lets it go on."""

    def __init__(self, repo: str, mailbox: Mailbox, file: PauseFile, *, board: StatusBoard, metrics: Metrics) -> None:
        self._repo = repo
        self._mailbox = mailbox
        self._file = file
        self._board = board
        self._metrics = metrics
        self._guard = threading.Lock()
        self._pause: Pause | None = None
        self._log = get_logger(repo=repo)

    def adopt(self) -> None:
        """Go on with the pause that an earlier process has left. Called by the main thread before the worker starts."""
        try:
            found = self._file.read()
        except OSError as error:
            # The first pass meets it as well, and tells what to do.
            self._log.warning("pause_unknown", message=str(from_os_error(error, doing="looking for a pause")))
            return
        if found:
            self._hold(found)

    @contextlib.contextmanager
    def publishing(self) -> Iterator[None]:
        """Let the link be changed in this block; raise `PublishError` if it must not. Called by the worker."""
        with self._guard:
            if self._mailbox.held:
                raise PublishError("it was paused during the pass; what is published stays", reason="paused")
            yield

    def begin(self, reason: str) -> tuple[Pause, bool]:
        """Pause, and return since when and why that is so, and whether a restart keeps it; the first reason counts.

        From the return on nothing is published: a change of the link that is under way is waited for. Raises
        `GitSyncError` if that does not end. Called by HTTP threads, as is `end`.
        """
        with self._settled():
            pause = self._pause or self._hold(Pause(since=time.time(), reason=reason))
            return pause, self._keep(pause)

    def end(self) -> bool:
        """Go on with a pass; say whether it was paused. If a restart would pause us again, raise `GitSyncError`."""
        with self._settled():
            try:
                self._file.remove()
            except OSError as error:
                raise from_os_error(error, doing="ending the pause") from error
            if self._pause is None:
                return False
            self._pause = None
            self._board.pause(self._repo, None)
            self._metrics.paused(self._repo, False)
            self._log.warning("resumed")
            self._mailbox.release()
            return True

    @contextlib.contextmanager
    def _settled(self) -> Iterator[None]:
        """Have no change of the link in this block."""
        if not self._guard.acquire(timeout=_PATIENCE):
            raise PublishError("the link is being changed, and the volume does not answer", reason="filesystem")
        try:
            yield
        finally:
            self._guard.release()

    def _hold(self, pause: Pause) -> Pause:
        self._pause = pause
        self._mailbox.hold()
        self._board.pause(self._repo, pause)
        self._metrics.paused(self._repo, True)
        self._log.warning("paused", since=pause.since, message=pause.reason)
        return pause

    def _keep(self, pause: Pause) -> bool:
        try:
            if self._file.read() is None:
                self._file.write(pause)
        except (OSError, GitSyncError) as error:
            self._log.warning("pause_not_kept", message=str(error), hint="a restart of this container ends the pause")
            return False
        return True
