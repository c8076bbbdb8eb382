"""How soon all replicas have published a push that one of them is told of: real daemons, DNS, and a push over HTTP."""

import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from bench.figures import quantile, table, write
from bench.pods import quietly
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.names import NameServer
from tests.support.network import NoNetworkError, own_network
from tests.support.origin import Origin
from tests.support.push import Pushing
from tests.support.replicas import PORT, SECRET, SERVICE, Replicas, published_at

TIMEOUT = 120.0
# Seconds between pushes: what follows a publication is over by then.
PAUSE = 3.0


@dataclass(frozen=True)
class Pushed:
    """Seconds from an event to the first and to the last replica that has published, and to the median one."""

    first: float
    median: float
    last: float

    @property
    def spread(self) -> float:
        """The seconds in which replicas differ."""
        return self.last - self.first


def run(directory: Path, *, replicas: int, pushes: int) -> list[Pushed]:
    """Push so many times to a repository that so many replicas follow, on a network that is only this thread's."""
    origins = directory / "origins"
    origins.mkdir()
    origin = Origin(origins / "site.git")
    origin.commit({f"page-{number}.html": f"{number}\n" * 20 for number in range(20)})
    addresses = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(replicas)]
    with NameServer() as names, GitHttpServer(origins) as server, ExitStack() as stack:
        names.names[SERVICE] = addresses
        url = server.url_of(origin.path)

        def start(
            repo: str, root: Path, *arguments: str, environment: dict[str, str] | None = None, **options: object
        ) -> DaemonProcess:
            given = {"repo": repo, "root": root, "link": "current", "log_format": "json", **options}
            flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
            daemon = DaemonProcess(*flags, *arguments, workdir=root.with_suffix(".work"), environment=environment)
            daemon.link = root / "current"
            return stack.enter_context(quietly(daemon))

        started = Replicas(start, url, directory / "replicas").start(addresses)
        pushing = Pushing(origin, url, workdir=directory)
        pushing.tells(f"http://{addresses[0]}:{PORT}/webhook", SECRET)
        return [_push(pushing, started, number) for number in range(pushes)]


def _push(pushing: Pushing, replicas: list[DaemonProcess], number: int) -> Pushed:
    threading.Event().wait(PAUSE)
    commit = pushing.push({"page-0.html": f"{number}\n"})
    for replica in replicas:
        replica.wait_published(commit, timeout=TIMEOUT)
    times = [published_at(replica) - pushing.sent_at for replica in replicas]
    return Pushed(min(times), median(times), max(times))


def report(pushes: list[Pushed]) -> str:
    """Return the figures of all pushes as a table."""
    rows = [
        (name, median(values), quantile(values, 0.9), max(values))
        for name, values in (
            ("event to the first", [each.first for each in pushes]),
            ("event to the median one", [each.median for each in pushes]),
            ("event to the last", [each.last for each in pushes]),
            ("first to last", [each.spread for each in pushes]),
        )
    ]
    return table([f"seconds, {len(pushes)} pushes", "median", "90 %", "most"], rows)


@click.command("replicas")
@click.option("--replicas", default=20, show_default=True, help="How many daemons to run.")
@click.option("--pushes", default=20, show_default=True, help="How many times to push.")
@click.option("--output", type=click.Path(path_type=Path), default=Path(".bench/results"), show_default=True)
def measure_replicas(replicas: int, pushes: int, output: Path) -> None:
    """Measure how soon all replicas publish a push that one of them is told of; needs root."""
    try:
        with tempfile.TemporaryDirectory(prefix="gitsync-bench-") as name, own_network() as inside:
            found = inside.submit(run, Path(name), replicas=replicas, pushes=pushes).result()
    except NoNetworkError as error:
        raise click.ClickException(f"a network of our own needs root and CAP_SYS_ADMIN: {error}") from error
    click.echo(report(found))
    write(output / "replicas.json", {"replicas": replicas, "pushes": found})
