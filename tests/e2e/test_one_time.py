"""Promise: --one-time publishes once and says by its exit code whether it did."""

from pathlib import Path

from tests.conftest import StartDaemon
from tests.support.origin import Origin
from tests.support.stall import SilentServer
from tests.support.tree import assert_published, published_hash


def test_publishes_and_ends_with_success(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a repository, when run once, then its newest commit is published and the exit code is 0."""
    daemon = start_daemon(origin.url, root, one_time=True)
    assert daemon.wait_exit() == 0, daemon.describe()
    assert assert_published(origin.path, root / "site.git") == origin.head


def test_runs_again_on_the_same_root(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a root of an earlier run, when run once more with and without news, then both runs succeed."""
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    origin.commit({"index.html": "second\n"})
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    assert assert_published(origin.path, root / "site.git") == origin.head


def test_unreachable_server_fails_and_publishes_nothing(
    start_daemon: StartDaemon, silent_server: SilentServer, root: Path
) -> None:
    """Given a server that refuses connections, when run once, then the exit code is 1 and there is no link."""
    silent_server.refuse()
    daemon = start_daemon(f"{silent_server.url}/site.git", root, one_time=True)
    assert daemon.wait_exit() == 1, daemon.describe()
    assert daemon.wait_event("sync_finished", outcome="failed")["reason"] == "connect"
    assert not (root / "site.git").is_symlink()


def test_missing_repository_fails_and_publishes_nothing(start_daemon: StartDaemon, tmp_path: Path, root: Path) -> None:
    """Given a URL that leads nowhere, when run once, then the exit code is 1 and there is no link."""
    daemon = start_daemon((tmp_path / "nowhere.git").as_uri(), root, one_time=True)
    assert daemon.wait_exit() == 1, daemon.describe()
    assert daemon.wait_event("sync_finished", outcome="failed")["reason"] == "not_found"
    assert not (root / "nowhere.git").is_symlink()


def test_unknown_ref_fails_and_publishes_nothing(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a ref that the repository has not, when run once, then the exit code is 1 and there is no link."""
    daemon = start_daemon(origin.url, root, one_time=True, ref="no-such-branch")
    assert daemon.wait_exit() == 1, daemon.describe()
    assert daemon.wait_event("sync_finished", outcome="failed")["reason"] == "ref_missing"
    assert not (root / "site.git").is_symlink()


def test_failure_keeps_what_an_earlier_run_published(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a published tree, when a later run fails, then the tree is still published, unchanged."""
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    assert start_daemon(origin.url, root, one_time=True, ref="no-such-branch").wait_exit() == 1
    assert published_hash(root / "site.git") == origin.head
    assert_published(origin.path, root / "site.git")
