"""Promise: what the command before publication refuses is not published, and what is published stays."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.support.eventually import AT_ONCE
from tests.support.hook import HookScript
from tests.support.origin import Origin
from tests.support.tree import assert_published, published_hash

RUNS = 'git_sync_hook_run_count_total{name="pre-publish-exechook",status="%s"}'
# Refuses every tree whose index.html has the word.
REFUSE_BAD = "note $GITSYNC_HASH; if grep -q bad index.html; then echo 'index.html is bad' >&2; exit 4; fi"


@pytest.fixture
def gate(tmp_path: Path) -> HookScript:
    """A gate that notes the hash and refuses what is bad."""
    return HookScript(tmp_path / "gate", REFUSE_BAD)


def test_success_publishes(start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript) -> None:
    """Given a gate, when it succeeds, then it has run before the link was there, and what it checked is published."""
    gate.write(f"test -e '{root}/site.git' || note $(cat index.html) $(git rev-parse HEAD)")
    daemon = start_daemon(origin.url, root, period="1h", pre_publish_exechook_command=gate)
    daemon.wait_published(origin.head)
    assert gate.notes() == [f"first {origin.head}"]
    assert assert_published(origin.path, root / "site.git") == origin.head
    assert daemon.metrics()[RUNS % "success"] == 1


def test_refusal_keeps_what_is_published(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, gate: HookScript
) -> None:
    """Given a published tree, when the gate refuses a commit, then the old tree stays, and log, status, metrics and
    error file say why."""
    first = origin.head
    error_file = tmp_path / "error.json"
    daemon = start_daemon(
        origin.url,
        root,
        period="1h",
        pre_publish_exechook_command=gate,
        pre_publish_exechook_backoff="1h",
        error_file=error_file,
    )
    daemon.wait_published(first)
    bad = origin.commit({"index.html": "bad\n"})
    failed = daemon.wait_event("sync_finished", outcome="failed")
    assert failed["reason"] == "gate"
    assert "exit status 4: index.html is bad" in failed["message"]
    assert "--pre-publish-exechook-command" in failed["hint"]
    assert daemon.status()["error"]["reason"] == "gate"
    assert "index.html is bad" in json.loads(error_file.read_text())["Err"]
    assert daemon.get("/readyz")[0] == 200
    assert assert_published(origin.path, root / "site.git") == first
    assert daemon.metrics()[RUNS % "error"] == 1
    assert gate.notes() == [first, bad]
    behind = "gitsync_behind_since_timestamp_seconds"
    assert daemon.metrics()["gitsync_last_success_timestamp_seconds"] < daemon.metrics()[behind] < time.time()
    daemon.wait_published(origin.commit({"index.html": "good\n"}))
    daemon.until(lambda: daemon.metrics()[behind] == 0)


def test_another_commit_is_tried_at_once(
    start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript
) -> None:
    """Given a commit that is refused for an hour, when the next one comes, then it is published at the next poll, and
    the refused one was staged and checked once."""
    daemon = start_daemon(
        origin.url,
        root,
        "-v5",
        period="50ms",
        heal_period="0s",
        pre_publish_exechook_command=gate,
        pre_publish_exechook_backoff="1h",
    )
    first = origin.head
    daemon.wait_published(first)
    bad = origin.commit({"index.html": "bad\n"})
    daemon.wait_events("sync_finished", count=5, outcome="failed", reason="gate")
    delays = [event["next_delay"] for event in daemon.logs("sync_finished", reason="gate")]
    assert max(delays) < 0.1  # a remote that works is not asked less often
    good = origin.commit({"index.html": "good\n"})
    daemon.wait_published(good)
    assert gate.notes() == [first, bad, good]
    commands = [event["command"].split()[1] for event in daemon.logs("git_command")]
    # Of a push to a local repository the watch tells, and then the fetch shows what it is.
    told = [event for event in daemon.logs("sync_finished") if "file" in event["trigger"].split(",")]
    assert commands.count("fetch") <= 3 + len(told)
    assert "error" not in (daemon.status()["error"] or {})


def test_refused_commit_is_tried_again_after_the_backoff(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, gate: HookScript
) -> None:
    """Given a long period and a short backoff, when the gate changes its mind, then the commit is published."""
    open_gate = tmp_path / "open"
    gate.write(f"note $GITSYNC_HASH; test -e '{open_gate}'")
    daemon = start_daemon(
        origin.url, root, period="1h", pre_publish_exechook_command=gate, pre_publish_exechook_backoff="100ms"
    )
    failures = daemon.wait_events("hook_failed", count=2, hook="pre-publish-exechook")
    assert [failure["retry_in"] for failure in failures[:2]] == [0.1, 0.2]
    assert not (root / "site.git").is_symlink()
    open_gate.touch()
    daemon.wait_published(origin.head)
    daemon.until(lambda: daemon.status()["consecutive_failures"] == 0)


def test_one_time_fails_with_the_gate(start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript) -> None:
    """Given --one-time, when the gate refuses, then there is no link and the exit code is 1."""
    origin.commit({"index.html": "bad\n"})
    daemon = start_daemon(origin.url, root, one_time=True, pre_publish_exechook_command=gate)
    assert daemon.wait_exit() == 1, daemon.describe()
    assert not (root / "site.git").is_symlink()


@pytest.mark.parametrize(
    ("timeouts", "option"),
    [
        ({"pre_publish_exechook_timeout": "300ms"}, "--pre-publish-exechook-timeout"),
        ({"sync_timeout": "5s"}, "--sync-timeout"),
    ],
)
def test_gate_that_hangs(
    start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript, timeouts: dict[str, Any], option: str
) -> None:
    """Given a gate that hangs and ignores TERM, when its own or the pass's time is over, then nothing is published and
    nothing of it is left."""
    gate.write("trap '' TERM; (trap '' TERM; sleep 1000) & sleep 1000")
    daemon = start_daemon(
        origin.url, root, period="1h", pre_publish_exechook_command=gate, pre_publish_exechook_backoff="1h", **timeouts
    )
    failed = daemon.wait_event("sync_finished", outcome="failed")
    assert failed["reason"] == "gate"
    assert option in failed["hint"]
    assert failed["duration"] < 5 + AT_ONCE
    assert not (root / "site.git").is_symlink()
    # What tidies up after it ends soon.
    daemon.check_nothing_runs()


def test_what_the_gate_builds_is_published(
    start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript
) -> None:
    """Given a gate that builds files, when it succeeds, then they are published, healing leaves them alone, and a tree
    that was used before has only its own."""
    gate.write('mkdir -p build; cp index.html "build/$GITSYNC_HASH"')
    daemon = start_daemon(
        origin.url,
        root,
        "-v1",
        period="50ms",
        heal_period="50ms",
        stale_worktree_timeout="0s",
        pre_publish_exechook_command=gate,
    )
    for number in range(4):
        commit = origin.commit({"index.html": f"{number}\n"})
        daemon.wait_published(commit)
        assert [path.name for path in (root / "site.git" / "build").iterdir()] == [commit]
    mark = daemon.mark()
    daemon.wait_events("sync_finished", count=5, since=mark, outcome="unchanged")
    assert not daemon.logs("damage_found")


def test_repair_of_a_damaged_tree_builds_again(
    start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript
) -> None:
    """Given a tree that the gate has built in, when a file of it is damaged, then the clean tree is built in too."""
    gate.write("echo built > built")
    daemon = start_daemon(origin.url, root, period="50ms", heal_period="50ms", pre_publish_exechook_command=gate)
    daemon.wait_published(origin.head)
    (root / "site.git" / "index.html").write_text("damaged\n")
    daemon.wait_event("sync_finished", outcome="repaired")
    assert (root / "site.git" / "index.html").read_text() == "first\n"
    assert (root / "site.git" / "built").read_text() == "built\n"


@pytest.mark.parametrize("change", ["echo other > index.html", "rm index.html", "chmod +x index.html"])
def test_gate_may_not_change_the_commit(
    start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript, change: str
) -> None:
    """Given a gate that changes a file of the commit, when it succeeds, then the tree is refused and the file named."""
    gate.write(change)
    daemon = start_daemon(
        origin.url, root, period="1h", pre_publish_exechook_command=gate, pre_publish_exechook_backoff="1h"
    )
    failed = daemon.wait_event("sync_finished", outcome="failed")
    assert failed["reason"] == "gate_changed_files"
    assert "index.html" in failed["message"]
    assert not (root / "site.git").is_symlink()


def test_shutdown_ends_the_gate(start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript) -> None:
    """Given a gate that runs and ignores TERM, when the process is asked to end, then both end in time."""
    gate.write("trap '' TERM; note started; sleep 1000 & wait; sleep 1000")
    daemon = start_daemon(origin.url, root, pre_publish_exechook_command=gate, shutdown_timeout="6s")
    daemon.until(lambda: gate.notes() == ["started"])
    assert daemon.terminate() == 0
    daemon.check_nothing_runs()
    assert not (root / "site.git").is_symlink()


def test_refused_repair_does_not_keep_the_next_commit_out(
    start_daemon: StartDaemon, origin: Origin, root: Path, gate: HookScript
) -> None:
    """Given a damaged tree whose commit the gate now refuses, when another commit comes, then it is published."""
    daemon = start_daemon(
        origin.url,
        root,
        period="50ms",
        heal_period="50ms",
        pre_publish_exechook_command=gate,
        pre_publish_exechook_backoff="1h",
    )
    first = origin.head
    daemon.wait_published(first)
    gate.write(f'test "$GITSYNC_HASH" != {first}')
    (root / "site.git" / "index.html").write_text("damaged\n")
    daemon.wait_event("sync_finished", outcome="failed", reason="gate")
    assert published_hash(root / "site.git") == first
    second = origin.commit({"index.html": "second\n"})
    daemon.wait_published(second)
    assert assert_published(origin.path, root / "site.git") == second
