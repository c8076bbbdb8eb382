"""How large the store becomes: many updates, each published, beside the same done by plain git that never cleans up."""

import itertools
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from bench.figures import quantile, table, write
from bench.meters import disk_usage
from bench.pods import pod
from tests.support.daemon import DaemonProcess
from tests.support.git import git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Origin, noise

FILES = 2000
TIMEOUT = 120.0
CLEANERS = ("gc", "prune", "repack")


@dataclass
class Growth:
    """Sizes of a store after each update in bytes, seconds until each was published, and those spent on tidying."""

    sizes: list[int] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)
    tidying: list[float] = field(default_factory=list)
    cleanings: int = 0


def changes(size: str) -> Iterator[dict[str, Content]]:
    """Yield the files of the first commit, and then those that each further commit changes."""
    if size == "large":
        for seed in itertools.count():
            yield {"model.bin": noise(1_000_000, seed=seed)}
    texts: dict[str, str] = {f"{number // 50:02}/{number % 50:02}.txt": f"{number}\n" * 20 for number in range(FILES)}
    yield dict(texts)
    for change, path in enumerate(itertools.cycle(texts)):
        yield {path: f"{texts[path]}change {change}\n"}


def run(directory: Path, *, pushes: int, size: str) -> tuple[Growth, Growth, int]:
    """Return what happens to our store, to plain git's, and the size of what is live at the end."""
    origins = directory / "origins"
    origins.mkdir()
    origin = Origin(origins / "site.git")
    commits = changes(size)
    origin.commit(next(commits))
    ours, plain = Growth(), Growth()
    options = ("-v5", "--period=1h", "--jitter=0", "--sync-on-signal=HUP", "--stale-worktree-timeout=0")
    with GitHttpServer(origins) as server, pod(server.url_of(origin.path), directory / "pod", *options) as daemon:
        daemon.wait_ready()
        clone = _plain_clone(directory / "plain", server.url_of(origin.path))
        for _ in range(pushes):
            commit = origin.commit(next(commits))
            _publish(daemon, commit, ours)
            ours.sizes.append(disk_usage(directory / "pod" / "root" / ".gitsync"))
            _pull(clone, plain)
            plain.sizes.append(disk_usage(clone / ".git"))
        ours.cleanings = sum(_cleans(event["command"]) for event in daemon.logs("git_command"))
        git(None, "clone", "--quiet", "--bare", "--depth=1", server.url_of(origin.path), str(directory / "live"))
    return ours, plain, disk_usage(directory / "live" / "objects")


def _publish(daemon: DaemonProcess, commit: str, growth: Growth) -> None:
    """Have a daemon publish a commit; what it does after the link is replaced is not a part of the update."""
    mark = daemon.mark()
    daemon.signal(signal.SIGHUP)
    event = daemon.wait_event("sync_finished", since=mark, hash=commit, timeout=TIMEOUT)
    growth.tidying.append(event["phases"]["tidy"])
    growth.updates.append(event["duration"] - event["phases"]["tidy"])


def _plain_clone(path: Path, url: str) -> Path:
    git(None, "init", "--quiet", str(path))
    git(path, "remote", "add", "origin", url)
    return path


def _pull(clone: Path, growth: Growth) -> None:
    started = time.monotonic()
    git(clone, "-c", "gc.auto=0", "fetch", "--quiet", "--no-tags", "--depth=1", "origin", "+HEAD:refs/kept/head")
    git(clone, "reset", "--quiet", "--hard", "refs/kept/head")
    growth.updates.append(time.monotonic() - started)


def _cleans(command: list[str] | str) -> bool:
    words = command.split() if isinstance(command, str) else command
    return any(word in CLEANERS for word in words)


def report(ours: Growth, plain: Growth, live: int) -> str:
    """Return both as a table; sizes are megabytes, times milliseconds."""
    headers = ["", "updates", "live, MB", "store: most, MB", "at the end, MB", "update: median, ms", "p99, ms"]
    headers += ["tidying: median, ms", "p99, ms", "cleanings"]
    rows = [_row(name, growth, live) for name, growth in (("gitsync", ours), ("git, never cleaned", plain))]
    return table(headers, rows)


def _row(name: str, growth: Growth, live: int) -> list[object]:
    sizes = [live / 1e6, max(growth.sizes) / 1e6, growth.sizes[-1] / 1e6]
    times: list[float | None] = []
    for seconds in (growth.updates, growth.tidying):
        times += [statistics.median(seconds) * 1e3, quantile(seconds, 0.99) * 1e3] if seconds else [None, None]
    return [name, len(growth.sizes), *sizes, *times, growth.cleanings]


@click.command()
@click.option("--pushes", default=500, show_default=True, help="How many commits to publish, one after the other.")
@click.option(
    "--size",
    type=click.Choice(["large", "small"]),
    default="large",
    show_default=True,
    help="What a commit replaces: a file of 1 MB that cannot be compressed, or a line in one of 2,000 files.",
)
@click.option("--output", type=click.Path(path_type=Path), default=Path(".bench/results"), show_default=True)
def store(pushes: int, size: str, output: Path) -> None:
    """Watch the size of the store over many updates."""
    with tempfile.TemporaryDirectory(prefix="gitsync-bench-") as name:
        ours, plain, live = run(Path(name), pushes=pushes, size=size)
    click.echo(report(ours, plain, live))
    write(output / f"store-{size}.json", {"live": live, "gitsync": ours, "git": plain})
