"""The series of how far what is published can be relied on: confirmed when, and behind the remote since when."""

from prometheus_client import CollectorRegistry, Gauge

from gitsync.telling.events import PassFinished, PassStarted, SyncResult


class FreshnessMetrics:
    """When passes ran and succeeded, and since when the remote has had something else; times are Unix seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._last_success = Gauge(
            "gitsync_last_success_timestamp_seconds", "When a pass last succeeded; 0 for never.", registry=registry
        )
        self._last_attempt = Gauge(
            "gitsync_last_attempt_timestamp_seconds", "When a pass last started; 0 for never.", registry=registry
        )
        self._stale_after = Gauge(
            "gitsync_stale_after_seconds",
            "How long after the last success what is published counts as stale.",
            registry=registry,
        )
        self._behind_since = Gauge(
            "gitsync_behind_since_timestamp_seconds",
            "Since when the remote is known to have another commit than is published; 0 if it has none.",
            registry=registry,
        )
        self._is_behind = False

    def follow(self, *, stale_after: float) -> None:
        """Show after how many seconds without a success that is too long ago. Called by the main thread."""
        self._stale_after.set(stale_after)

    def started(self, event: PassStarted) -> None:
        """Note when a pass has started. Called by the worker's thread."""
        self._last_attempt.set(event.started_at)

    def finished(self, event: PassFinished) -> None:
        """Note a success; after a failure, whether it keeps something new from being published. Called by the worker.

        A pass that could not ask the remote changes nothing of what is known.
        """
        result = event.result
        if result.failure is None:
            self._last_success.set(result.finished_at)
            self._behind_since.set(0.0)
            self._is_behind = False
        elif not self._is_behind and _has_seen_another(result):
            self._behind_since.set(result.finished_at - result.duration)
            self._is_behind = True


def _has_seen_another(result: SyncResult) -> bool:
    published = result.commit.hash if result.commit else None
    return result.wanted is not None and result.wanted != published
