"""Promise: damage to what is published is found and repaired by publishing a clean tree beside it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.tree import assert_published, published_hash, tree_matches


@pytest.fixture
def daemon(start_daemon: StartDaemon, origin: Origin, root: Path) -> DaemonProcess:
    """A daemon that has published and looks for damage often."""
    started = start_daemon(origin.url, root, period="200ms", heal_period="200ms", stale_worktree_timeout="1h")
    started.wait_ready()
    return started


def _edit(tree: Path) -> None:
    (tree / "index.html").write_text("defaced\n")


def _edit_keeping_size_and_time(tree: Path) -> None:
    path = tree / "index.html"
    before = path.stat()
    path.write_text("FIRST\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _delete(tree: Path) -> None:
    (tree / "docs" / "guide.txt").unlink()


def _chmod(tree: Path) -> None:
    (tree / "bin" / "run").chmod(0o644)


def _replace_link(tree: Path) -> None:
    (tree / "latest").unlink()
    (tree / "latest").write_text("docs/guide.txt")


@pytest.mark.parametrize("damage", [_edit, _edit_keeping_size_and_time, _delete, _chmod, _replace_link])
def test_damaged_tree_is_replaced(
    daemon: DaemonProcess, origin: Origin, root: Path, damage: Callable[[Path], None]
) -> None:
    """Given a published tree, when a file is damaged, then a clean tree is published beside it under the same hash."""
    link = root / "site.git"
    before = Path(os.readlink(link))
    damage(root / before)
    daemon.wait_event("sync_finished", outcome="repaired")
    assert daemon.metrics()["gitsync_repairs_total"] == 1
    after = Path(os.readlink(link))
    assert after != before
    assert after.name == before.name
    assert assert_published(origin.path, link) == origin.head
    assert not tree_matches(origin.path, root / before, origin.head), "the damaged tree was written to"


def test_updates_go_on_after_a_repair(daemon: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a repaired tree, when commits follow and one of them is damaged too, then all is as usual."""
    link = root / "site.git"
    _edit(root / os.readlink(link))
    daemon.wait_event("sync_finished", outcome="repaired")
    daemon.wait_published(origin.commit({"index.html": "second\n"}))
    assert_published(origin.path, link)
    mark = daemon.mark()
    _delete(root / os.readlink(link))
    daemon.wait_event("sync_finished", outcome="repaired", since=mark)
    assert assert_published(origin.path, link) == origin.head
    daemon.wait_published(origin.rewind(origin.resolve("main^")))
    assert_published(origin.path, link)


def test_deleted_tree_is_published_again(daemon: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a published tree, when its directory is deleted, then the link leads to a complete tree again."""
    link = root / "site.git"
    shutil.rmtree(root / os.readlink(link))
    daemon.until(lambda: (link / "index.html").is_file())
    daemon.wait_event("sync_finished", outcome="repaired")
    assert assert_published(origin.path, link) == origin.head


def test_deleted_link_is_back(daemon: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a published tree, when the link is deleted, then it is back."""
    link = root / "site.git"
    link.unlink()
    daemon.until(link.is_symlink)
    assert assert_published(origin.path, link) == origin.head


@pytest.mark.parametrize("target", ["../elsewhere", "no-such-directory"])
def test_replaced_link_is_put_right(
    daemon: DaemonProcess, origin: Origin, root: Path, tmp_path: Path, target: str
) -> None:
    """Given a published tree, when the link is pointed elsewhere, then it is put right and nothing there is touched."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("mine\n")
    link = root / "site.git"
    other = root / "other-link"
    other.symlink_to(target)
    other.replace(link)
    daemon.until(lambda: os.readlink(link) != target)
    assert assert_published(origin.path, link) == origin.head
    assert (elsewhere / "precious").read_text() == "mine\n"


def test_pinned_hash_is_repaired_too(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a pinned hash, when its tree is deleted and then a file damaged, then both are repaired."""
    pinned = origin.head
    daemon = start_daemon(origin.url, root, ref=pinned, period="200ms", heal_period="200ms")
    daemon.wait_published(pinned)
    link = root / "site.git"
    shutil.rmtree(root / os.readlink(link))
    daemon.wait_event("sync_finished", outcome="repaired")
    assert assert_published(origin.path, link) == pinned
    mark = daemon.mark()
    _edit(root / os.readlink(link))
    daemon.wait_event("sync_finished", outcome="repaired", since=mark)
    assert assert_published(origin.path, link) == pinned


def test_damage_is_repaired_without_the_server(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path
) -> None:
    """Given a server that fails, when a published file is damaged, then it is repaired from what is in the store."""
    daemon = start_daemon(git_http.url_of(origin.path), root, period="200ms", heal_period="200ms", max_backoff="400ms")
    daemon.wait_ready()
    git_http.fail_with = 500
    daemon.wait_event("sync_finished", outcome="failed")
    link = root / "site.git"
    _edit(root / os.readlink(link))
    daemon.until(lambda: tree_matches(origin.path, link.resolve(), origin.head))
    assert published_hash(link) == origin.head


def test_no_heal_period_means_no_look_at_the_files(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given --heal-period=0, when a file is edited, then passes leave it alone until the next commit."""
    daemon = start_daemon(origin.url, root, "-v1", period="1h", heal_period="0", sync_on_signal="HUP")
    daemon.wait_ready()
    _edit(root / "site.git")
    assert daemon.sync_by_signal()["outcome"] == "unchanged"
    daemon.sync_to(origin.commit({"docs/guide.txt": "second\n"}))
    assert_published(origin.path, root / "site.git")
