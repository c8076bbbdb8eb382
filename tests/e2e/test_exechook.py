"""Promise: after a publication, and once after a start, a command runs for what is published; no pass waits for it."""

import os
import tarfile
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.eventually import AT_ONCE
from tests.support.hook import HookScript
from tests.support.origin import Origin
from tests.support.tree import published_hash

# What docs/hooks.md says a hook may see, and what the shell itself sets.
# The last one is Python's, where there is no locale.
SHELL = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
RUNS = 'git_sync_hook_run_count_total{name="exechook",status="%s"}'


@pytest.fixture
def script(tmp_path: Path) -> HookScript:
    """A hook that notes the hash that it is run for."""
    return HookScript(tmp_path / "hook")


def test_runs_in_the_published_tree(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, script: HookScript
) -> None:
    """Given a command with arguments, when commits are published, then it runs in each of their trees."""
    script.write('note "$GITSYNC_HASH $(basename "$(pwd -P)") $(cat index.html) $1/$2"')
    daemon = start_daemon(origin.url, root, period="1h", exechook_command=f"{script} one 'two words'")
    daemon.wait_event("hook_finished", hook="exechook", hash=origin.head)
    second = origin.commit({"index.html": "second\n"})
    daemon.wait_event("hook_finished", hash=second)
    first = script.notes()[0].split()[0]
    assert script.notes() == [f"{first} {first} first one/two words", f"{second} {second} second one/two words"]
    assert daemon.metrics()[RUNS % "success"] == 2
    assert daemon.metrics()[RUNS % "error"] == 0


