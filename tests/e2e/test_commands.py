"""Promise: for what can be asked for by hand there is a command, which needs no arguments beside the daemon."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import PACKAGE_ROOT, DaemonProcess
from tests.support.eventually import AT_ONCE, TIMEOUT
from tests.support.origin import Origin
from tests.support.stall import SilentServer
from tests.support.tree import published_hash

SECRET = "s3cret-of-the-receiver"
DONE, FAILED, USAGE, UNASKED, UNDONE = range(5)


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the program; return its exit code, and what it says where all is well, or else where it is not."""
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    ended = subprocess.run(
        [sys.executable, "-m", "gitsync", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE_ROOT), **coverage, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert SECRET not in ended.stdout + ended.stderr
    return ended.returncode, ended.stdout if ended.returncode == 0 else ended.stderr


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a pod's container."""
    file = tmp_path / "receiver-secret"
    file.write_text(f"{SECRET}\n")
    return {"GITSYNC_RECEIVER_SECRET_FILE": str(file), "GITSYNC_RECEIVER_BIND": "127.0.0.1:0"}


@pytest.fixture
def daemon(start_daemon: StartDaemon, origin: Origin, root: Path, environment: dict[str, str]) -> DaemonProcess:
    """A daemon with these variables."""
    started = start_daemon(origin.url, root, "-v1", environment=environment, period="1h")
    started.wait_ready()
    port = started.wait_event("receiver_listening")["port"]
    environment["GITSYNC_RECEIVER_BIND"] = f":{port}"
    return started


@pytest.mark.usefixtures("daemon")
def test_trigger(origin: Origin, root: Path, environment: dict[str, str]) -> None:
    """Given a new commit, when it is asked for beside the daemon, then it is published, and that is said."""
    commit = origin.commit({"index.html": "second\n"})
    code, said = run("trigger", "--wait", "1m", **environment)
    assert code == DONE
    assert f"refs/heads/main at {commit}" in said
    assert published_hash(root / "site.git") == commit
    assert run("trigger", **environment) == (DONE, "a pass begins\n")


@pytest.mark.usefixtures("daemon")
def test_trigger_that_fails(origin: Origin, environment: dict[str, str]) -> None:
    """Given a remote that is gone, when a pass is waited for, then it ends with 1, and says why."""
    origin.path.rename(origin.path.with_name("gone"))
    code, said = run("trigger", "--wait=1m", **environment)
    assert code == FAILED
    assert "not_found: " in said
    assert "check --repo" in said


def test_trigger_elsewhere(daemon: DaemonProcess, environment: dict[str, str], tmp_path: Path) -> None:
    """Given a URL and a file, when a pass is asked for from outside of the pod, then they count."""
    url = f"http://127.0.0.1{environment['GITSYNC_RECEIVER_BIND']}/"
    file = environment["GITSYNC_RECEIVER_SECRET_FILE"]
    assert run("trigger", url, "--wait=1m", "--secret-file", file, HTTP_PROXY="http://127.0.0.1:1")[0] == DONE
    (tmp_path / "wrong").write_text("wrong-Tr0ub4dor\n")
    code, said = run("trigger", url, "--wait=1m", "--secret-file", str(tmp_path / "wrong"))
    assert (code, said) == (UNASKED, "the server answered with 401\n")
    # Only the port of the receiver takes it.
    code, said = run("trigger", f"http://127.0.0.1:{daemon.port}", "--secret-file", file)
    assert (code, said) == (UNASKED, "the server answered with 404\n")


def test_nobody_to_ask(environment: dict[str, str]) -> None:
    """Given no daemon, when it is asked, then it ends with 3; and with 2 where it cannot be known whom to ask."""
    code, said = run("trigger", "http://127.0.0.1:1", **environment)
    assert code == UNASKED
    assert said.startswith("gitsync: http://127.0.0.1:1/sync: Connection refused\n")
    assert run("trigger")[0] == USAGE
    assert run("trigger", "--wait=soon", **environment)[0] == USAGE


def test_trigger_that_is_not_done_in_time(
    start_daemon: StartDaemon, silent_server: SilentServer, root: Path, environment: dict[str, str]
) -> None:
    """Given a remote that says nothing, when the time is over, then it ends with 4."""
    daemon = start_daemon(f"http://127.0.0.1:{silent_server.port}/site.git", root, environment=environment)
    environment["GITSYNC_RECEIVER_BIND"] = f":{daemon.wait_event('receiver_listening')['port']}"
    code, said = run("trigger", "--wait=200ms", **environment)
    assert (code, said.splitlines()[0]) == (UNDONE, "not done within 0.2s; it goes on")
    daemon.terminate(timeout=AT_ONCE)


def test_pause_and_resume(daemon: DaemonProcess, origin: Origin, root: Path, environment: dict[str, str]) -> None:
    """Given a pause, when a pass is asked for, then it ends with 4; and with 0 after the end of the pause."""
    assert run("pause", "--reason", "bad release & more", **environment) == (DONE, "paused; what is published stays\n")
    assert daemon.status()["paused"]["reason"] == "bad release & more"
    commit = origin.commit({"index.html": "second\n"})
    code, said = run("trigger", "--wait=1m", **environment)
    assert (code, said.splitlines()[0]) == (UNDONE, "it is paused; a pass begins at POST /resume")
    assert run("resume", **environment) == (DONE, "resumed; a pass begins\n")
    daemon.wait_published(commit)
    assert run("resume", **environment) == (DONE, "it was not paused\n")


def test_status(daemon: DaemonProcess, origin: Origin, environment: dict[str, str]) -> None:
    """Given a daemon, when it is asked how it is, then what it serves is said, and later why that is not the newest."""
    environment["GITSYNC_HTTP_BIND"] = f":{daemon.port}"
    code, said = run("status", **environment)
    assert code == DONE
    assert said.startswith("site.git: up to date, as the server has said ")
    assert f"url      {origin.url}\n" in said
    assert f"serving  refs/heads/main at {origin.head}, since 20" in said
    origin.path.rename(origin.path.with_name("gone"))
    assert run("trigger", "--wait=1m", **environment)[0] == FAILED
    code, said = run("status", **environment)
    assert code == DONE
    assert "old content: the server has no such repository" in said
    assert "-> check --repo" in said
    code, said = run("status", "--json", **environment)
    assert json.loads(said)["repos"][0]["error"]["reason"] == "not_found"
    assert run("status", "http://127.0.0.1:1")[0] == UNASKED
