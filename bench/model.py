"""What a git server sees of many sidecars: each does what the worker does, with the package's own delays.

Sidecars do not influence each other, since the server is taken to be fast enough; so each is simulated by itself. All
times are seconds from the beginning of the scenario. Pure: the same seed gives the same passes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from gitsync.config import Schedule
from gitsync.programs.gitconfig import QUIET
from gitsync.triggers.schedule import next_delay

Kind = Literal["unchanged", "updated", "failed"]


@dataclass(frozen=True)
class Outage:
    """A time in which nobody is served.

    The server refuses connections, or it is silent: then a pass ends at its deadline, or, if it `resets`, when the
    server returns and resets the connections that it had.
    """

    begin: float
    end: float
    how: Literal["refuses", "is silent", "resets"] = "refuses"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What happens to a fleet.

    Its sidecars start at random moments within the first `start_within` seconds; at `webhook_at` a commit is pushed and
    all of them are told by webhook; a pass takes `pass_duration` seconds. `event` is the moment that matters.
    """

    name: str
    schedule: Schedule
    sidecars: int = 1000
    start_within: float = 60.0
    until: float = 1800.0
    event: float = 0.0
    outage: Outage | None = None
    webhook_at: float = math.inf
    pass_duration: float = 0.1


@dataclass(frozen=True)
class Pass:
    """One pass of one sidecar, as the server sees it."""

    sidecar: int
    at: float
    kind: Kind


@dataclass(frozen=True)
class Costs:
    """Requests that the server answers, or refuses, for a pass of each kind."""

    unchanged: int
    updated: int
    failed: int

    def of(self, kind: Kind) -> int:
        """Return the requests of a pass."""
        return {"unchanged": self.unchanged, "updated": self.updated, "failed": self.failed}[kind]

    def even(self, scenario: Scenario) -> float:
        """Return the requests per second of a fleet whose polls are spread evenly."""
        return scenario.sidecars * self.unchanged / (scenario.schedule.period + scenario.pass_duration)


def simulate(scenario: Scenario, *, seed: int) -> list[Pass]:
    """Return the passes of all sidecars in the order of time."""
    random = Random(seed)  # noqa: S311 (it spreads load, it guards nothing)
    passes = [each for number in range(scenario.sidecars) for each in _life(scenario, number, random)]
    return sorted(passes, key=lambda each: each.at)


def _life(scenario: Scenario, number: int, random: Random) -> Iterator[Pass]:
    """Yield the passes of one sidecar, as `RepoWorker` would run them."""
    now = random.random() * scenario.start_within
    failures, succeeded, news, woken = 0, False, True, True
    while now < scenario.until:
        failed_until = _failed_until(scenario, now)
        kind: Kind = "failed" if failed_until is not None else "updated" if news else "unchanged"
        yield Pass(number, now, kind)
        if failed_until is None:
            end, failures, succeeded, news = now + scenario.pass_duration, 0, True, False
        else:
            end, failures = failed_until, failures + 1
        chance = random.random()
        due = end + next_delay(scenario.schedule, failures=failures, succeeded=succeeded, woken=woken, random=chance)
        woken = now < scenario.webhook_at <= due
        news = news or woken
        now = max(end, scenario.webhook_at) if woken else due


def _failed_until(scenario: Scenario, now: float) -> float | None:
    """Return when a pass that begins now will have failed, None if it will not."""
    outage = scenario.outage
    if outage is None or not outage.begin <= now < outage.end:
        return None
    deadline = now + min(scenario.schedule.sync_timeout, QUIET)
    return {"refuses": now, "is silent": deadline, "resets": min(deadline, outage.end)}[outage.how]


def per_second(passes: Sequence[Pass], costs: Costs, *, until: float) -> list[int]:
    """Return the requests in each second."""
    found = [0] * int(until)
    for each in passes:
        if each.at < len(found):
            found[int(each.at)] += costs.of(each.kind)
    return found


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the requests in each second say: their mean and peak, and the seconds until calm.

    It is calm from the second on after which no second has twice the requests of a fleet whose polls are spread evenly,
    which is `even`.
    """

    mean: float
    peak: int
    even: float
    calm_after: int

    @property
    def ratio(self) -> float:
        """How many times the even load the peak is."""
        return self.peak / self.even


def load_of(seconds: Sequence[int], *, even: float) -> Load:
    """Sum up the requests in each second; there has to be one."""
    busy = [number + 1 for number, requests in enumerate(seconds) if requests >= 2 * even]
    return Load(mean=sum(seconds) / len(seconds), peak=max(seconds), even=even, calm_after=max(busy, default=0))


def recovered(passes: Sequence[Pass], outage: Outage, *, sidecars: int, share: float) -> float | None:
    """Return the seconds from the end of an outage until this share of the sidecars has had a success."""
    first: dict[int, float] = {}
    for each in passes:
        if each.at >= outage.end and each.kind != "failed":
            first.setdefault(each.sidecar, each.at - outage.end)
    times = sorted(first.values())
    wanted = max(0, int(share * sidecars) - 1)
    return times[wanted] if wanted < len(times) else None
