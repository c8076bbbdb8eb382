"""The series of the time from a trigger to what it has led to. Written by the worker's thread."""

import time
from typing import Final

from prometheus_client import Histogram

from gitsync.telling.events import PassFinished, PassStarted, Published, Source
from gitsync.telling.metrics.labelled import Labelled

_SOURCES: Final[tuple[Source, ...]] = ("signal", "webhook", "file", "sync", "peer")
_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class LatencyMetrics:
    """The seconds from when a trigger was left to when the link led to an update.

    Counted is, once for each source, what a pass was run for that has published an update: from the first of the source
    on, and over the passes before that failed. Triggers without an update are not counted: nothing was new, it was
    refused, or the pass that ran when they came has seen their commit already, and the pass that follows finds nothing.
    """

    def __init__(self, labelled: Labelled) -> None:
        self._latency = labelled.make(
            Histogram,
            "gitsync_trigger_to_publish_seconds",
            "Time from a trigger to the publication of the update that it has led to.",
            ("source",),
            buckets=_BUCKETS,
        )
        # When what is not answered by a publication yet was left, by repository and source.
        self._waiting: dict[str, dict[Source, float]] = {}

    def follow(self, repo: str) -> None:
        """Have the series exist from the start, so that rates over them work. Called by the main thread."""
        for source in _SOURCES:
            self._latency.labels(repo, source)

    def forget(self, repo: str) -> None:
        """Know nothing of a repository any more. Called by the main thread."""
        self._waiting.pop(repo, None)

    def started(self, event: PassStarted) -> None:
        """Note what a pass is run for; what waits since a pass that failed waits longer."""
        waiting = self._waiting.setdefault(event.repo, {})
        for source, left_at in event.triggers.left_at.items():
            if source in _SOURCES:
                waiting.setdefault(source, left_at)

    def published(self, event: Published) -> None:
        """Count what has waited for an update, to which the link leads now; another tree of the same commit is none."""
        if event.fresh and not event.again:
            now = time.monotonic()
            for source, left_at in self._waiting.pop(event.repo, {}).items():
                self._latency.labels(event.repo, source).observe(now - left_at)

    def finished(self, event: PassFinished) -> None:
        """Forget what a pass was run for, unless it has failed and what the remote has was not even refused."""
        failure = event.result.failure
        if failure is None or failure.retry_in is not None:
            self._waiting.pop(event.repo, None)
