"""The time from a trigger to the publication: what is counted, once, and what is not."""

import time

import pytest

from gitsync.telling.events import Event, Failure, PassStarted, Source, Triggers
from gitsync.telling.metrics import Metrics
from tests.unit.examples import NAME, failed, finished, published, result, watched
from tests.unit.telling.test_metrics import of

UPDATED = result(outcome="updated")
OTHER = "other.git"


def ran_for(repo: str = NAME, **ago: float) -> PassStarted:
    """Return the beginning of a pass for sources whose triggers were left so many seconds ago."""
    sources: dict[str, Source] = {"webhook": "webhook", "signal": "signal", "period": "period", "sync": "sync"}
    left_at = {sources[name]: time.monotonic() - seconds for name, seconds in ago.items()}
    return PassStarted(repo=repo, triggers=Triggers(ticket=1, left_at=left_at), started_at=1500.0)


def counted(metrics: Metrics, repo: str = NAME) -> dict[str, tuple[float, float]]:
    """Return how many were counted of each source, and the seconds of them all, to the next ten of them."""
    prefix, found = "gitsync_trigger_to_publish_seconds", of(repo, metrics)
    counts = {dict(labels)["source"]: number for (name, labels), number in found.items() if name == f"{prefix}_count"}
    return {
        source: (number, round(found[f"{prefix}_sum", frozenset({("source", source)})], -1))
        for source, number in counts.items()
        if number
    }


@pytest.fixture
def metrics() -> Metrics:
    """Metrics in which nothing has happened yet."""
    made = Metrics()
    for repo in (NAME, OTHER):
        made.follow(watched(repo=repo))
    return made


def test_update(metrics: Metrics) -> None:
    """Each source that a pass was run for is counted once, from its trigger on; what time has begun is not."""
    for event in (ran_for(webhook=20.0, signal=30.0, period=1.0), published(), finished(UPDATED)):
        metrics.notify(event)
    assert counted(metrics) == {"webhook": (1, 20), "signal": (1, 30)}
    for event in (ran_for(period=1.0), published(), finished(UPDATED)):
        metrics.notify(event)
    assert counted(metrics) == {"webhook": (1, 20), "signal": (1, 30)}


def test_bucket(metrics: Metrics) -> None:
    """What took some seconds is in the buckets from there on."""
    for event in (ran_for(sync=20.0), published()):
        metrics.notify(event)
    found = of(NAME, metrics)
    name = "gitsync_trigger_to_publish_seconds_bucket"
    buckets = {le: found[name, frozenset({("source", "sync"), ("le", le)})] for le in ("0.05", "10.0", "30.0", "600.0")}
    assert buckets == {"0.05": 0, "10.0": 0, "30.0": 1, "600.0": 1}


@pytest.mark.parametrize(
    "event",
    [finished(result()), finished(result(outcome="repaired")), published(again=True), published(fresh=False)],
    ids=["nothing new", "repaired", "another tree of the commit", "found at the start"],
)
def test_no_update(metrics: Metrics, event: Event) -> None:
    """A pass that publishes no update counts nothing, and leaves nothing to be counted by the next one."""
    metrics.notify(ran_for(webhook=20.0))
    metrics.notify(event)
    metrics.notify(finished(result()))
    for later in (ran_for(period=0.0), published(), finished(UPDATED)):
        metrics.notify(later)
    assert counted(metrics) == {}


def test_failures_before(metrics: Metrics) -> None:
    """The passes that failed are part of the time, and of several triggers of a source the first counts."""
    for event in (
        ran_for(webhook=50.0),
        finished(failed("connect")),
        ran_for(webhook=10.0, sync=20.0),
        finished(failed("connect")),
        ran_for(period=1.0),
        published(),
        finished(UPDATED),
    ):
        metrics.notify(event)
    assert counted(metrics) == {"webhook": (1, 50), "sync": (1, 20)}


def test_refused(metrics: Metrics) -> None:
    """What was refused was not published late: the next commit has nothing to do with it."""
    failure = Failure(reason="gate", message="no", retry_in=30.0)
    refused = result(outcome="failed", failure=failure)
    for event in (ran_for(webhook=50.0), finished(refused), ran_for(period=1.0), published(), finished(UPDATED)):
        metrics.notify(event)
    assert counted(metrics) == {}


def test_repositories_are_apart(metrics: Metrics) -> None:
    """The trigger of one repository is not answered by the publication of another."""
    for event in (ran_for(webhook=50.0), ran_for(OTHER, signal=10.0), published(repo=OTHER)):
        metrics.notify(event)
    assert counted(metrics, OTHER) == {"signal": (1, 10)}
    assert counted(metrics) == {}


def test_what_waits_is_forgotten(metrics: Metrics) -> None:
    """A repository that is followed again begins anew, and so do its triggers."""
    metrics.notify(ran_for(webhook=50.0))
    metrics.forget(NAME)
    metrics.follow(watched())
    for event in (ran_for(period=1.0), published(), finished(UPDATED)):
        metrics.notify(event)
    assert counted(metrics) == {}
