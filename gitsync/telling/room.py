"""Looks how much room the volume has, after each pass.

An observer of the worker's events, on its thread: it asks the file system, which may hang, and so may no scrape.
"""

import contextlib
import os
from pathlib import Path

from gitsync.telling.events import Event, PassFinished
from gitsync.telling.metrics import Metrics


class Room:
    """Tells the metrics of the file system that the directory `work` of a repository is on."""

    def __init__(self, work: Path, metrics: Metrics) -> None:
        self._work = work
        self._metrics = metrics

    def notify(self, event: Event) -> None:
        """Look, if a pass has ended; a volume that does not let us is what the pass has failed for."""
        if not isinstance(event, PassFinished):
            return
        with contextlib.suppress(OSError):
            # https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/sys_statvfs.h.html
            found = os.statvfs(self._work)
            self._metrics.volume.has_room(
                event.repo,
                size=found.f_blocks * found.f_frsize,
                available=found.f_bavail * found.f_frsize,
                inodes=found.f_files,
                available_inodes=found.f_favail,
            )
