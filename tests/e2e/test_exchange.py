"""Promise: with --publish=exchange a directory stands at the link's place at any moment, and it is one commit."""

import signal
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.kills import run_killed
from tests.support.origin import Origin
from tests.support.reader import Readers, numbered_files
from tests.support.tree import assert_exchanged, tree_matches

READERS = 3
FILES = 10
# More steps than a publication has.
MANY = 60


@pytest.mark.timeout(600)
def test_readers_see_one_commit(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given 3 readers, when 40 commits are published, then none misses a file or sees files of two commits."""
    origin.commit(numbered_files(0, FILES))
    daemon = start_daemon(
        origin.url,
        root,
        publish="exchange",
        period="1h",
        sync_on_signal="HUP",
        stale_worktree_timeout="2s",
        max_trees=50,
    )
    daemon.wait_ready()
    with Readers(root / "site.git", files=FILES, count=READERS) as readers:
        for number in range(1, 41):
            commit = origin.commit(numbered_files(number, FILES))
            daemon.signal(signal.SIGHUP)
            daemon.wait_event("sync_finished", hash=commit, outcome="updated")
    for seen in readers.results:
        assert not seen.problems, seen.problems[:5]
        assert len(seen.numbers) > 10
    assert assert_exchanged(origin.path, root / "site.git") == origin.head
    assert daemon.status()["publish"] == "exchange"


@pytest.mark.timeout(600)
def test_change_of_form_under_readers(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given 3 readers, when link and directory take each other's place, with updates, then no file is missed."""
    origin.commit(numbered_files(0, FILES))

    def publish(form: str) -> None:
        daemon = start_daemon(origin.url, root, publish=form, one_time=True, stale_worktree_timeout="10s", max_trees=50)
        assert daemon.wait_exit() == 0
        assert (root / "site.git").is_symlink() == (form == "symlink")

    publish("symlink")
    with Readers(root / "site.git", files=FILES, count=READERS) as readers:
        for number in range(1, 7):
            for form in ("exchange", "symlink"):
                if number % 2:
                    origin.commit(numbered_files(number, FILES))
                publish(form)
    for seen in readers.results:
        assert not seen.problems, seen.problems[:5]
        assert len(seen.numbers) > 2


@pytest.mark.timeout(600)
def test_kills_during_a_publication(origin: Origin, root: Path) -> None:
    """Given an update, when the process is killed between two of its steps, then consumers see the old commit or the
    new one, whole, and the next start publishes the new one."""
    link = root / "site.git"
    command = [f"--repo={origin.url}", f"--root={root}", "--one-time", "--http-bind=off", "--publish=exchange"]
    assert run_killed(0, command) == 0
    codes = []
    for step in range(1, MANY, 4):
        old, new = origin.head, origin.commit({"index.html": f"{step}\n", f"only-in/{step}": ""})
        codes.append(run_killed(step, [*command, "--stale-worktree-timeout=0s"]))
        assert any(tree_matches(origin.path, link, commit) for commit in (old, new))
        assert run_killed(0, [*command, "--stale-worktree-timeout=0s"]) == 0
        assert assert_exchanged(origin.path, link) == new
        if codes[-1] == 0:
            break
    assert codes[:-1] == [-signal.SIGKILL] * (len(codes) - 1)
    assert len(codes) > 2
