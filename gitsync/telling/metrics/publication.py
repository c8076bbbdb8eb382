"""The series of what is published, and of the room that it takes. Written by the worker's thread, but for a pause."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from gitsync.telling.events import Measured, Published, Undeletable


class PublicationMetrics:
    """The published commit, its age, and sizes; times are seconds, sizes bytes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._fetches = Counter("git_fetch_count", "Fetches that an update needed.", registry=registry)
        self._published = Gauge("gitsync_published_info", "What is published.", ["hash", "ref"], registry=registry)
        self._commit_time = Gauge(
            "gitsync_published_commit_timestamp_seconds", "When the published commit was made.", registry=registry
        )
        self._lag = Gauge(
            "gitsync_publish_lag_seconds",
            "Time from the making of the commit that was published last to its publication.",
            registry=registry,
        )
        self._taken = Counter(
            "gitsync_trees_taken_early", "Trees used again before their time, for --max-trees.", registry=registry
        )
        self._store_size = Gauge("gitsync_store_size_bytes", "Disk use of the store.", registry=registry)
        self._tree_size = Gauge("gitsync_tree_size_bytes", "Disk use of the published tree.", registry=registry)
        self._paused = Gauge(
            "gitsync_paused", "Whether what is published has to stay (POST /pause).", registry=registry
        )
        self._undeletable = Gauge(
            "gitsync_undeletable_directories", "Old trees with files that cannot be removed.", registry=registry
        )

    def fetched(self) -> None:
        """Count a fetch."""
        self._fetches.inc()

    def published(self, event: Published) -> None:
        """Show what is published now, and only that."""
        self._published.clear()
        self._published.labels(event.commit.hash, event.ref).set(1)
        if event.commit.commit_time is not None:
            self._commit_time.set(event.commit.commit_time)
            if event.fresh:
                self._lag.set(max(0.0, event.published_at - event.commit.commit_time))

    def paused(self, paused: bool) -> None:
        """Show whether it has to stay. Called by HTTP threads."""
        self._paused.set(paused)

    def taken(self) -> None:
        """Count a tree that was used again before its time."""
        self._taken.inc()

    def measured(self, event: Measured) -> None:
        """Show what the store and the tree take."""
        self._store_size.set(event.store_size)
        self._tree_size.set(event.tree_size)

    def resisted(self, event: Undeletable) -> None:
        """Show how much stays that nobody needs."""
        self._undeletable.set(event.count)
