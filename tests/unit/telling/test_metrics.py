"""The exposed series: exact names, bounded labels, right numbers."""

import platform
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gitsync import __version__
from gitsync.telling.events import CredentialAsked, Fetched, Measured, PointersCounted, Probed, TreeTaken, Undeletable
from gitsync.telling.metrics import Metrics
from gitsync.telling.room import Room
from tests.unit.examples import (
    HASH,
    NAME,
    OTHER_HASH,
    REPO,
    before_publish,
    commit,
    failed,
    finished,
    published,
    result,
    started,
    watched,
)

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

# Every series that a user may have built a dashboard on, with its labels, and nothing else beside process_*.
NAMES = {
    "git_sync_duration_seconds_count": {"repo", "status"},
    "git_sync_duration_seconds_sum": {"repo", "status"},
    "git_sync_count_total": {"repo", "status"},
    "git_fetch_count_total": {"repo"},
    "git_sync_askpass_calls": {"repo", "status"},
    "git_sync_refresh_github_app_token_count": {"repo", "status"},
    "gitsync_last_success_timestamp_seconds": {"repo"},
    "gitsync_last_attempt_timestamp_seconds": {"repo"},
    "gitsync_consecutive_failures": {"repo"},
    "gitsync_failures_total": {"repo", "reason"},
    "gitsync_ref_moves_total": {"repo", "kind"},
    "gitsync_repairs_total": {"repo"},
    "gitsync_stale_after_seconds": {"repo"},
    "gitsync_behind_since_timestamp_seconds": {"repo"},
    "gitsync_published_info": {"repo", "url", "hash", "ref"},
    "gitsync_published_commit_timestamp_seconds": {"repo"},
    "gitsync_publish_lag_seconds": {"repo"},
    "gitsync_phase_duration_seconds_bucket": {"repo", "phase", "le"},
    "gitsync_phase_duration_seconds_count": {"repo", "phase"},
    "gitsync_phase_duration_seconds_sum": {"repo", "phase"},
    "gitsync_triggers_total": {"repo", "source"},
    "gitsync_trigger_to_publish_seconds_bucket": {"repo", "source", "le"},
    "gitsync_trigger_to_publish_seconds_count": {"repo", "source"},
    "gitsync_trigger_to_publish_seconds_sum": {"repo", "source"},
    "gitsync_receiver_requests_total": {"provider", "outcome"},
    "gitsync_probes_total": {"repo", "via", "outcome"},
    "gitsync_store_size_bytes": {"repo"},
    "gitsync_tree_size_bytes": {"repo"},
    "gitsync_volume_size_bytes": {"repo"},
    "gitsync_volume_available_bytes": {"repo"},
    "gitsync_volume_inodes": {"repo"},
    "gitsync_volume_available_inodes": {"repo"},
    "gitsync_trees_taken_early_total": {"repo"},
    "gitsync_lfs_pointers": {"repo"},
    "gitsync_paused": {"repo"},
    "gitsync_undeletable_directories": {"repo"},
    "gitsync_repositories_waiting": set(),
    "gitsync_build_info": {"version", "git_version", "python_version"},
}

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def families(metrics: Metrics, accept: str = "") -> list[Metric]:
    """Return what a scraper that accepts this would understand."""
    body, _ = metrics.render(accept)
    parse = parse_openmetrics if accept == OPENMETRICS else parse_text
    return list(parse(body.decode()))


