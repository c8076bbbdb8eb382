"""Promise: the link is all that a consumer needs, and the volume can be mounted anywhere."""

import os
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.git import git
from tests.support.origin import Origin
from tests.support.tree import assert_published


def test_link_is_relative_and_names_the_commit(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a publication, when the link is read, then it is relative and its last part is the full hash."""
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    target = os.readlink(root / "site.git")
    assert not target.startswith("/")
    assert target.rsplit("/", 1)[-1] == origin.head


@pytest.mark.parametrize("place", ["current", "a/deep/link", "/elsewhere/link"])
def test_link_can_be_elsewhere(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, place: str
) -> None:
    """Given --link, when published, then the link is there, relative, and not under the default name."""
    link = tmp_path / place[1:] if place.startswith("/") else root / place
    assert start_daemon(origin.url, root, one_time=True, link=link).wait_exit() == 0
    assert assert_published(origin.path, link) == origin.head
    assert not os.readlink(link).startswith("/")
    assert not (root / "site.git").is_symlink()


def test_published_tree_survives_a_move_of_the_root(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a published tree, when the root appears at another path, then files and git work there as before."""
    assert start_daemon(origin.url, root, one_time=True, link="current").wait_exit() == 0
    moved = tmp_path / "mounted" / "elsewhere"
    moved.parent.mkdir()
    root.rename(moved)
    assert assert_published(origin.path, moved / "current") == origin.head
    pointer = (moved / "current" / ".git").read_text()
    assert pointer.startswith("gitdir: ../")
    assert git(moved / "current", "rev-parse", "HEAD") == origin.head
    assert git(moved / "current", "status", "--porcelain") == ""
    assert git(moved / "current", "show", "HEAD:index.html") == "first"


def test_daemon_goes_on_after_a_move_of_the_root(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a root that was moved, when the daemon is started there, then it follows the repository as before."""
    assert start_daemon(origin.url, root, one_time=True, link="current").wait_exit() == 0
    moved = tmp_path / "moved"
    root.rename(moved)
    daemon = start_daemon(origin.url, moved, period="100ms", link="current")
    daemon.wait_ready()
    daemon.wait_published(origin.commit({"index.html": "second\n"}))
    assert_published(origin.path, moved / "current")
