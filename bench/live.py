"""Real daemons and what their server sees: of polls, in an outage and after it, and of a webhook to all."""

import resource
import statistics
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import trustme

from bench.model import Costs, Load, Outage, Scenario, load_of, per_second, simulate
from bench.pods import SECRET, pod
from gitsync.config import Schedule
from tests.support.daemon import DaemonProcess, Event
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.web import server_context
from tests.support.webhook import bearer

# Seconds of undisturbed polling before and after what happens, and of the outage.
QUIET = 30.0
OUTAGE = 20.0
TIMEOUT = 120.0
# The model is run as often, since few sidecars are a small sample.
SEEDS = 21


@dataclass(frozen=True)
class Polled:
    """What undisturbed polls have cost the server; `cpu` is seconds of git there, without the server's own."""

    polls: int
    requests: int
    handshakes: int
    cpu: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """What happened when, in seconds from the first start; `requests` are the moments of all of them.

    `recovery` and `publication` are the seconds from the return of the server, and from the webhooks, to each daemon's
    first success.
    """

    period: float
    requests: list[float]
    started: float
    outage: tuple[float, float]
    webhook_at: float
    end: float
    pass_duration: float
    recovery: list[float]
    publication: list[float]
    polled: Polled

    @property
    def phases(self) -> dict[str, tuple[float, float]]:
        """The phases by name: their begin and end, whole seconds after the one and before the other."""
        begin, end = self.outage
        return {
            "polling": (begin - QUIET, begin),
            "outage (503)": (begin, end),
            "after its return": (end, self.webhook_at),
            "webhook to all": (self.webhook_at, self.end),
        }


def run(directory: Path, *, pods: int, period: float) -> Run:
    """Start daemons one after the other, let them poll, refuse them for a while, and tell all of them of a push."""
    origins = directory / "origins"
    origins.mkdir()
    origin = Origin(origins / "site.git")
    origin.commit({f"page-{number}.html": f"{number}\n" * 20 for number in range(20)})
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    with GitHttpServer(origins, tls=server_context(authority)) as server, ExitStack() as stack:
        clock = _Clock()
        options = ("-v1", f"--period={period}s", "--heal-period=0", f"--ca-file={directory / 'authority.pem'}")
        daemons = []
        for number in range(pods):
            daemon = stack.enter_context(pod(server.url_of(origin.path), directory / f"pod-{number}", *options))
            daemon.wait_event("ready", timeout=TIMEOUT)
            daemons.append(daemon)
        started = clock.now()
        _pause(2 * period)
        polled = _watch(daemons, server)
        durations = [event["duration"] for daemon in daemons for event in daemon.logs(outcome="unchanged")]
        outage = _refuse(server, clock)
        recovered = _first(daemons, clock, since=outage[1], outcome="unchanged")
        _pause(QUIET)
        origin.commit({"page-0.html": "pushed\n"})
        webhook_at = clock.now()
        _tell(daemons)
        published = _first(daemons, clock, since=webhook_at, outcome="updated")
        _pause(QUIET)
        return Run(
            period=period,
            requests=sorted(clock.of(request.at) for request in list(server.requests)),
            started=started,
            outage=outage,
            webhook_at=webhook_at,
            end=clock.now(),
            pass_duration=statistics.median(durations),
            recovery=recovered,
            publication=published,
            polled=polled,
        )


def _watch(daemons: Sequence[DaemonProcess], server: GitHttpServer) -> Polled:
    """Return what the polls of the next seconds have cost."""

    def counted() -> list[float]:
        polls = sum(len(daemon.logs("sync_finished")) for daemon in daemons)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return [polls, len(server.requests), server.handshakes, used.ru_utime + used.ru_stime]

    before = counted()
    _pause(QUIET)
    polls, requests, handshakes, cpu = (now - then for now, then in zip(counted(), before, strict=True))
    return Polled(int(polls), int(requests), int(handshakes), cpu)


class _Clock:
    """Seconds since its making, by the clocks of requests and of log lines."""

    def __init__(self) -> None:
        self._monotonic = time.monotonic()
        self._unix = time.time()

    def now(self) -> float:
        return self.of(time.monotonic())

    def of(self, monotonic: float) -> float:
        return monotonic - self._monotonic

    def of_line(self, event: Event) -> float:
        return datetime.fromisoformat(event["timestamp"]).timestamp() - self._unix


def _refuse(server: GitHttpServer, clock: _Clock) -> tuple[float, float]:
    """Answer every request with 503 for a while; return from when to when."""
    begin = clock.now()
    server.fail_with = 503
    _pause(OUTAGE)
    server.fail_with = None
    return begin, clock.now()


def _first(daemons: Sequence[DaemonProcess], clock: _Clock, *, since: float, outcome: str) -> list[float]:
    """Return the seconds from `since` to the end of each daemon's first pass with this outcome that comes later."""

    def later(daemon: DaemonProcess) -> float | None:
        moments = (clock.of_line(event) for event in daemon.logs("sync_finished", outcome=outcome))
        return next((moment - since for moment in moments if moment > since), None)

    return [daemon.until(lambda daemon=daemon: later(daemon), timeout=TIMEOUT) for daemon in daemons]  # type: ignore[misc]


def predicted(schedule: Schedule, costs: Costs, run: Run, *, pods: int) -> dict[str, list[Load]]:
    """Return what the model says of each phase of a run with the same parameters, once for each seed."""
    scenario = Scenario(
        name="the same, by the model",
        schedule=replace(schedule, period=run.period, init_period=run.period),
        sidecars=pods,
        start_within=run.started,
        until=run.end,
        outage=Outage(*run.outage),
        webhook_at=run.webhook_at,
        pass_duration=run.pass_duration,
    )
    found: dict[str, list[Load]] = {name: [] for name in run.phases}
    for seed in range(SEEDS):
        passes = simulate(scenario, seed=seed)
        for name, (begin, end) in run.phases.items():
            shifted = [replace(each, at=each.at - begin) for each in passes if each.at >= begin]
            seconds = per_second(shifted, costs, until=end - begin)
            found[name].append(load_of(seconds, even=costs.even(scenario)))
    return found


def measured(run: Run, *, even: float) -> dict[str, Load]:
    """Return the load in each phase of a run."""
    return {
        name: load_of(_bins(run.requests, begin=begin, end=end), even=even) for name, (begin, end) in run.phases.items()
    }


def _bins(moments: Iterable[float], *, begin: float, end: float) -> list[int]:
    found = [0] * int(end - begin)
    for moment in moments:
        if begin <= moment < begin + len(found):
            found[int(moment - begin)] += 1
    return found


def _tell(daemons: Sequence[DaemonProcess]) -> None:
    """Send a webhook to all at once."""

    def tell(daemon: DaemonProcess) -> None:
        status, body = daemon.post("/webhook", headers=bearer(SECRET))
        if status != 202:
            daemon.fail(f"the webhook was answered with {status} {body}")

    with ThreadPoolExecutor(len(daemons)) as threads:
        list(threads.map(tell, daemons))


def _pause(seconds: float) -> None:
    """Let the daemons go on for a while."""
    threading.Event().wait(seconds)