def series(metrics: Metrics, accept: str = "") -> Series:
    """Return the value of every series."""
    samples = [sample for family in families(metrics, accept) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def of(repo: str, metrics: Metrics) -> Series:
    """Return the value of every series of a repository; the label that names it is left out."""
    named = ("repo", repo)
    return {(name, labels - {named}): value for (name, labels), value in series(metrics).items() if named in labels}


def value(metrics: Metrics, name: str, repo: str = NAME, **labels: str) -> float:
    """Return the value of one series of a repository."""
    return of(repo, metrics)[(name, frozenset(labels.items()))]


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of a repository with which nothing has happened yet."""
    made = Metrics()
    made.follow(watched())
    return made


@pytest.fixture
def busy(metrics: Metrics) -> Metrics:
    """Metrics in which everything has happened once."""
    metrics.built_with("2.39.5")
    for event in (
        started("start", "webhook"),
        Fetched(repo=NAME),
        before_publish(),
        published(),
        TreeTaken(repo=NAME, tree=Path("/srv/git/.worktrees/tree"), left_for=1.0),
        Measured(repo=NAME, store_size=1000, tree_size=2000),
        PointersCounted(repo=NAME, count=4),
        Undeletable(repo=NAME, count=3),
        finished(result(outcome="updated", phases={"probe": 0.1, "fetch": 1.0})),
        finished(failed("dns"), consecutive_failures=1),
    ):
        metrics.notify(event)
    metrics.calls.received("github", "accepted")
    return metrics


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_names(busy: Metrics, accept: str) -> None:
    """The names are exact in both forms: no suffix too many, none missing, no creation times."""
    found: dict[str, set[str]] = {}
    for name, labels in series(busy, accept):
        if not name.startswith("process_"):
            found.setdefault(name, set()).update(label for label, _ in labels)
    assert found == NAMES


@pytest.mark.parametrize("accept", ["", OPENMETRICS], ids=["text", "openmetrics"])
def test_every_series_is_explained(busy: Metrics, accept: str) -> None:
    """Every family has a help text and a type."""
    assert all(family.documentation and family.type for family in families(busy, accept))


def test_process(metrics: Metrics) -> None:
    """The memory and the descriptors of the process are there."""
    found = series(metrics)
    assert found["process_resident_memory_bytes", frozenset()] > 0
    assert found["process_open_fds", frozenset()] > 0


def test_content_types(metrics: Metrics) -> None:
    """A scraper gets the form that it asks for, any other client the text form."""
    assert metrics.render(OPENMETRICS)[1].startswith("application/openmetrics-text")
    assert metrics.render("")[1].startswith("text/plain; version=0.0.4")
    assert metrics.render("text/html,*/*")[1].startswith("text/plain")


def test_starts_at_zero(metrics: Metrics) -> None:
    """The series whose labels are known exist before anything has happened, so that rates over them work."""
    found = of(NAME, metrics)
    for status in ("success", "error", "noop"):
        assert found["git_sync_count_total", frozenset({("status", status)})] == 0
    for status in ("success", "error"):
        assert found["git_sync_askpass_calls", frozenset({("status", status)})] == 0
        assert found["git_sync_refresh_github_app_token_count", frozenset({("status", status)})] == 0
    for source in ("start", "period", "signal", "webhook", "file", "sync", "peer"):
        assert found["gitsync_triggers_total", frozenset({("source", source)})] == 0
    for source in ("signal", "webhook", "file", "sync", "peer"):
        assert found["gitsync_trigger_to_publish_seconds_count", frozenset({("source", source)})] == 0
    for phase in ("probe", "fetch", "stage", "gate", "publish", "tidy", "heal"):
        assert found["gitsync_phase_duration_seconds_count", frozenset({("phase", phase)})] == 0
    assert found["gitsync_last_success_timestamp_seconds", frozenset()] == 0


@pytest.mark.parametrize(
    ("outcome", "status"), [("updated", "success"), ("repaired", "success"), ("unchanged", "noop"), ("failed", "error")]
)
def test_count(metrics: Metrics, outcome: str, status: str) -> None:
    """Each outcome of a pass is counted under git-sync's word for it."""
    metrics.notify(finished(failed() if outcome == "failed" else result(outcome=outcome, duration=0.5)))
    counted = {(name, *labels): number for (name, labels), number in of(NAME, metrics).items() if number}
    for name in ("git_sync_count_total", "git_sync_duration_seconds_count"):
        assert {key: number for key, number in counted.items() if key[0] == name} == {(name, ("status", status)): 1}
    assert counted["git_sync_duration_seconds_sum", ("status", status)] == 0.5


def test_pass(busy: Metrics) -> None:
    """The events of a pass give the numbers of the pass."""
    versions = {"version": __version__, "git_version": "2.39.5", "python_version": platform.python_version()}
    expected: list[tuple[str, dict[str, str], float]] = [
        ("gitsync_last_attempt_timestamp_seconds", {}, 1500.0),
        ("gitsync_last_success_timestamp_seconds", {}, 2000.0),
        ("git_fetch_count_total", {}, 1),
        ("gitsync_triggers_total", {"source": "start"}, 1),
        ("gitsync_triggers_total", {"source": "webhook"}, 1),
        ("gitsync_triggers_total", {"source": "period"}, 0),
        ("gitsync_phase_duration_seconds_sum", {"phase": "fetch"}, 1.0),
        ("gitsync_store_size_bytes", {}, 1000),
        ("gitsync_tree_size_bytes", {}, 2000),
        ("gitsync_trees_taken_early_total", {}, 1),
        ("gitsync_lfs_pointers", {}, 4),
        ("gitsync_undeletable_directories", {}, 3),
    ]
    found = of(NAME, busy)
    assert [(name, labels, found[name, frozenset(labels.items())]) for name, labels, _ in expected] == expected
    whole = series(busy)
    requests = {"provider": "github", "outcome": "accepted"}
    assert whole["gitsync_receiver_requests_total", frozenset(requests.items())] == 1
    assert whole["gitsync_build_info", frozenset(versions.items())] == 1


def test_failures(metrics: Metrics) -> None:
    """A failure is counted by reason, and the row of them ends with a success."""
    metrics.notify(finished(failed("dns", finished_at=2000.0), consecutive_failures=1))
    metrics.notify(finished(failed("dns"), consecutive_failures=2))
    assert value(metrics, "gitsync_failures_total", reason="dns") == 2
    assert value(metrics, "gitsync_consecutive_failures") == 2
    assert value(metrics, "gitsync_last_success_timestamp_seconds") == 0
    metrics.notify(finished(result()))
    assert value(metrics, "gitsync_consecutive_failures") == 0
    assert value(metrics, "gitsync_failures_total", reason="dns") == 2


def test_behind(metrics: Metrics) -> None:
    """What the remote has and is not published counts from the pass that has seen it, until a pass succeeds."""
    name = "gitsync_behind_since_timestamp_seconds"
    there = commit(hash=HASH)
    metrics.notify(finished(failed("dns", commit=there)))
    metrics.notify(finished(failed("timeout", commit=there, wanted=HASH)))
    assert value(metrics, name) == 0
    metrics.notify(finished(failed("gate", commit=there, wanted=OTHER_HASH, finished_at=2000.0, duration=0.5)))
    assert value(metrics, name) == 1999.5
    metrics.notify(finished(failed("gate", commit=there, wanted=OTHER_HASH, finished_at=2010.0)))
    metrics.notify(finished(failed("dns", commit=there, finished_at=2020.0)))
    assert value(metrics, name) == 1999.5
    metrics.notify(finished(result(commit=there)))
    assert value(metrics, name) == 0
    metrics.notify(finished(failed("no_space", wanted=HASH, finished_at=2030.0)))
    assert value(metrics, name) == 2029.5


def test_stale_after(metrics: Metrics) -> None:
    """An alert can compare with what the settings promise."""
    assert value(metrics, "gitsync_stale_after_seconds") == 100.0


def test_room(metrics: Metrics, tmp_path: Path) -> None:
    """After a pass the room on the volume is shown, and what it was if the volume cannot be asked."""
    room = Room(tmp_path, metrics)
    room.notify(started())
    assert value(metrics, "gitsync_volume_size_bytes") == 0
    room.notify(finished(result()))
    usage = shutil.disk_usage(tmp_path)
    assert value(metrics, "gitsync_volume_size_bytes") == usage.total
    assert 0 < value(metrics, "gitsync_volume_available_bytes") < usage.total
    assert 0 <= value(metrics, "gitsync_volume_available_inodes") <= value(metrics, "gitsync_volume_inodes")
    Room(tmp_path / "gone", metrics).notify(finished(result()))
    assert value(metrics, "gitsync_volume_size_bytes") == usage.total


def test_published_info(metrics: Metrics) -> None:
    """Only what is published now has a series, however many revisions there were."""
    for number in range(5):
        metrics.notify(published(commit=commit(hash=f"{number:040x}")))
    metrics.notify(published(commit=commit(hash=OTHER_HASH), ref="refs/tags/v1"))
    found = [dict(labels) for name, labels in series(metrics) if name == "gitsync_published_info"]
    assert found == [{"repo": NAME, "url": REPO, "hash": OTHER_HASH, "ref": "refs/tags/v1"}]
    assert value(metrics, "gitsync_published_info", url=REPO, hash=OTHER_HASH, ref="refs/tags/v1") == 1


def test_lag(metrics: Metrics) -> None:
    """The lag is the time from commit to publication, and never negative."""
    metrics.notify(published(published_at=1060.0))
    assert value(metrics, "gitsync_published_commit_timestamp_seconds") == 1000.0
    assert value(metrics, "gitsync_publish_lag_seconds") == 60.0
    metrics.notify(published(commit=commit(commit_time=5000.0), published_at=1060.0))
    assert value(metrics, "gitsync_publish_lag_seconds") == 0.0


def test_lag_of_what_was_found(metrics: Metrics) -> None:
    """A tree that a start finds published says nothing about the lag."""
    metrics.notify(published(published_at=1060.0, fresh=False))
    assert value(metrics, "gitsync_publish_lag_seconds") == 0.0
    assert value(metrics, "gitsync_published_info", url=REPO, hash=HASH, ref="refs/heads/main") == 1


def test_commit_without_time(metrics: Metrics) -> None:
    """A commit whose time is unusable is shown without one."""
    metrics.notify(published(commit=commit(commit_time=None)))
    assert value(metrics, "gitsync_published_info", url=REPO, hash=HASH, ref="refs/heads/main") == 1
    assert value(metrics, "gitsync_published_commit_timestamp_seconds") == 0.0


def test_bounded(busy: Metrics) -> None:
    """A long life adds no series: a thousand passes and revisions leave as many as one."""
    before = set(series(busy))
    for number in range(1000):
        busy.notify(started("period"))
        busy.notify(published(commit=commit(hash=f"{number:040x}")))
        busy.notify(finished(result(outcome="updated", phases={"publish": 0.1})))
    busy.notify(published())
    assert set(series(busy)) == before


def test_independent() -> None:
    """Two processes' worth of metrics can live side by side."""
    first, second = Metrics(), Metrics()
    for each in (first, second):
        each.follow(watched())
    first.notify(Fetched(repo=NAME))
    assert value(second, "git_fetch_count_total") == 0


def keep_busy(metrics: Metrics, repo: str) -> None:
    """Have everything happen once with a repository."""
    metrics.calls.expect_hook(repo, "exechook")
    for event in (
        replace(started("start", "webhook"), repo=repo),
        Probed(repo=repo, via="http", outcome="unsure"),
        CredentialAsked(repo=repo, source="askpass", succeeded=True),
        Fetched(repo=repo),
        published(repo=repo),
        TreeTaken(repo=repo, tree=Path("/srv/git/.worktrees/tree"), left_for=1.0),
        Measured(repo=repo, store_size=1000, tree_size=2000),
        Undeletable(repo=repo, count=3),
        finished(result(outcome="updated", phases={"probe": 0.1}), repo=repo),
        finished(failed("gate", wanted=OTHER_HASH), repo=repo),
    ):
        metrics.notify(event)
    metrics.calls.hook_ran(repo, "exechook", success=False)
    metrics.volume.has_room(repo, size=4, available=3, inodes=2, available_inodes=1)
    metrics.paused(repo, True)


def test_repositories_are_apart(metrics: Metrics) -> None:
    """What happens with one repository changes no series of another, nor is anything of it missing."""
    metrics.follow(watched(repo="other"))
    before = of(NAME, metrics)
    keep_busy(metrics, "other")
    assert of(NAME, metrics) == before
    keep_busy(metrics, NAME)
    of_time = ("timestamp_seconds", "trigger_to_publish")
    found = [
        {key: number for key, number in of(repo, metrics).items() if not any(part in key[0] for part in of_time)}
        for repo in (NAME, "other")
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 100
    published_now = [dict(labels)["repo"] for name, labels in series(metrics) if name == "gitsync_published_info"]
    assert sorted(published_now) == sorted([NAME, "other"])


def test_forgotten(metrics: Metrics) -> None:
    """Of a repository that is not followed any more nothing is left; if it comes back it begins anew."""
    metrics.follow(watched(repo="other"))
    keep_busy(metrics, NAME)
    fresh = of("other", metrics)
    keep_busy(metrics, "other")
    before, whole = of(NAME, metrics), series(metrics)
    metrics.forget("other")
    assert of("other", metrics) == {}
    assert of(NAME, metrics) == before
    assert not [labels for _, labels in series(metrics) if "other" in dict(labels).values()]
    assert len(series(metrics)) < len(whole)
    metrics.follow(watched(repo="other"))
    assert of("other", metrics) == fresh
    metrics.notify(finished(failed("gate", wanted=OTHER_HASH, finished_at=3000.0), repo="other"))
    assert value(metrics, "gitsync_behind_since_timestamp_seconds", "other") == 2999.5


def test_name_with_quotes(metrics: Metrics) -> None:
    """The name of a link may have any characters, and does not break the exposition."""
    odd = 'a"b\\c\nd'
    metrics.follow(watched(repo=odd))
    metrics.notify(Fetched(repo=odd))
    assert value(metrics, "git_fetch_count_total", odd) == 1


def test_ref_with_quotes(metrics: Metrics) -> None:
    """A ref name with odd characters does not break the exposition."""
    metrics.notify(published(ref='refs/heads/a"b'))
    assert value(metrics, "gitsync_published_info", url=REPO, hash=HASH, ref='refs/heads/a"b') == 1
