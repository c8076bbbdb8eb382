"""The metrics, in a registry of their own. An observer of the worker's events; `render` is called by HTTP threads.

The names that git-sync has are exact, also where the client library would add a suffix.
"""

import platform
from collections.abc import Iterator
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, Summary
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gitsync import __version__
from gitsync.telling.events import (
    CredentialAsked,
    Event,
    Fetched,
    Measured,
    Outcome,
    PassFinished,
    PassStarted,
    Published,
    Source,
)

_PHASES: Final = ("credentials", "probe", "fetch", "stage", "gate", "publish", "tidy", "heal")
_BUCKETS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_STATUS: Final[dict[Outcome, str]] = {
    "updated": "success",
    "repaired": "success",
    "unchanged": "noop",
    "failed": "error",
}
_SOURCES: Final[tuple[Source, ...]] = ("start", "period", "signal", "webhook", "file")


class _ExactCounter(Collector):
    """A count under a name that does not end in `_total`, as the client library's own counters would."""

    def __init__(self, name: str, documentation: str, statuses: tuple[str, ...]) -> None:
        self._name = name
        self._documentation = documentation
        self._counts = dict.fromkeys(statuses, 0)

    def count(self, status: str) -> None:
        """Count one. Called by one thread only."""
        self._counts[status] += 1

    def collect(self) -> Iterator[Metric]:
        metric = Metric(self._name, self._documentation, "unknown")
        for status, count in self._counts.items():
            metric.add_sample(self._name, {"status": status}, count)
        yield metric


def _credential_counters() -> dict[str, _ExactCounter]:
    """Return the counters of requests for logins, by their source."""
    statuses = ("success", "error")
    askpass = _ExactCounter("git_sync_askpass_calls", "Calls of the askpass URL.", statuses)
    tokens = _ExactCounter("git_sync_refresh_github_app_token_count", "GitHub App tokens asked for.", statuses)
    return {"askpass": askpass, "github_app": tokens}


class Metrics:
    """All series of the process."""

    def __init__(self) -> None:
        # Go's client has no such series, and they would double the size of a scrape.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        self._duration = Summary("git_sync_duration_seconds", "Duration of passes.", ["status"], registry=registry)
        self._count = Counter("git_sync_count", "Passes.", ["status"], registry=registry)
        self._fetches = Counter("git_fetch_count", "Fetches that an update needed.", registry=registry)
        self._last_success = Gauge(
            "gitsync_last_success_timestamp_seconds", "When a pass last succeeded; 0 for never.", registry=registry
        )
        self._last_attempt = Gauge(
            "gitsync_last_attempt_timestamp_seconds", "When a pass last started; 0 for never.", registry=registry
        )
        self._row = Gauge("gitsync_consecutive_failures", "Failed passes since the last success.", registry=registry)
        self._failures = Counter("gitsync_failures", "Failed passes by reason.", ["reason"], registry=registry)
        self._published = Gauge("gitsync_published_info", "What is published.", ["hash", "ref"], registry=registry)
        self._commit_time = Gauge(
            "gitsync_published_commit_timestamp_seconds", "When the published commit was made.", registry=registry
        )
        self._lag = Gauge(
            "gitsync_publish_lag_seconds",
            "Time from the making of the commit that was published last to its publication.",
            registry=registry,
        )
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
        self._receiver = Counter(
            "gitsync_receiver_requests", "Requests to /webhook.", ["provider", "outcome"], registry=registry
        )
        self._hooks = Counter("git_sync_hook_run_count", "Runs of hooks.", ["name", "status"], registry=registry)
        self._store_size = Gauge("gitsync_store_size_bytes", "Disk use of the store.", registry=registry)
        self._tree_size = Gauge("gitsync_tree_size_bytes", "Disk use of the published tree.", registry=registry)
        self._build = Gauge(
            "gitsync_build_info", "Versions.", ["version", "git_version", "python_version"], registry=registry
        )
        self._credentials = _credential_counters()
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        """Make the series whose labels are known exist from the start, so that rates over them work."""
        ProcessCollector(registry=self._registry)
        for status in ("success", "error", "noop"):
            self._duration.labels(status)
            self._count.labels(status)
        for phase in _PHASES:
            self._phase.labels(phase)
        for source in _SOURCES:
            self._triggers.labels(source)
        for counter in self._credentials.values():
            self._registry.register(counter)

    def notify(self, event: Event) -> None:
        """Follow the worker's events."""
        match event:
            case PassStarted():
                self._last_attempt.set(event.started_at)
                for source in event.sources:
                    self._triggers.labels(source).inc()
            case CredentialAsked():
                self._credentials[event.source].count("success" if event.succeeded else "error")
            case Fetched():
                self._fetches.inc()
            case Published():
                self._on_published(event)
            case Measured():
                self._store_size.set(event.store_size)
                self._tree_size.set(event.tree_size)
            case PassFinished():
                self._on_finished(event)
            case _:
                pass

    def _on_published(self, event: Published) -> None:
        self._published.clear()
        self._published.labels(event.commit.hash, event.ref).set(1)
        if event.commit.commit_time is not None:
            self._commit_time.set(event.commit.commit_time)
            if event.fresh:
                self._lag.set(max(0.0, event.published_at - event.commit.commit_time))

    def _on_finished(self, event: PassFinished) -> None:
        result = event.result
        status = _STATUS[result.outcome]
        self._count.labels(status).inc()
        self._duration.labels(status).observe(result.duration)
        for phase, seconds in result.phases.items():
            self._phase.labels(phase).observe(seconds)
        self._row.set(event.consecutive_failures)
        if result.failure:
            self._failures.labels(result.failure.reason).inc()
        else:
            self._last_success.set(result.finished_at)

    def received(self, provider: str, outcome: str) -> None:
        """Count a request to the webhook receiver. Called by HTTP threads."""
        self._receiver.labels(provider, outcome).inc()

    def expect_hook(self, name: str) -> None:
        """Make the series of a hook that is configured exist."""
        for status in ("success", "error"):
            self._hooks.labels(name, status)

    def hook_ran(self, name: str, *, success: bool) -> None:
        """Count a run of a hook. Called by the threads of hooks, too."""
        self._hooks.labels(name, "success" if success else "error").inc()

    def built_with(self, git_version: str) -> None:
        """Set the versions."""
        self._build.labels(__version__, git_version, platform.python_version()).set(1)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return all series and their content type, in the form that the client accepts."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type
