"""The series of how far what is published can be relied on: confirmed when, and behind the remote since when."""

from prometheus_client import Gauge

from gitsync.telling.events import PassFinished, PassStarted, SyncResult
from gitsync.telling.metrics.labelled import Labelled


class FreshnessMetrics:
    """When passes ran and succeeded, and since when the remote has had something else; times are Unix seconds."""

    def __init__(self, labelled: Labelled) -> None:
        self._last_success = labelled.make(
            Gauge, "gitsync_last_success_timestamp_seconds", "When a pass last succeeded; 0 for never."
        )
        self._last_attempt = labelled.make(
            Gauge, "gitsync_last_attempt_timestamp_seconds", "When a pass last started; 0 for never."
        )
        self._stale_after = labelled.make(
            Gauge,
            "gitsync_stale_after_seconds",
            "How long after the last success what is published counts as stale.",
        )
        self._behind_since = labelled.make(
            Gauge,
            "gitsync_behind_since_timestamp_seconds",
            "Since when the remote is known to have another commit than is published; 0 if it has none.",
        )
        # The repositories that are.
        self._behind: set[str] = set()

    def follow(self, repo: str, *, stale_after: float) -> None:
        """Show after how many seconds without a success that is too long ago. Called by the main thread."""
        self._stale_after.labels(repo).set(stale_after)
        for series in (self._last_success, self._last_attempt, self._behind_since):
            series.labels(repo)

    def forget(self, repo: str) -> None:
        """Know nothing of a repository any more. Called by the main thread."""
        self._behind.discard(repo)

    def started(self, event: PassStarted) -> None:
        """Note when a pass has started. Called by the worker's thread."""
        self._last_attempt.labels(event.repo).set(event.started_at)

    def finished(self, event: PassFinished) -> None:
        """Note a success; after a failure, whether it keeps something new from being published. Called by the worker.

        A pass that could not ask the remote changes nothing of what is known.
        """
        repo, result = event.repo, event.result
        if result.failure is None:
            self._last_success.labels(repo).set(result.finished_at)
            self._behind_since.labels(repo).set(0.0)
            self._behind.discard(repo)
        elif repo not in self._behind and _has_seen_another(result):
            self._behind_since.labels(repo).set(result.finished_at - result.duration)
            self._behind.add(repo)


def _has_seen_another(result: SyncResult) -> bool:
    published = result.commit.hash if result.commit else None
    return result.wanted is not None and result.wanted != published
