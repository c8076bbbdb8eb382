"""What several repositories cost in one process: memory, threads, and passes a second, beside one repository alone."""

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from bench.figures import table, write
from bench.pods import quietly
from bench.soak import NAME, TIMEOUT, served
from tests.support.daemon import DaemonProcess
from tests.support.eventually import eventually
from tests.support.origin import Origin

# Seconds.
SETTLED = 10.0
_OWN = re.compile(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", re.M)
_RESIDENT = re.compile(r"^Rss:\s+(\d+) kB", re.M)


@dataclass(frozen=True)
class Found:
    """What so many repositories take: bytes, of these what no other process shares, threads, and passes a second."""

    repositories: int
    resident: int
    own: int
    threads: int
    passes: float


@contextlib.contextmanager
def following(where: str, count: int, directory: Path, *, period: str) -> Iterator[DaemonProcess]:
    """Run a daemon that follows a repository so many times, each by a name of its own; `where` says which, in YAML."""
    directory.mkdir()
    entries = "".join(f"  - {{link: site-{number}}}\n" for number in range(count))
    file = directory / "gitsync.yaml"
    common = f"{where}, root: {directory / 'root'}, period: {period}, jitter: 0, heal-period: 0"
    file.write_text(f'http-bind: "127.0.0.1:0"\nlog-format: json\ndefaults: {{{common}}}\nrepositories:\n{entries}')
    daemon = DaemonProcess(f"--config={file}", workdir=directory / "pod")
    with quietly(daemon):
        daemon.wait_events("ready", count=count, timeout=TIMEOUT)
        yield daemon


def measure(where: str, count: int, directory: Path, *, seconds: float) -> Found:
    """Measure memory and threads where next to nothing happens, and how many passes there are where they never rest."""
    with following(where, count, directory / f"{count}-idle", period="4s") as daemon:
        began = time.monotonic()
        # Some chores come a second after the first pass, and a kept connection with the second one; then nothing runs.
        eventually(lambda: time.monotonic() >= began + SETTLED and not daemon.descendants(), timeout=TIMEOUT)
        rollup = Path(f"/proc/{daemon.pid}/smaps_rollup").read_text()
        threads = len(list(Path(f"/proc/{daemon.pid}/task").iterdir()))
    with following(where, count, directory / f"{count}-busy", period="10ms") as daemon:
        before, began = _passes(daemon), time.monotonic()
        eventually(lambda: time.monotonic() >= began + seconds, timeout=seconds + TIMEOUT)
        passes = (_passes(daemon) - before) / (time.monotonic() - began)
    return Found(
        repositories=count,
        resident=_sum(_RESIDENT, rollup),
        own=_sum(_OWN, rollup),
        threads=threads,
        passes=passes,
    )


def _sum(line: re.Pattern[str], rollup: str) -> int:
    return sum(int(found) for found in line.findall(rollup)) * 1024


def _passes(daemon: DaemonProcess) -> float:
    body = daemon.get("/metrics")[1]
    return sum(float(found) for found in re.findall(r"^git_sync_count_total\{.*\} (\S+)$", body, re.M))


@click.command()
@click.option("--count", "counts", type=int, multiple=True, default=(1, 5, 20), show_default=True)
@click.option("--seconds", default=20.0, show_default=True, help="For how long passes are counted.")
@click.option("--over", type=click.Choice(["file", "https"]), default="file", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path(".bench/results"), show_default=True)
def several(counts: tuple[int, ...], seconds: float, over: str, output: Path) -> None:
    """Measure several repositories in one process."""
    with tempfile.TemporaryDirectory(prefix="gitsync-bench-") as name:
        directory = Path(name) / "served"
        directory.mkdir()
        origin = Origin(directory / NAME)
        origin.commit({f"page-{number}.html": f"{number}\n" * 20 for number in range(20)})
        with served(directory, over) as server:
            where = f"repo: {origin.url}"
            if server:
                where = f'repo: "{server.urls[over]}/{NAME}", ca-file: {server.authority}'
            found = [measure(where, count, Path(name), seconds=seconds) for count in counts]
    rows = [(f"{one.repositories}", one.resident / 1e6, one.own / 1e6, one.threads, one.passes) for one in found]
    click.echo(table(["repositories", "memory, MB", "of its own, MB", "threads", "passes a second"], rows))
    write(output / "several.json", {"several": found})
