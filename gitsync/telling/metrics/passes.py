"""The series of passes: how many, how long, why, and how they ended. Written by the worker's thread."""

from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram, Summary

from gitsync.telling.events import Moved, Outcome, PassFinished, PassStarted, Source
from gitsync.telling.metrics.labelled import Labelled

_PHASES: Final = ("credentials", "probe", "wait", "fetch", "verify", "stage", "gate", "publish", "tidy", "heal")
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

    def __init__(self, labelled: Labelled) -> None:
        self._duration = labelled.make(Summary, "git_sync_duration_seconds", "Duration of passes.", ("status",))
        self._count = labelled.make(Counter, "git_sync_count", "Passes.", ("status",))
        self._in_a_row = labelled.make(Gauge, "gitsync_consecutive_failures", "Failed passes since the last success.")
        self._failures = labelled.make(Counter, "gitsync_failures", "Failed passes by reason.", ("reason",))
        self._phase = labelled.make(
            Histogram,
            "gitsync_phase_duration_seconds",
            "Duration of the steps of passes.",
            ("phase",),
            buckets=_BUCKETS,
        )
        self._triggers = labelled.make(
            Counter,
            "gitsync_triggers",
            "Passes by what started them; a pass may have several sources.",
            ("source",),
        )
        self._repairs = labelled.make(
            Counter, "gitsync_repairs", "Repairs of what is published, which was not as it was left."
        )
        self._moves = labelled.make(
            Counter,
            "gitsync_ref_moves",
            "Updates after which what is followed was older than before (back), or had another history (rewritten).",
            ("kind",),
        )

    def follow(self, repo: str) -> None:
        """Have the series whose labels are known exist from the start, so that rates over them work. Main thread."""
        self._in_a_row.labels(repo)
        self._repairs.labels(repo)
        for kind in get_args(Moved):
            self._moves.labels(repo, kind)
        for status in dict.fromkeys(_STATUS.values()):
            self._duration.labels(repo, status)
            self._count.labels(repo, status)
        for phase in _PHASES:
            self._phase.labels(repo, phase)
        for source in _SOURCES:
            self._triggers.labels(repo, source)

    def started(self, event: PassStarted) -> None:
        """Count what has started a pass."""
        for source in event.triggers.sources:
            self._triggers.labels(event.repo, source).inc()

    def repaired(self, repo: str) -> None:
        """Count a repair."""
        self._repairs.labels(repo).inc()

    def finished(self, event: PassFinished) -> None:
        """Count a pass by its outcome, with its duration and those of its steps in seconds."""
        repo, result = event.repo, event.result
        status = _STATUS[result.outcome]
        self._count.labels(repo, status).inc()
        self._duration.labels(repo, status).observe(result.duration)
        for phase, seconds in result.phases.items():
            self._phase.labels(repo, phase).observe(seconds)
        self._in_a_row.labels(repo).set(event.consecutive_failures)
        if result.moved:
            self._moves.labels(repo, result.moved).inc()
        if result.failure:
            self._failures.labels(repo, result.failure.reason).inc()
