"""The series of what is published. Written by the worker's thread, but for a pause."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from gitsync.telling.events import Published


class PublicationMetrics:
    """The published commit and its age; times are seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._fetches = Counter("git_fetch_count", "Fetches that an update needed.", registry=registry)
        self._published = Gauge(
            "gitsync_published_info", "What is published.", ["repo", "hash", "ref"], registry=registry
        )
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
        self._paused = Gauge(
            "gitsync_paused", "Whether what is published has to stay (POST /pause).", registry=registry
        )

    def fetched(self) -> None:
        """Count a fetch."""
        self._fetches.inc()

    def published(self, event: Published) -> None:
        """Show what is published now, and only that."""
        self._published.clear()
        self._published.labels(event.repo, event.commit.hash, event.ref).set(1)
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
