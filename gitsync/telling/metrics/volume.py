"""The series of the room on the volume: what we take of it, and what is left. Written by the worker's thread."""

from prometheus_client import CollectorRegistry, Gauge

from gitsync.telling.events import Measured, Undeletable


class VolumeMetrics:
    """Sizes in bytes, as allocated, and inodes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._store_size = Gauge("gitsync_store_size_bytes", "Disk use of the store.", registry=registry)
        self._tree_size = Gauge("gitsync_tree_size_bytes", "Disk use of the published tree.", registry=registry)
        self._undeletable = Gauge(
            "gitsync_undeletable_directories", "Old trees with files that cannot be removed.", registry=registry
        )
        self._size = Gauge("gitsync_volume_size_bytes", "Size of the file system of --root.", registry=registry)
        self._available = Gauge(
            "gitsync_volume_available_bytes", "What is left of it for users other than root.", registry=registry
        )
        self._inodes = Gauge("gitsync_volume_inodes", "Inodes of the file system of --root.", registry=registry)
        self._available_inodes = Gauge(
            "gitsync_volume_available_inodes", "How many of them are left.", registry=registry
        )

    def measured(self, event: Measured) -> None:
        """Show what the store and the tree take."""
        self._store_size.set(event.store_size)
        self._tree_size.set(event.tree_size)

    def resisted(self, event: Undeletable) -> None:
        """Show how much stays that nobody needs."""
        self._undeletable.set(event.count)

    def has_room(self, *, size: int, available: int, inodes: int, available_inodes: int) -> None:
        """Show what the file system has in all, and what is left of it."""
        self._size.set(size)
        self._available.set(available)
        self._inodes.set(inodes)
        self._available_inodes.set(available_inodes)
