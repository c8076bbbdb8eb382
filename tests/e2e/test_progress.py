"""Promise: a long first clone is visibly not a hung one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import Event
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin, noise
from tests.support.stall import Proxy
from tests.support.tree import assert_published

HALF = 600_000


@pytest.fixture
def proxy(git_http: GitHttpServer, origin: Origin) -> Iterator[Proxy]:
    """A proxy that holds an answer back in the middle of the objects."""
    origin.commit({f"{number}.bin": noise(10_000, seed=number) for number in range(120)})
    with Proxy(git_http.port) as running:
        running.stall(after=HALF)
        yield running


def test_progress_of_the_first_clone(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, proxy: Proxy, root: Path
) -> None:
    """Given a server that has sent half of it, then the status says so; when all is there it says nothing any more."""
    url = git_http.url_of(origin.path, port=proxy.port)
    daemon = start_daemon(url, root, sync_timeout="10m", period="1h")

    def receiving() -> Event | None:
        fetch = daemon.status()["fetch"]
        return fetch if fetch and fetch["phase"] == "receiving" and fetch["percent"] > 25 else None

    fetch = daemon.until(receiving)
    assert fetch["remote"] == url
    assert fetch["percent"] < 90
    assert 0 < fetch["objects"] < fetch["objects_total"]
    assert daemon.get("/healthz")[0] == 200
    proxy.pass_through()
    daemon.wait_ready()
    assert daemon.status()["fetch"] is None
    assert_published(origin.path, root / "site.git")


def test_timeout_says_how_far_it_was(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, proxy: Proxy, root: Path
) -> None:
    """Given too little time for a large repository, then the message tells it from a server that is silent."""
    url = git_http.url_of(origin.path, port=proxy.port)
    daemon = start_daemon(url, root, sync_timeout="3s", period="1h", max_backoff="1h")
    failure = daemon.wait_event("sync_finished", outcome="failed")
    assert failure["reason"] == "timeout"
    assert "; it was at receiving " in failure["message"]
    assert "--sync-timeout" in failure["hint"]
    assert daemon.status()["fetch"] is None
