"""Promise: in the root only what is ours is touched, and only one daemon at a time works in it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.git import git, run_git
from tests.support.origin import Origin
from tests.support.tree import assert_published, published_hash


def _furnish(root: Path) -> None:
    """Put somebody else's things into a root."""
    (root / "lost+found").mkdir(parents=True)
    (root / "cache" / "deep").mkdir(parents=True)
    (root / "cache" / "deep" / "entry").write_text("cached\n")
    (root / ".hidden").write_text("hidden\n")
    (root / "0123456789012345678901234567890123456789").mkdir()
    (root / "app-link").symlink_to("cache/deep")
    (root / "tmp-link").symlink_to("nowhere")


def _inventory(root: Path) -> dict[str, str]:
    """Return every path outside of what is ours, with its content."""
    found = {}
    for directory, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in (".gitsync", ".worktrees")]
        for name in [*folders, *files]:
            path = Path(directory) / name
            content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else "a directory"
            found[str(path.relative_to(root))] = content
    found.pop("site.git", None)
    return found


def test_foreign_files_are_left_alone(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a root with other people's files, when commits are published and the daemon restarts, then all stay."""
    _furnish(root)
    before = _inventory(root)
    daemon = start_daemon(origin.url, root, period="100ms", stale_worktree_timeout="100ms")
    daemon.wait_published(origin.head)
    for number in range(4):
        daemon.wait_published(origin.commit({"index.html": f"{number}\n"}))
    daemon.kill_tree()
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    assert _inventory(root) == before
    assert_published(origin.path, root / "site.git")


def test_root_inside_another_repository(start_daemon: StartDaemon, origin: Origin, tmp_path: Path) -> None:
    """Given a root inside a git work tree, when published, then that repository is neither used nor changed."""
    outer = tmp_path / "outer"
    run_git(None, "init", "--quiet", "--initial-branch=main", str(outer))
    root = outer / "volume"
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    assert assert_published(origin.path, root / "site.git") == origin.head
    assert git(outer, "for-each-ref") == ""
    assert git(outer, "worktree", "list").count("\n") == 0


def test_root_may_be_a_link(start_daemon: StartDaemon, origin: Origin, tmp_path: Path, root: Path) -> None:
    """Given a root that is a symbolic link to a directory, when published, then it works as if it were it."""
    volume = tmp_path / "volume"
    volume.mkdir()
    root.symlink_to(volume)
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    assert root.is_symlink()
    assert assert_published(origin.path, volume / "site.git") == origin.head


@pytest.mark.parametrize("option", ["--link=way/ours", "--touch-file=way/new", "--error-file=way/ours"])
def test_link_on_the_volume_leads_nothing_elsewhere(
    start_daemon: StartDaemon, origin: Origin, tmp_path: Path, root: Path, option: str
) -> None:
    """Given a directory of the root that another container has made a link, when something of ours is to be written
    there, then nothing is written to where it leads."""
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "ours").symlink_to("precious")
    root.mkdir()
    (root / "way").symlink_to(foreign)
    repo = "file:///nowhere" if "error" in option else origin.url
    daemon = start_daemon(repo, root, option, one_time=True)
    assert daemon.wait_exit() == (0 if "touch" in option else 1)
    assert [(path.name, os.readlink(path)) for path in foreign.iterdir()] == [("ours", "precious")]


@pytest.mark.parametrize("directory", [False, True], ids=["a file", "a directory"])
def test_something_else_at_the_links_path_is_refused(
    start_daemon: StartDaemon, origin: Origin, root: Path, directory: bool
) -> None:
    """Given something that is no link where the link belongs, when started, then exit 1, the path is named and kept."""
    path = root / "current"
    keep = path / "keep" if directory else path
    keep.parent.mkdir(parents=True)
    keep.write_text("precious\n")
    daemon = start_daemon(origin.url, root, link="current")
    assert daemon.wait_exit() == 1, daemon.describe()
    assert str(path) in daemon.log_text()
    assert keep.read_text() == "precious\n"


def test_wait_for_the_root_is_visible(
    start_daemon: StartDaemon, make_origin: Callable[..., Origin], origin: Origin, root: Path
) -> None:
    """Given a root that a daemon of another repository holds, when a second one waits, then its pages say for whom,
    since when and what to do, the log says it once, and nothing of it is left when the wait is over."""
    other = make_origin("other")
    other.commit({"index.html": "other\n"})
    first = start_daemon(origin.url, root)
    first.wait_ready()
    second = start_daemon(other.url, root, sync_timeout="2s", max_backoff="100ms", period="100ms")
    second.until(lambda: second.metrics().get('gitsync_failures_total{reason="locked"}', 0) >= 2)
    status, body = second.get("/readyz")
    assert status == 503
    for told in (json.loads(body)["repos"][0], second.status()):
        assert told["error"]["reason"] == "locked"
        assert f"{first.pid} on " in told["error"]["message"]
        assert " since 20" in told["error"]["message"]
        assert "strategy: Recreate" in told["error"]["hint"]
    assert len(second.logs("store_locked")) == 1
    first.terminate()
    second.wait_ready()
    assert second.status()["error"] is None


def test_wait_for_the_root_is_visible_at_once(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a pass that still waits for the root, when its pages are read, then they name the wait and its end."""
    first = start_daemon(origin.url, root)
    first.wait_ready()
    second = start_daemon(origin.url, root, sync_timeout="1h")
    second.until(lambda: second.status()["error"])
    assert second.status()["error"]["reason"] == "locked"
    assert second.status()["consecutive_failures"] == 0
    assert second.get("/readyz")[0] == 200, "what is published of this repository is served"
    first.terminate()
    second.until(lambda: not second.status()["error"])


def test_two_daemons_on_one_root(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a daemon at work, when a second one starts on its root, then that one says so loudly and harms nothing;
    when the first is killed, a second one works."""
    first = start_daemon(origin.url, root, period="100ms")
    first.wait_ready()
    second = start_daemon(origin.url, root, period="100ms", max_backoff="200ms")
    complaint = second.wait_event("store_locked")
    assert complaint["level"] == "warning"
    assert str(first.pid) in str(complaint), "it does not say who is at work"
    for number in range(3):
        first.wait_published(origin.commit({"index.html": f"{number}\n"}))
        assert_published(origin.path, root / "site.git")
    assert not first.logs("sync_finished", outcome="failed")
    assert not second.logs("sync_finished", outcome="updated")
    first.kill_tree()
    if second.process.poll() is not None:
        second = start_daemon(origin.url, root, period="100ms")
    second.wait_published(origin.commit({"index.html": "by the second\n"}))
    assert published_hash(root / "site.git") == origin.head
    assert_published(origin.path, root / "site.git")
