"""The series of the room on the volume: what we take of it, and what is left. Written by the worker's thread."""

from prometheus_client import Gauge

from gitsync.telling.events import Measured, Undeletable
from gitsync.telling.metrics.labelled import Labelled


class VolumeMetrics:
    """Sizes in bytes, as allocated, and inodes."""

    def __init__(self, labelled: Labelled) -> None:
        self._store_size = labelled.make(Gauge, "gitsync_store_size_bytes", "Disk use of the store.")
        self._tree_size = labelled.make(Gauge, "gitsync_tree_size_bytes", "Disk use of the published tree.")
        self._undeletable = labelled.make(
            Gauge, "gitsync_undeletable_directories", "Old trees with files that cannot be removed."
        )
        self._size = labelled.make(Gauge, "gitsync_volume_size_bytes", "Size of the file system of --root.")
        self._available = labelled.make(
            Gauge, "gitsync_volume_available_bytes", "What is left of it for users other than root."
        )
        self._inodes = labelled.make(Gauge, "gitsync_volume_inodes", "Inodes of the file system of --root.")
        self._available_inodes = labelled.make(Gauge, "gitsync_volume_available_inodes", "How many of them are left.")

    def follow(self, repo: str) -> None:
        """Have the series exist from the start. Called by the main thread."""
        for series in (self._store_size, self._tree_size, self._undeletable):
            series.labels(repo)
        self.has_room(repo, size=0, available=0, inodes=0, available_inodes=0)

    def notify(self, event: Measured | Undeletable) -> None:
        """Show what the store and the tree take, or how much stays that nobody needs."""
        match event:
            case Measured():
                self._store_size.labels(event.repo).set(event.store_size)
                self._tree_size.labels(event.repo).set(event.tree_size)
            case Undeletable():
                self._undeletable.labels(event.repo).set(event.count)

    def has_room(self, repo: str, *, size: int, available: int, inodes: int, available_inodes: int) -> None:
        """Show what the file system of a repository has in all, and what is left of it."""
        self._size.labels(repo).set(size)
        self._available.labels(repo).set(available)
        self._inodes.labels(repo).set(inodes)
        self._available_inodes.labels(repo).set(available_inodes)
