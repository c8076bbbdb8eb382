"""Whether a daemon grows: memory, descriptors and threads of one process over thousands of passes.

Over a network also whether it keeps its connection: all that the server has seen is counted.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from bench.figures import slope, table, write
from bench.pods import pod
from bench.serving import Seen, Server
from tests.support.daemon import DaemonProcess
from tests.support.origin import Origin

# Passes between two samples; the first of them publishes a new commit.
EVERY = 100
# The share of the samples that is left out of the slope: caches and pools fill up first.
WARM_UP = 0.5
TIMEOUT = 120.0
QUANTITIES = ("memory", "descriptors", "threads")
NAME = "site.git"


@dataclass(frozen=True)
class Sample:
    """What /proc says of the process after so many passes; memory is resident, in bytes."""

    passes: int
    memory: int
    descriptors: int
    threads: int


def sample(pid: int, passes: int) -> Sample:
    """Look at a process."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    status = {words[0]: words[1] for words in lines if len(words) > 1}
    descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return Sample(passes, int(status["VmRSS:"]) * 1024, descriptors, int(status["Threads:"]))


@contextlib.contextmanager
def served(directory: Path, over: str) -> Iterator[Server | None]:
    """Serve what lies in a directory for as long as it is measured, unless clients read it themselves."""
    if over == "file":
        yield None
        return
    with Server(directory, private=directory.parent / "server") as server:
        yield server


def run(directory: Path, *, passes: int, every: int, server: Server | None = None) -> list[Sample]:
    """Let a daemon run so many passes, with an update and a sample among each `every`."""
    origin = Origin(directory / NAME)
    origin.commit({f"page-{number}.html": f"{number}\n" * 20 for number in range(20)})
    options = ["-v1", "--period=10ms", "--jitter=0", "--stale-worktree-timeout=0"]
    if server:
        options.append(f"--ca-file={server.authority}")
    url = f"{server.urls['https']}/{NAME}" if server else origin.url
    with pod(url, directory / "pod", *options) as daemon:
        daemon.wait_ready()
        samples = []
        for done in range(every, passes + 1, every):
            mark = daemon.mark()
            origin.commit({"page-0.html": f"{done}\n"})
            _wait_passes(daemon, every, since=mark)
            samples.append(sample(daemon.pid, done))
        failed = daemon.logs("sync_finished", outcome="failed")
        if failed:
            daemon.fail(f"{len(failed)} passes failed")
        return samples


def _wait_passes(daemon: DaemonProcess, count: int, *, since: int) -> None:
    daemon.wait_events("sync_finished", count=count, since=since, timeout=TIMEOUT)


def slopes(samples: list[Sample]) -> dict[str, float]:
    """Return by how much each quantity grows in 1,000 passes after the warm-up; there have to be two samples then."""
    counted = samples[int(len(samples) * WARM_UP) :]
    passes = [each.passes for each in counted]
    return {name: slope(passes, [getattr(each, name) for each in counted], per=1000) for name in QUANTITIES}


def report(samples: list[Sample], seen: Seen | None = None) -> str:
    """Return the first, a middle and the last sample, and the slopes, as a table; below it what the server has seen."""
    shown = [samples[0], samples[len(samples) // 2], samples[-1]]
    grown = slopes(samples)
    rows = [(f"after {each.passes:,} passes", each.memory / 1e6, each.descriptors, each.threads) for each in shown] + [
        ("growth in 1,000 passes", grown["memory"] / 1e6, grown["descriptors"], grown["threads"])
    ]
    told = f"{seen.requests:,} requests, {seen.handshakes:,} TLS handshakes" if seen else ""
    return "\n\n".join(filter(None, [table(["", "memory, MB", "descriptors", "threads"], rows), told]))


@click.command()
@click.option("--passes", default=10_000, show_default=True, help="How many passes to run.")
@click.option("--every", default=EVERY, show_default=True, help="Passes between two samples, one of them an update.")
@click.option("--over", type=click.Choice(["file", "https"]), default="file", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path(".bench/results"), show_default=True)
def soak(passes: int, every: int, over: str, output: Path) -> None:
    """Watch memory, descriptors and threads of a daemon over many passes."""
    with tempfile.TemporaryDirectory(prefix="gitsync-bench-") as name:
        directory = Path(name) / "served"
        directory.mkdir()
        with served(directory, over) as server:
            samples = run(directory, passes=passes, every=every, server=server)
            seen = server.seen(over) if server else None
    click.echo(report(samples, seen))
    found = {"samples": samples, "per_1000_passes": slopes(samples)}
    write(output / "soak.json", found | ({"seen": asdict(seen)} if seen else {}))