def test_path_with_a_space(start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given a program whose path holds a space, when it is named without quotes, then it runs, as with git-sync."""
    script = HookScript(tmp_path / "my hook")
    daemon = start_daemon(origin.url, root, period="1h", exechook_command=script)
    daemon.wait_event("hook_finished")
    assert script.notes() == [origin.head]


def test_program_of_the_repository(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a relative path, when the hook runs, then it is looked for in the tree."""
    daemon = start_daemon(origin.url, root, period="1h", exechook_command="./bin/run")
    assert daemon.wait_event("hook_finished")["hash"] == origin.head


def test_failure_is_told_and_tried_again(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript
) -> None:
    """Given a command that fails, when it is run, then its output is in the log and it is run until it succeeds, while
    the tree is published."""
    script.write("note $GITSYNC_HASH; echo so far so good; echo what went wrong >&2; exit 3")
    daemon = start_daemon(
        origin.url, root, period="1h", exechook_command=script, exechook_backoff="20ms", max_backoff="50ms"
    )
    failures = daemon.wait_events("hook_failed", count=3, hook="exechook")
    assert published_hash(root / "site.git") == origin.head
    assert "exit status 3: so far so good\nwhat went wrong" in failures[0]["message"]
    assert [failure["retry_in"] for failure in failures[:3]] == [0.02, 0.04, 0.05]
    script.write("note $GITSYNC_HASH")
    daemon.wait_event("hook_finished", hash=origin.head)
    assert daemon.metrics()[RUNS % "error"] >= 3
    assert daemon.metrics()[RUNS % "success"] == 1
    assert set(script.notes()) == {origin.head}


@pytest.mark.parametrize(("status", "code"), [(0, 0), (7, 1)])
def test_one_time_waits_for_the_hook(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript, status: int, code: int
) -> None:
    """Given --one-time, when the hook succeeds or fails, then the process ends after it, with its success."""
    script.write(f"sleep 0.3; note done; exit {status}")
    daemon = start_daemon(origin.url, root, one_time=True, exechook_command=script)
    assert daemon.wait_exit() == code, daemon.describe()
    assert script.notes() == ["done"]
    assert published_hash(root / "site.git") == origin.head


def test_runs_after_a_start_without_news(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript
) -> None:
    """Given a published tree, when the program starts and nothing has changed, then the hook runs once."""
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    daemon = start_daemon(origin.url, root, "-v1", period="50ms", exechook_command=script)
    daemon.wait_events("sync_finished", count=3, outcome="unchanged")
    daemon.wait_event("hook_finished")
    assert script.notes() == [origin.head]


def test_git_works_in_the_tree(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, script: HookScript
) -> None:
    """Given a hook that packs the tree with git, when it runs, then the archive has the commit's files."""
    script.write(f"git archive --output='{tmp_path}/site.tar' HEAD")
    daemon = start_daemon(origin.url, root, period="1h", exechook_command=script)
    daemon.wait_event("hook_finished")
    with tarfile.open(tmp_path / "site.tar") as archive:
        assert {"index.html", "docs/guide.txt", "bin/run", "latest"} <= set(archive.getnames())


def test_environment_is_that_of_the_container(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, script: HookScript
) -> None:
    """Given secrets and other variables, when the hook runs, then it sees the others, and none of those for git."""
    script.write(f"env -0 > '{tmp_path}/seen'")
    environment = {
        "GITSYNC_RECEIVER_SECRET": "receiver-secret",
        "GITSYNC_USERNAME": "somebody",
        "GITSYNC_PASSWORD": "password-secret",
        "GITSYNC_EXECHOOK_COMMAND": str(script),
        "OTHER": "other",
        "COPY": "password-secret",
        "TZ": "Europe/Berlin",
        "GIT_SSL_NO_VERIFY": "true",
        "SSH_AUTH_SOCK": "/tmp/agent",
    }
    daemon = start_daemon(origin.url, root, environment=environment, period="1h")
    daemon.wait_event("hook_finished")
    content = (tmp_path / "seen").read_bytes()
    seen = dict(line.split("=", 1) for line in os.fsdecode(content).split("\0") if line)
    given = {"PATH", "HOME", "TMPDIR", "PYTHONPATH", *environment}
    hidden = {"GITSYNC_RECEIVER_SECRET", "GITSYNC_PASSWORD", "COPY", "GIT_SSL_NO_VERIFY", "SSH_AUTH_SOCK"}
    coverage = {name for name in seen if name.startswith("COVERAGE_")}
    assert seen.keys() - SHELL - coverage == {"GITSYNC_HASH", *given} - hidden
    assert seen["GITSYNC_HASH"] == origin.head
    assert (seen["TZ"], seen["OTHER"]) == ("Europe/Berlin", "other")
    assert seen["HOME"] == str(daemon.home)
    assert b"-secret" not in content


def test_secret_in_the_output_is_masked(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript
) -> None:
    """Given a hook that prints a secret of ours, when it fails, then the log does not have it."""
    script.write("echo token is receiver-secret; exit 1")
    environment = {"GITSYNC_RECEIVER_SECRET": "receiver-secret"}
    daemon = start_daemon(origin.url, root, environment=environment, period="1h", exechook_command=script)
    assert "token is ***" in daemon.wait_event("hook_failed")["message"]
    assert "receiver-secret" not in daemon.log_text()


def test_latest_publication_wins_and_no_pass_waits(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, script: HookScript
) -> None:
    """Given a hook that hangs, when three commits are published meanwhile, then it runs for the last one next."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    first = origin.head
    script.write(f"note $GITSYNC_HASH; cat '{fifo}'")
    daemon = start_daemon(origin.url, root, period="1h", exechook_command=script)
    daemon.until(lambda: script.notes() == [first])
    for number in range(3):
        last = origin.commit({"index.html": f"{number}\n"})
        daemon.wait_published(last)
    daemon.until(lambda: daemon.status()["hash"] == last)
    script.write("note $GITSYNC_HASH")
    fifo.write_text("")
    daemon.wait_event("hook_finished", hash=last)
    assert script.notes() == [first, last]


def test_newer_publication_ends_the_wait_for_another_try(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript
) -> None:
    """Given a hook that waits an hour for another try, when a commit is published, then it runs for it at once."""
    first = origin.head
    script.write("note $GITSYNC_HASH; exit 1")
    daemon = start_daemon(origin.url, root, period="1h", exechook_command=script, exechook_backoff="1h")
    daemon.wait_event("hook_failed", hash=first)
    script.write("note $GITSYNC_HASH")
    second = origin.commit({"index.html": "second\n"})
    daemon.wait_event("hook_finished", hash=second)
    assert script.notes() == [first, second]


def test_timeout_ends_all_that_the_hook_has_started(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript
) -> None:
    """Given a hook that forks and ignores TERM, when its time is over, then none of it is left."""
    script.write("trap '' TERM; (trap '' TERM; sleep 1000) & note started; sleep 1000")
    daemon = start_daemon(
        origin.url, root, period="1h", exechook_command=script, exechook_timeout="3s", exechook_backoff="1h"
    )
    failure = daemon.wait_event("hook_failed")
    assert failure["reason"] == "timeout"
    assert "--exechook-timeout" in failure["hint"]
    assert failure["duration"] < 3 + AT_ONCE
    assert script.notes() == ["started"]
    daemon.check_nothing_runs()


def test_what_a_successful_hook_leaves_running_is_ended(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript
) -> None:
    """Given a hook that ends and leaves a child with its output open, when it has ended, then it has succeeded at once
    and the child is gone."""
    script.write("(trap '' TERM; sleep 1000) & note done")
    daemon = start_daemon(origin.url, root, period="1h", exechook_command=script)
    assert daemon.wait_event("hook_finished")["duration"] < AT_ONCE
    daemon.check_nothing_runs()


def test_shutdown_does_not_wait_for_a_hook(
    start_daemon: StartDaemon, origin: Origin, root: Path, script: HookScript
) -> None:
    """Given a hook that runs and ignores TERM, when the process is asked to end, then both end in time."""
    script.write("trap '' TERM; note started; sleep 1000 & wait; sleep 1000")
    daemon = start_daemon(origin.url, root, period="1h", exechook_command=script, shutdown_timeout="6s")
    daemon.until(lambda: script.notes() == ["started"])
    assert daemon.terminate() == 0
    daemon.check_nothing_runs()
    assert not daemon.logs("thread_left")


def test_missing_program(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a command that is not there, when it is run, then the log says so and what to do."""
    daemon = start_daemon(origin.url, root, period="1h", exechook_command="/no/such/program")
    failure = daemon.wait_event("hook_failed")
    assert "/no/such/program" in failure["message"]
    assert "--exechook-command" in failure["hint"]
