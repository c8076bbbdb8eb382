"""Promise: SIGTERM and SIGINT end everything in order, whatever is going on; a second signal does not wait."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin, noise
from tests.support.processes import signal_thread
from tests.support.stall import Proxy
from tests.support.tree import assert_published

STOPS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@pytest.fixture
def proxy(git_http: GitHttpServer) -> Iterator[Proxy]:
    """A proxy in front of the git server."""
    with Proxy(git_http.port) as running:
        yield running


def _check_nothing_is_left(daemon: DaemonProcess) -> None:
    daemon.wait_event("stopping")
    daemon.wait_event("stopped")
    daemon.check_nothing_runs()
    assert not list(daemon.tmpdir.iterdir()), "temporary files were left"


@STOPS
def test_idle_daemon_ends_in_order(start_daemon: StartDaemon, origin: Origin, root: Path, number: int) -> None:
    """Given a daemon between passes, when it gets the signal, then it exits with 0 and the root is free at once."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_ready()
    daemon.signal(number)
    assert daemon.wait_exit() == 0, daemon.describe()
    _check_nothing_is_left(daemon)
    assert assert_published(origin.path, root / "site.git") == origin.head
    second = start_daemon(origin.url, root, period="1h")
    second.wait_ready()
    assert not second.logs("sync_finished", outcome="failed")


@STOPS
def test_signal_that_another_thread_takes(start_daemon: StartDaemon, origin: Origin, root: Path, number: int) -> None:
    """Given a daemon between passes, when the kernel hands the signal to a side thread, then it ends all the same."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_event("ready")
    signal_thread(daemon.pid, number, main=False)
    assert daemon.wait_exit() == 0, daemon.describe()
    _check_nothing_is_left(daemon)


@STOPS
def test_stalled_pass_is_ended(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, proxy: Proxy, root: Path, number: int
) -> None:
    """Given a fetch that hangs, when the daemon gets the signal, then it exits with 0 and nothing is left."""
    url, old = git_http.url_of(origin.path, port=proxy.port), origin.head
    # Git itself would give a silent connection up, long before the process has to end.
    patient = "--git-config=http.lowSpeedLimit:0"
    daemon = start_daemon(url, root, patient, period="1h", sync_on_signal="HUP", sync_timeout="1h")
    daemon.wait_published(old)
    daemon.wait_ready()
    new = origin.commit({"large.bin": noise(1_000_000)})
    fetches = git_http.fetches
    proxy.stall(after=200_000)
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: git_http.fetches > fetches and daemon.descendants())
    daemon.signal(number)
    assert daemon.wait_exit() == 0, daemon.describe()
    _check_nothing_is_left(daemon)
    assert assert_published(origin.path, root / "site.git") == old
    proxy.pass_through()
    start_daemon(url, root, period="1h").wait_published(new)
    assert_published(origin.path, root / "site.git")


@pytest.mark.parametrize("main", [True, False], ids=["to the main thread", "to another thread"])
def test_second_signal_is_immediate(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, main: bool
) -> None:
    """Given a git that ignores SIGTERM, when two signals come, then the daemon ends at once and takes git with it."""
    hang = tmp_path / "hang"
    stubborn = tmp_path / "stubborn-git"
    stubborn.write_text(f'#!/bin/sh\nif [ -e "{hang}" ]; then trap "" TERM; sleep 1000; fi\nexec git "$@"\n')
    stubborn.chmod(0o755)
    daemon = start_daemon(
        origin.url, root, git=stubborn, period="1h", sync_on_signal="HUP", sync_timeout="1h", shutdown_timeout="1h"
    )
    daemon.wait_ready()
    hang.touch()
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: [process for process in daemon.descendants() if "1000" in process.arguments])
    daemon.signal(signal.SIGTERM)
    daemon.wait_event("stopping")
    signal_thread(daemon.pid, signal.SIGTERM, main=main)
    assert daemon.wait_exit() == 128 + signal.SIGTERM, daemon.describe()
    daemon.check_nothing_runs()
    assert_published(origin.path, root / "site.git")


def test_signal_during_start_up_ends_it_too(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a daemon that has only just started, when SIGTERM comes, then it exits with 0 and nothing is left."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_event("starting")
    assert daemon.terminate() == 0, daemon.describe()
    daemon.check_nothing_runs()
