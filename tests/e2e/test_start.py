"""Promise: what is published already is served before git runs at all, and a start loads only what it needs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import PACKAGE_ROOT
from tests.support.eventually import TIMEOUT
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.sink import Sink
from tests.support.tree import assert_published

LONGEST = "2562047h"
AT_THE_END = """
import atexit, gc
from gitsync.__main__ import main
atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0))
main()
"""


def _program(path: Path, *lines: str) -> Path:
    """Write a shell script that stands in for git."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def test_ready_before_git_runs(start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given a published tree, when git itself does not get on, then the daemon is ready, and goes on with it later."""
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    door = tmp_path / "door"
    os.mkfifo(door)
    slow = _program(tmp_path / "slow-git", f"read -r turn <{door}", 'exec git "$@"')
    daemon = start_daemon(origin.url, root, git=slow, period="1h")
    daemon.wait_ready()
    assert not daemon.logs("git_found")
    assert json.loads(daemon.get("/status")[1])["git_version"] is None
    commit = origin.commit({"index.html": "second\n"})
    # For more commands than there will be; open for reading as well, so that it waits for nobody.
    with door.open("r+b", buffering=0) as turns:
        turns.write(b"\n" * 1000)
        daemon.wait_event("git_found")
        daemon.wait_published(commit)
    assert_published(origin.path, root / "site.git")


def test_start_that_fails_leaves_no_private_files(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a file without keys, when it is to be started, then it says so, and removes what it has begun with."""
    keys = tmp_path / "keys"
    keys.touch()
    daemon = start_daemon(origin.url, root, verify="commit", verify_ssh_allowed_signers=keys)
    assert daemon.wait_exit() == 1
    assert daemon.logs("start_failed", reason="unverified")
    assert not list(daemon.tmpdir.iterdir())


@pytest.mark.parametrize("found", ["nothing", "git version 2.17.1", "something else"])
def test_start_fails_without_a_git_that_is_new_enough(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, found: str
) -> None:
    """Given a published tree, when git is missing or too old, then the process says so and ends, and the tree stays."""
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    program = tmp_path / "git"
    if found != "nothing":
        _program(program, f"echo {found}")
    daemon = start_daemon(origin.url, root, git=program)
    assert daemon.wait_exit() == 1
    assert daemon.wait_event("start_failed")["reason"] == "git_missing"
    assert not daemon.logs("thread_ended")
    daemon.check_nothing_runs()
    assert assert_published(origin.path, root / "site.git") == origin.head


def test_longest_times_of_all(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given times and numbers beyond all use, when passes and hooks succeed and fail, then no thread of ours ends."""
    times = ["period", "init_period", "sync_timeout", "max_backoff", "stale_worktree_timeout", "heal_period"]
    times += [f"{hook}_{time}" for hook in ("exechook", "webhook") for time in ("timeout", "backoff")]
    flags = [f"--{time.replace('_', '-')}={LONGEST}" for time in [*times, "shutdown_timeout"]]
    flags += [f"--{number}={2**63 - 1}" for number in ("depth", "max-failures")]
    with Sink() as sink:
        daemon = start_daemon(
            origin.url,
            root,
            *flags,
            webhook_success_status=204,
            exechook_command="true",
            webhook_url=sink.target,
            sync_on_signal="HUP",
        )
        daemon.wait_event("hook_finished", hook="exechook")
        daemon.wait_event("hook_failed", hook="webhook")
        daemon.sync_to(origin.commit({"index.html": "second\n"}))
        origin.path.rename(origin.path.with_name("gone"))
        assert daemon.sync_by_signal()["outcome"] == "failed"
        assert daemon.status()["consecutive_failures"]
        assert daemon.terminate() == 0
    assert not daemon.logs("thread_failed")


def test_loads_what_it_needs_when_it_needs_it(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path
) -> None:
    """Given a repository behind http, when it is published, then what other set-ups need is not loaded.

    GitPython is loaded when the HTTP server listens already.
    """
    traced = {"PYTHONPROFILEIMPORTTIME": "1"}
    daemon = start_daemon(git_http.url_of(origin.path), root, period="1h", environment=traced)
    daemon.wait_published(origin.head)
    before, listening, after = daemon.log_text().partition("http_listening")
    assert listening
    assert {"structlog", "prometheus_client", "waitress"} <= _imported(before)
    assert not {"git", "jwt", "cryptography", "urllib3", "watchdog"} & _imported(before)
    assert "git" in _imported(after)
    assert not {"jwt", "cryptography", "urllib3", "watchdog", "gitsync.receiver.door"} & _imported(after)


def _imported(trace: str) -> set[str]:
    """Return the modules that Python tells of with PYTHONPROFILEIMPORTTIME."""
    return set(re.findall(r"^import time: .*\| +(\S+)$", trace, re.MULTILINE))


def test_garbage_is_collected_after_the_start(origin: Origin, root: Path) -> None:
    """Given a start without the collector, when all is imported, then it works, and leaves out what was imported."""
    command = [sys.executable, "-c", AT_THE_END, f"--repo={origin.url}", f"--root={root}", "--one-time"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE_ROOT), "GITSYNC_HTTP_BIND": "off"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (ended.returncode, ended.stdout) == (0, "True True\n"), ended.stderr
