"""What one git server sees of many sidecars: the traffic of a pass, a model of 1,000, and real daemons beside it."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median

import click

from bench import live
from bench.figures import quantile, table, write
from bench.model import Costs, Load, Outage, Scenario, load_of, per_second, recovered, simulate
from bench.traffic import Traffic, measure
from gitsync.config import Schedule, load

SEED = 1
# Seconds that are looked at after the moment that matters, and until what happens at once is over.
WINDOW = 600
BURST = 2
PASSES = 20
REFS = {"one ref": 1, "1,000 refs": 1000}


@dataclass(frozen=True)
class Outcome:
    """A scenario's requests in each second, its load from the event on and after the burst, and its recovery."""

    scenario: Scenario
    seconds: list[int]
    load: Load
    afterwards: Load
    recovery: tuple[float | None, float | None] | None


def default_schedule() -> Schedule:
    """Return the schedule of a sidecar for which nothing is set."""
    return load(["--repo=https://example.com/site.git", "--root=/srv"], {}).repos[0].schedule


def scenarios(schedule: Schedule, *, sidecars: int) -> list[Scenario]:
    """Return what may happen to a fleet; the event is the moment from which on it is looked at."""
    rare = replace(schedule, period=300.0, init_period=300.0)
    found = [
        Scenario(name="steady, after starts within a minute", schedule=schedule, event=120),
        Scenario(name="all start within a second", schedule=schedule, start_within=1),
        Scenario(name="refused for 10 minutes", schedule=schedule, event=900, outage=Outage(300, 900)),
        Scenario(name="silent for 10 minutes", schedule=schedule, event=900, outage=Outage(300, 900, "is silent")),
        Scenario(
            name="silent for a minute, then a restart", schedule=schedule, event=360, outage=Outage(300, 360, "resets")
        ),
        Scenario(
            name="all start within a second, refused for 10 minutes",
            schedule=schedule,
            start_within=1,
            event=600,
            outage=Outage(0, 600),
        ),
        Scenario(name="a webhook to all", schedule=schedule, event=300, webhook_at=300),
        Scenario(name="a webhook to all, --period=5m", schedule=rare, start_within=300, event=900, webhook_at=900),
    ]
    return [replace(scenario, sidecars=sidecars) for scenario in found]


def outcome(scenario: Scenario, costs: Costs) -> Outcome:
    """Run the model of a scenario."""
    passes, even, event = simulate(scenario, seed=SEED), costs.even(scenario), int(scenario.event)
    seconds = per_second(passes, costs, until=scenario.until)
    shares = None
    if scenario.outage:
        early, late = (
            recovered(passes, scenario.outage, sidecars=scenario.sidecars, share=share) for share in (0.5, 0.99)
        )
        shares = (early, late)
    window = seconds[event : event + WINDOW]
    return Outcome(scenario, seconds, load_of(window, even=even), load_of(window[BURST:], even=even), shares)


def costs_of(traffic: Mapping[str, Traffic]) -> Costs:
    """Return the requests of a pass of each kind; there is no fraction of one."""
    idle, update, refused = (round(traffic[kind].requests) for kind in ("idle poll", "update", "refused poll"))
    return Costs(unchanged=idle, updated=update, failed=refused)


def report_traffic(traffic: Mapping[str, Mapping[str, Traffic]]) -> str:
    """Return the costs of the passes as a table, by the repository and by what the pass comes to."""
    rows = [
        (f"{name}, {refs}", each.requests, each.sent, each.received, each.cpu * 1e3)
        for refs, found in traffic.items()
        for name, each in found.items()
    ]
    return table(["a pass", "requests", "bytes to the server", "bytes from it", "git's CPU there, ms"], rows)


def report_scenarios(outcomes: Sequence[Outcome]) -> str:
    """Return what the model says as a table."""
    headers = ["scenario", "mean, requests/s", "peak second", f"peak after {BURST} s", "of the even load"]
    headers += ["calm after, s", "50 % recovered, s", "99 % recovered, s"]
    rows = [
        (
            each.scenario.name,
            each.load.mean,
            each.load.peak,
            each.afterwards.peak,
            each.afterwards.ratio,
            each.load.calm_after,
            *(each.recovery or (None, None)),
        )
        for each in outcomes
    ]
    return table(headers, rows)


