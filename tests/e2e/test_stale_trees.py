"""Promise: a tree that the link has left keeps its place for readers that hold it, and is cleared away later."""

import os
import signal
import time
from pathlib import Path

from tests.conftest import StartDaemon
from tests.support.eventually import eventually
from tests.support.origin import Origin
from tests.support.tree import assert_published, assert_tree

FOR_EVER = "1h"


def _tree(root: Path) -> Path:
    return root / os.readlink(root / "site.git")


def test_tree_stays_complete_for_its_time(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a reader in the published tree, when commits follow, then its tree stays complete at its path."""
    daemon = start_daemon(
        origin.url, root, period="1h", sync_on_signal="HUP", stale_worktree_timeout=FOR_EVER, max_trees="5"
    )
    daemon.wait_ready()
    held = [(_tree(root), origin.head)]
    for number in range(4):
        commit = origin.commit({"index.html": f"{number}\n"})
        daemon.sync_by_signal()
        held.append((_tree(root), commit))
    for tree, commit in held:
        assert_tree(origin.path, tree, commit)


def test_trees_are_cleared_away(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given many publications, when the stale timeout has passed, then only what is needed is still there."""
    daemon = start_daemon(origin.url, root, period="100ms", stale_worktree_timeout="300ms")
    daemon.wait_ready()
    for number in range(8):
        daemon.wait_published(origin.commit({"index.html": f"{number}\n"}))
    # The published tree and the standby for the next update.
    daemon.until(lambda: len(list((root / ".worktrees").iterdir())) <= 2)
    assert assert_published(origin.path, root / "site.git") == origin.head


def test_tree_that_is_published_again_gets_its_whole_time(
    start_daemon: StartDaemon, origin: Origin, root: Path
) -> None:
    """Given a tree that the link left and came back to, when the link leaves it again, then its time starts anew."""
    timeout = 6.0  # longer than two passes take on a busy machine
    daemon = start_daemon(origin.url, root, period="1h", sync_on_signal="HUP", stale_worktree_timeout=f"{timeout}s")
    daemon.wait_ready()
    first, tree = origin.head, _tree(root)
    origin.commit({"index.html": "second\n"})
    daemon.sync_by_signal()
    left = time.monotonic()
    origin.rewind(first)
    daemon.sync_by_signal()
    again = _tree(root)
    eventually(lambda: time.monotonic() > left + timeout)
    origin.commit({"index.html": "third\n"})
    daemon.sync_by_signal()
    assert_tree(origin.path, again, first)
    assert again == tree


def test_standby_holds_nothing_of_an_older_commit(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given trees that are used again, when files were added in them by others, then no later tree shows them."""
    daemon = start_daemon(origin.url, root, period="100ms", stale_worktree_timeout="10ms", heal_period="0")
    daemon.wait_ready()
    for number in range(6):
        tree = _tree(root)
        (tree / "stray.txt").write_text("left by a consumer\n")
        (tree / "docs" / "stray").mkdir()
        (tree / "index.html").write_text("changed by a consumer\n")
        daemon.wait_published(origin.commit({f"file-{number}.txt": "new\n"}))
        assert_published(origin.path, root / "site.git")


def test_update_that_waits_for_a_tree_does_not_hold_up_the_end(
    start_daemon: StartDaemon, origin: Origin, root: Path
) -> None:
    """Given an update that waits until readers had their time, when SIGTERM comes, then the process ends at once."""
    daemon = start_daemon(
        origin.url, root, period="1h", sync_on_signal="HUP", stale_worktree_timeout="50s", max_trees="2"
    )
    daemon.wait_ready()
    shown = origin.commit({"index.html": "shown\n"})
    daemon.sync_by_signal()
    origin.commit({"index.html": "waits\n"})
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("waiting_for_tree")
    assert daemon.terminate() == 0
    assert assert_published(origin.path, root / "site.git") == shown
