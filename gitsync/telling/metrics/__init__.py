"""The metrics, in a registry of their own: one module for each family of series, and what the rest of the process sees.

An observer of the worker's events; `render` is called by HTTP threads. The names that git-sync has are exact.
"""

import platform

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.exposition import choose_encoder

from gitsync import __version__
from gitsync.telling.events import (
    CredentialAsked,
    Event,
    Fetched,
    Measured,
    PassFinished,
    PassStarted,
    PointersCounted,
    Probed,
    Published,
    Repaired,
    TreeTaken,
    Undeletable,
)
from gitsync.telling.metrics.calls import CallMetrics
from gitsync.telling.metrics.freshness import FreshnessMetrics
from gitsync.telling.metrics.labelled import Labelled
from gitsync.telling.metrics.latency import LatencyMetrics
from gitsync.telling.metrics.passes import PassMetrics
from gitsync.telling.metrics.publication import PublicationMetrics
from gitsync.telling.metrics.several import SeveralMetrics
from gitsync.telling.metrics.volume import VolumeMetrics
from gitsync.telling.status import Watched


class Metrics:
    """All series of the process."""

    def __init__(self) -> None:
        # Go's client has no such series, and they would double the size of a scrape.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        self._labelled = labelled = Labelled(registry)
        self._passes = PassMetrics(labelled)
        self._freshness = FreshnessMetrics(labelled)
        self._publication = PublicationMetrics(labelled)
        self._latency = LatencyMetrics(labelled)
        self.volume = VolumeMetrics(labelled)
        self.calls = CallMetrics(labelled)
        self.several = SeveralMetrics(registry)
        self._build = Gauge(
            "gitsync_build_info", "Versions.", ["version", "git_version", "python_version"], registry=registry
        )
        ProcessCollector(registry=registry)

    def follow(self, watched: Watched) -> None:
        """Have the series of a repository exist from the start, as far as their labels are known. Main thread."""
        repo = watched.repo
        self._freshness.follow(repo, stale_after=watched.stale_after)
        self._publication.follow(repo, url=watched.url)
        for family in (self._passes, self._latency, self.volume, self.calls):
            family.follow(repo)

    def forget(self, repo: str) -> None:
        """Remove all series of a repository, of which nothing may be told any more. Called by the main thread."""
        self._labelled.forget(repo)
        for family in (self._freshness, self._publication, self._latency):
            family.forget(repo)

    def notify(self, event: Event) -> None:
        """Follow the worker's events, on its thread."""
        match event:
            case PassStarted():
                self._passes.started(event)
                self._freshness.started(event)
                self._latency.started(event)
            case Probed():
                self.calls.probed(event)
            case CredentialAsked():
                self.calls.asked(event)
            case Fetched() | Repaired() | TreeTaken():
                self._count(event)
            case Published():
                self._latency.published(event)
                self._publication.published(event)
            case PointersCounted():
                self._publication.counted(event)
            case Measured() | Undeletable():
                self.volume.notify(event)
            case PassFinished():
                self._passes.finished(event)
                self._publication.confirmed(event)
                self._freshness.finished(event)
                self._latency.finished(event)
            case _:
                pass

    def _count(self, event: Fetched | Repaired | TreeTaken) -> None:
        """Count what has happened; nothing else is told of it."""
        match event:
            case Fetched():
                self._publication.fetched(event.repo)
            case Repaired():
                self._passes.repaired(event.repo)
            case TreeTaken():
                self._publication.taken(event.repo)

    def paused(self, repo: str, paused: bool) -> None:
        """Show whether what is published has to stay. Called by HTTP threads, and by the main thread at the start."""
        self._publication.paused(repo, paused)

    def built_with(self, git_version: str) -> None:
        """Show the versions. Called by the main thread."""
        self._build.labels(__version__, git_version, platform.python_version()).set(1)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return all series and their content type, in the form that the client accepts. Called by HTTP threads."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type
