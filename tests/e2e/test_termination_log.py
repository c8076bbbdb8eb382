"""Promise: when the process has ended with an error, `kubectl describe pod` says why."""

from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.origin import Origin
from tests.support.stall import SilentServer


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file as the kubelet mounts one."""
    path = tmp_path / "termination-log"
    path.touch()
    return path


def test_pass_that_has_failed(start_daemon: StartDaemon, origin: Origin, root: Path, log: Path) -> None:
    """Given a ref that the repository has not, when run once, then reason, message and hint are left."""
    daemon = start_daemon(origin.url, root, one_time=True, ref="no-such-branch", termination_log=log)
    assert daemon.wait_exit() == 1
    told = log.read_text()
    assert told.startswith("ref_missing: ")
    assert "no-such-branch" in told
    assert "\nWhat to do: check --ref" in told


def test_too_many_failures(start_daemon: StartDaemon, silent_server: SilentServer, root: Path, log: Path) -> None:
    """Given a server that does not answer, when passes have failed too often, then the last of them is told of."""
    silent_server.refuse()
    url = f"{silent_server.url}/site.git"
    daemon = start_daemon(url, root, init_max_failures=1, init_period="100ms", termination_log=log)
    assert daemon.wait_exit() == 1
    assert log.read_text().startswith("connect: ")


def test_hook_that_has_failed(start_daemon: StartDaemon, origin: Origin, root: Path, log: Path) -> None:
    """Given a command that fails, when run once, then its own words are left, and where to look."""
    command = "sh -c 'echo it is broken; exit 3'"
    daemon = start_daemon(origin.url, root, one_time=True, exechook_command=command, termination_log=log)
    assert daemon.wait_exit() == 1
    first, second, *_ = log.read_text().splitlines()
    assert first == "hook: site.git: exechook: exit status 3: it is broken"
    assert second.startswith("What to do: see what the command of --exechook-command printed")


def test_paused_and_empty(start_daemon: StartDaemon, origin: Origin, root: Path, log: Path) -> None:
    """Given a root that is paused and has nothing, when run once, then that is the reason."""
    (root / ".gitsync").mkdir(parents=True)
    (root / ".gitsync" / "paused").touch()
    daemon = start_daemon(origin.url, root, one_time=True, termination_log=log)
    assert daemon.wait_exit() == 1
    assert log.read_text().startswith("paused: site.git: it is paused, and nothing is published\nWhat to do: ")


def test_refused_options(start_daemon: StartDaemon, origin: Origin, root: Path, log: Path) -> None:
    """Given options that cannot be used, then each of them is told of."""
    daemon = start_daemon(origin.url, root, depth="x", period="y", termination_log=log)
    assert daemon.wait_exit() == 1
    assert log.read_text().splitlines() == [
        "config: --depth=x: use a whole number",
        "config: --period=y: use a duration with a unit, such as 250ms, 10s or 1m30s",
    ]


def test_end_in_order(start_daemon: StartDaemon, origin: Origin, root: Path, log: Path) -> None:
    """Given a pass that succeeds, and an end by a signal, then nothing is left."""
    assert start_daemon(origin.url, root, one_time=True, termination_log=log).wait_exit() == 0
    daemon = start_daemon(origin.url, root, termination_log=log)
    daemon.wait_ready()
    assert daemon.terminate() == 0
    assert log.read_text() == ""