def report_run(run: live.Run, seen: Mapping[str, Load], said: Mapping[str, Sequence[Load]]) -> str:
    """Return what real daemons did beside what the model said, as tables."""
    rows = []
    for name, measured in seen.items():
        peaks = [each.peak for each in said[name]]
        spread = f"{median(peaks):.0f} ({min(peaks)} to {max(peaks)})"
        rows.append((name, measured.mean, mean(each.mean for each in said[name]), measured.peak, spread))
    phases = table(["phase", "mean, requests/s", "by the model", "peak second", "by the model"], rows)
    times = (("recovered after the return", run.recovery), ("published after the webhook", run.publication))
    reached = table(
        ["seconds until", "50 %", "99 %", "all"],
        [(name, quantile(values, 0.5), quantile(values, 0.99), max(values)) for name, values in times],
    )
    polled = run.polled
    cells = (polled.requests / polled.polls, polled.handshakes / polled.polls, polled.cpu / polled.polls * 1e3)
    polls = table(["polls", "requests each", "TLS handshakes each", "git's CPU each, ms"], [(polled.polls, *cells)])
    return f"{polls}\n{phases}\n{reached}"


def draw(path: Path, outcomes: Sequence[Outcome], run: live.Run | None) -> None:
    """Draw the requests of each second, a panel a scenario, and one for the real daemons."""
    from matplotlib.figure import Figure

    rows = len(outcomes) // 2 + 1
    figure = Figure(figsize=(12, 2.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, 2).flat)
    for each, axis in zip(outcomes, axes, strict=False):
        begin = max(0, int(each.scenario.event) - WINDOW)
        shown = each.seconds[begin : int(each.scenario.event) + WINDOW]
        axis.plot(range(begin, begin + len(shown)), shown, linewidth=0.7)
        axis.axhline(each.load.even, color="grey", linestyle=":", linewidth=0.8)
        axis.set_ylim(0, 4 * each.load.even)
        axis.set_title(f"{each.scenario.name} (peak {each.load.peak:,})", fontsize=9)
    for axis in axes[len(outcomes) + (run is not None) :]:
        axis.set_axis_off()
    if run:
        axis = axes[len(outcomes)]
        axis.hist(run.requests, bins=range(int(run.end) + 2), histtype="stepfilled")
        axis.axvspan(*run.outage, color="grey", alpha=0.2)
        axis.set_title("real daemons: starts, polls, 503 (grey), a webhook to all", fontsize=9)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("requests in a second", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


@click.command()
@click.option("--sidecars", default=1000, show_default=True, help="How many the model has.")
@click.option("--pods", default=50, show_default=True, help="How many real daemons to run; 0 for none.")
@click.option("--period", default=5.0, show_default=True, help="Their period in seconds.")
@click.option("--output", type=click.Path(path_type=Path), default=Path(".bench/results"), show_default=True)
def fleet(sidecars: int, pods: int, period: float, output: Path) -> None:
    """Measure the traffic of a pass, and what a server sees of many sidecars."""
    schedule, run = default_schedule(), None
    with tempfile.TemporaryDirectory(prefix="gitsync-bench-") as name:
        traffic = {title: measure(Path(name) / str(refs), passes=PASSES, refs=refs) for title, refs in REFS.items()}
        click.echo(report_traffic(traffic))
        costs = costs_of(next(iter(traffic.values())))
        outcomes = [outcome(scenario, costs) for scenario in scenarios(schedule, sidecars=sidecars)]
        click.echo(report_scenarios(outcomes))
        if pods:
            run = live.run(Path(name), pods=pods, period=period)
            said = live.predicted(schedule, costs, run, pods=pods)
            click.echo(report_run(run, live.measured(run, even=said["polling"][0].even), said))
    content = {"traffic": traffic, "scenarios": outcomes, "daemons": run}
    write(output / "fleet.json", content)
    draw(output / "fleet.svg", outcomes, run)
