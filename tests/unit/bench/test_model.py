"""The model of a fleet: every sidecar does what the worker does, and the same seed gives the same passes."""

from collections import Counter
from dataclasses import replace
from typing import Literal

import pytest

from bench.model import Costs, Outage, Pass, Scenario, load_of, per_second, recovered, simulate
from tests.unit.examples import repo_config

COSTS = Costs(unchanged=2, updated=5, failed=1)
EXACT = repo_config("--jitter=0").schedule
DEFAULT = repo_config().schedule


def one(**changes: object) -> list[tuple[float, str]]:
    """Return the passes of a single sidecar without jitter that starts at once: when each begins, and its kind."""
    first = Scenario(name="", schedule=EXACT, sidecars=1, start_within=0.0, until=100.0, pass_duration=1.0)
    return [(each.at, each.kind) for each in simulate(replace(first, **changes), seed=1)]  # type: ignore[arg-type]


def load_after(scenario: Scenario, *, seconds: int) -> float:
    """Return the peak that comes so many seconds after the event, as a multiple of the even load."""
    requests = per_second(simulate(scenario, seed=1), COSTS, until=scenario.until)
    return load_of(requests[int(scenario.event) + seconds :], even=COSTS.even(scenario)).ratio


def test_the_period_begins_with_the_end_of_a_pass() -> None:
    """The first pass publishes; the others find nothing new, a period after the end of the one before."""
    assert one(until=30.0) == [(0.0, "updated"), (11.0, "unchanged"), (22.0, "unchanged")]


@pytest.mark.parametrize(
    ("webhook_at", "expected"),
    [
        (5.0, [(0.0, "updated"), (5.0, "updated"), (16.0, "unchanged")]),
        (0.5, [(0.0, "updated"), (1.0, "updated"), (12.0, "unchanged")]),
    ],
    ids=["between passes", "during a pass"],
)
def test_webhook(webhook_at: float, expected: list[tuple[float, str]]) -> None:
    """A webhook starts a pass at once, or right after the one that runs, and there is something new."""
    assert one(webhook_at=webhook_at, until=20.0) == expected


@pytest.mark.parametrize(
    ("how", "end", "moments"),
    [
        ("refuses", 40.0, [11.0, 21.0, 41.0]),
        ("is silent", 40.0, [11.0, 11.0 + 20.0 + 10.0]),
        ("resets", 30.0, [11.0, 30.0 + 10.0]),
    ],
)
def test_outage(how: Literal["refuses", "is silent", "resets"], end: float, moments: list[float]) -> None:
    """A pass fails at once, after the silence that is too long, or with the end of the outage; the backoff follows."""
    passes = one(outage=Outage(5.0, end, how), until=200.0)[1 : len(moments) + 1]
    assert [at for at, _ in passes] == moments
    assert [kind for _, kind in passes] == [*["failed"] * (len(moments) - 1), "unchanged"]


def test_news_wait_for_the_end_of_an_outage() -> None:
    """What was pushed in an outage is published by the first pass that succeeds."""
    passes = one(outage=Outage(5.0, 40.0), webhook_at=20.0, until=100.0)
    assert Counter(kind for _, kind in passes)["updated"] == 2
    assert next(kind for at, kind in passes if at >= 40.0) == "updated"


def test_the_seed_decides() -> None:
    """The same seed gives the same passes, another one others."""
    scenario = Scenario(name="", schedule=DEFAULT, sidecars=20, until=60.0)
    assert simulate(scenario, seed=1) == simulate(scenario, seed=1)
    assert simulate(scenario, seed=1) != simulate(scenario, seed=2)


def test_requests_of_each_second() -> None:
    """Each pass counts with its requests, in the second in which it begins."""
    passes = [Pass(0, 0.5, "updated"), Pass(1, 0.9, "unchanged"), Pass(0, 2.0, "failed"), Pass(1, 3.0, "failed")]
    assert per_second(passes, COSTS, until=3.0) == [7, 0, 1]


def test_load() -> None:
    """Calm begins after the last second with twice the even load or more."""
    load = load_of([9, 3, 4, 1, 3], even=2.0)
    assert (load.mean, load.peak, load.ratio, load.calm_after) == (4.0, 9, 4.5, 3)
    assert load_of([1, 3, 3], even=2.0).calm_after == 0


def test_recovery() -> None:
    """A sidecar has recovered with its first success after the outage."""
    passes = [
        Pass(0, 1.0, "unchanged"),
        Pass(0, 12.0, "unchanged"),
        Pass(1, 13.0, "updated"),
        Pass(0, 14.0, "unchanged"),
        Pass(2, 15.0, "failed"),
    ]
    found = [recovered(passes, Outage(5.0, 10.0), sidecars=4, share=share) for share in (0.25, 0.5, 0.75)]
    assert found == [2.0, 3.0, None]


def test_a_common_start_leaves_no_waves() -> None:
    """Sidecars that start within a second have no common rhythm after it; without jitter they keep it."""
    scenario = Scenario(name="", schedule=DEFAULT, sidecars=500, start_within=1.0, until=120.0)
    assert load_after(scenario, seconds=2) < 2
    assert load_after(replace(scenario, schedule=EXACT), seconds=2) > 5


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(name="webhook", schedule=DEFAULT, event=30.0, webhook_at=30.0),
        Scenario(name="restart", schedule=DEFAULT, event=90.0, outage=Outage(30.0, 90.0, "resets"), start_within=20.0),
        Scenario(name="refusal", schedule=DEFAULT, event=90.0, outage=Outage(30.0, 90.0), start_within=1.0),
    ],
    ids=lambda scenario: scenario.name,
)
def test_what_all_have_together_leaves_no_waves(scenario: Scenario) -> None:
    """Neither a webhook to all nor an outage is followed by a stampede."""
    assert load_after(replace(scenario, sidecars=500, until=180.0), seconds=2) < 2
