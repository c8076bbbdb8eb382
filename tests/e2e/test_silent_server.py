"""Promise: a server that accepts and stays silent costs one failed pass, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin, noise
from tests.support.stall import Proxy, SilentServer
from tests.support.tree import assert_published

SYNC_TIMEOUT = 4.0


@pytest.fixture
def proxy(git_http: GitHttpServer) -> Iterator[Proxy]:
    """A proxy in front of the git server."""
    with Proxy(git_http.port) as running:
        yield running


@pytest.fixture
def daemon(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, proxy: Proxy, root: Path
) -> DaemonProcess:
    """A daemon that has published through the proxy, gives a pass four seconds, and starts it when it is told to."""
    url = git_http.url_of(origin.path, port=proxy.port)
    started = start_daemon(url, root, "-v1", sync_timeout="4s", period="1h", max_backoff="1h", sync_on_signal="HUP")
    started.wait_ready()
    return started


def _check_failed_pass(daemon: DaemonProcess, failure: dict[str, object], timeout: float = SYNC_TIMEOUT) -> None:
    """The pass ended in time, for the right reason, with nothing left running, and the next one is due."""
    daemon.check_nothing_runs()
    assert failure["reason"] == "timeout"
    assert timeout - 0.1 <= float(str(failure["duration"])) <= timeout + AT_ONCE
    assert float(str(failure["next_delay"])) > 0


def test_everything_else_goes_on(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, proxy: Proxy, root: Path
) -> None:
    """Given a published tree, when the server falls silent, then probes and metrics answer during the pass."""
    url = git_http.url_of(origin.path, port=proxy.port)
    daemon = start_daemon(url, root, sync_timeout="1h", period="1h", sync_on_signal="HUP")
    daemon.wait_ready()
    proxy.stall()
    mark, accepted = daemon.mark(), proxy.accepted
    daemon.signal(1)
    daemon.until(lambda: proxy.accepted > accepted)
    for path in ("/readyz", "/healthz", "/metrics", "/status"):
        assert daemon.get(path)[0] == 200
    assert not daemon.logs("sync_finished", since=mark), "the answers above came after the end of the pass"


def test_pass_fails_in_time(daemon: DaemonProcess, origin: Origin, proxy: Proxy, root: Path) -> None:
    """Given a published tree, when the server falls silent, then the pass fails in time, which status and metrics tell,
    and the tree stays; when the server is back the new commit is published."""
    old, link = origin.head, root / "site.git"
    proxy.stall()
    new = origin.commit({"index.html": "second\n"})
    before = daemon.metrics()
    _check_failed_pass(daemon, daemon.sync_by_signal())
    status, metrics = daemon.status(), daemon.metrics()
    assert status["hash"] == old
    assert status["consecutive_failures"] == 1
    assert status["error"]["reason"] == "timeout"
    assert metrics["gitsync_consecutive_failures"] == 1
    for series in ('gitsync_failures_total{reason="timeout"}', 'git_sync_count_total{status="error"}'):
        assert metrics[series] == before.get(series, 0.0) + 1
    assert daemon.get("/readyz")[0] == 200
    assert assert_published(origin.path, link) == old
    _check_failed_pass(daemon, daemon.sync_by_signal())
    proxy.pass_through()
    daemon.sync_to(new)
    assert_published(origin.path, link)
    assert daemon.metrics()["gitsync_consecutive_failures"] == 0


@pytest.mark.parametrize("after", [1_000, 300_000], ids=["in the refs", "in the pack"])
def test_answer_that_stops_in_the_middle(
    daemon: DaemonProcess, origin: Origin, proxy: Proxy, root: Path, after: int
) -> None:
    """Given a published tree, when an answer stops half-way, then the pass fails in time and the next try succeeds."""
    old = origin.head
    for number in range(20):
        origin.branch(f"branch-{number}-with-a-name-that-makes-the-list-of-refs-longer", at=old)
    proxy.stall(after=after)
    new = origin.commit({"large.bin": noise(1_000_000), "index.html": "second\n"})
    _check_failed_pass(daemon, daemon.sync_by_signal())
    assert assert_published(origin.path, root / "site.git") == old
    proxy.pass_through()
    daemon.sync_to(new)
    assert_published(origin.path, root / "site.git")


def test_silent_from_the_start(start_daemon: StartDaemon, silent_server: SilentServer, root: Path) -> None:
    """Given a server that was never heard, when the daemon starts, then it is alive, not ready, and tries again."""
    daemon = start_daemon(f"{silent_server.url}/site.git", root, sync_timeout="2s", period="3s", max_backoff="3s")
    daemon.until(lambda: silent_server.accepted)
    assert daemon.get("/")[0] == 503
    assert daemon.get("/healthz")[0] == 200
    status, body = daemon.get("/readyz")
    assert status == 503
    assert json.loads(body)["ready"] is False
    for number in (1, 2):
        failures = daemon.wait_events("sync_finished", count=number, outcome="failed")
        _check_failed_pass(daemon, failures[number - 1], timeout=2.0)
    assert not (root / "site.git").is_symlink()


def test_one_time_gives_up_in_time(start_daemon: StartDaemon, silent_server: SilentServer, root: Path) -> None:
    """Given a silent server, when run once, then the exit code is 1, the reason is told and no process is left."""
    daemon = start_daemon(f"{silent_server.url}/site.git", root, sync_timeout="2s", one_time=True)
    assert daemon.wait_exit() == 1
    assert daemon.wait_event("sync_finished", outcome="failed")["reason"] == "timeout"
    daemon.check_nothing_runs()
    assert not (root / "site.git").is_symlink()


@pytest.mark.parametrize("part", ["refs", "pack"])
def test_connection_without_a_byte_is_given_up(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, proxy: Proxy, root: Path, part: str
) -> None:
    """Given plenty of time for a pass, when no byte comes for a while, then the pass fails long before its deadline."""
    origin.commit({"large.bin": noise(1_000_000)})
    proxy.stall(after=0 if part == "refs" else 300_000)
    url = git_http.url_of(origin.path, port=proxy.port)
    daemon = start_daemon(url, root, "-v6", sync_timeout="10m", git_config="http.lowSpeedTime:2")
    failure = daemon.wait_event("sync_finished", outcome="failed")
    daemon.check_nothing_runs()
    assert failure["reason"] == "timeout"
    assert "http.lowSpeedTime" in failure["hint"]
    if part == "pack":
        # What says that the server is alive while it counts; it is no part of the message.
        assert [line for line in daemon.logs("git_output") if "remote: Enumerating objects" in line["stderr"]]
        assert "remote:" not in failure["message"]
