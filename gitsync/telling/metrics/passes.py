"""The series of passes: how many, how long, why, and how they ended. Written by the worker's thread."""

from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from gitsync.telling.events import Outcome, PassFinished, PassStarted, Source

_PHASES: Final = ("credentials", "probe", "wait", "fetch", "stage", "gate", "publish", "tidy", "heal")
_BUCKETS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_STATUS: Final[dict[Outcome, str]] = {
    "updated": "success",
    "repaired": "success",
    "unchanged": "noop",
    "failed": "error",
}
_SOURCES: Final[tuple[Source, ...]] = get_args(Source)


class PassMetrics:
    """Passes, their steps, and their failures; durations are seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the series; those whose labels are known exist from the start, so that rates over them work."""
        self._duration = Summary("git_sync_duration_seconds", "Duration of passes.", ["status"], registry=registry)
        self._count = Counter("git_sync_count", "Passes.", ["status"], registry=registry)
        self._in_a_row = Gauge(
            "gitsync_consecutive_failures", "Failed passes since the last success.", registry=registry
        )
        self._failures = Counter("gitsync_failures", "Failed passes by reason.", ["reason"], registry=registry)
        self._phase = Histogram(
            "gitsync_phase_duration_seconds",
            "Duration of the steps of passes.",
            ["phase"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._triggers = Counter(
            "gitsync_triggers",
            "Passes by what started them; a pass may have several sources.",
            ["source"],
            registry=registry,
        )
        for status in dict.fromkeys(_STATUS.values()):
            self._duration.labels(status)
            self._count.labels(status)
        for phase in _PHASES:
            self._phase.labels(phase)
        for source in _SOURCES:
            self._triggers.labels(source)

    def started(self, event: PassStarted) -> None:
        """Count what has started a pass."""
        for source in event.triggers.sources:
            self._triggers.labels(source).inc()

    def finished(self, event: PassFinished) -> None:
        """Count a pass by its outcome, with its duration and those of its steps in seconds."""
        result = event.result
        status = _STATUS[result.outcome]
        self._count.labels(status).inc()
        self._duration.labels(status).observe(result.duration)
        for phase, seconds in result.phases.items():
            self._phase.labels(phase).observe(seconds)
        self._in_a_row.set(event.consecutive_failures)
        if result.failure:
            self._failures.labels(result.failure.reason).inc()
