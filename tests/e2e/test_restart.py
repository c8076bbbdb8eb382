"""Promise: after a restart a good tree counts at once, and only a tree of the same repository does."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.stall import Proxy
from tests.support.tree import assert_published


@pytest.fixture
def proxy(git_http: GitHttpServer) -> Iterator[Proxy]:
    """A proxy in front of the git server."""
    with Proxy(git_http.port) as running:
        yield running


def test_ready_at_once_without_the_remote(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, proxy: Proxy, root: Path
) -> None:
    """Given a published tree, when the daemon starts while the server is silent, then it is ready all the same."""
    url = git_http.url_of(origin.path, port=proxy.port)
    assert start_daemon(url, root, one_time=True).wait_exit() == 0
    target = os.readlink(root / "site.git")
    proxy.stall()
    daemon = start_daemon(url, root, period="100ms", sync_timeout="1h")
    daemon.wait_ready()
    assert daemon.get("/")[0] == 200
    assert not daemon.logs("sync_finished"), "it was ready only after a pass"
    assert daemon.status()["hash"] == origin.head
    assert os.readlink(root / "site.git") == target
    commit = origin.commit({"index.html": "second\n"})
    proxy.pass_through()
    daemon.wait_published(commit)
    assert_published(origin.path, root / "site.git")


def test_not_ready_with_the_tree_of_another_repository(
    start_daemon: StartDaemon,
    git_http: GitHttpServer,
    make_origin: Callable[..., Origin],
    origin: Origin,
    root: Path,
) -> None:
    """Given a root that shows repository A, when it is started for B, then A's tree is served and it is not ready
    until B's is published."""
    other = make_origin("other.git")
    commit = other.commit({"index.html": "of the other repository\n"})
    link = root / "current"
    assert start_daemon(git_http.url_of(origin.path), root, one_time=True, link="current").wait_exit() == 0
    with Proxy(git_http.port) as proxy:
        proxy.stall()
        url = git_http.url_of(other.path, port=proxy.port)
        daemon = start_daemon(url, root, period="100ms", sync_timeout="1h", link="current")
        daemon.until(lambda: proxy.accepted)
        assert daemon.get("/readyz")[0] == 503
        assert daemon.get("/")[0] == 503
        assert assert_published(origin.path, link) == origin.head
        proxy.pass_through()
        daemon.wait_published(commit)
        daemon.wait_ready()
        assert_published(other.path, link)
        assert daemon.terminate() == 0


def test_damaged_tree_is_noticed_after_a_restart(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a tree that was deleted while nothing ran, when the daemon starts, then it is published again."""
    link = root / "site.git"
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    (link.resolve()).rename(root / "was-the-tree")
    assert not link.exists()
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_ready()
    assert assert_published(origin.path, link) == origin.head


def test_another_ref_is_published_after_a_restart(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a tree of one branch, when the daemon starts for another branch, hash and back, then each is published."""
    first = origin.head
    second = origin.commit({"index.html": "on next\n"}, branch="next")
    for ref, commit in (("main", first), ("next", second), (first, first), (second, second), ("main", first)):
        assert start_daemon(origin.url, root, one_time=True, ref=ref).wait_exit() == 0
        assert assert_published(origin.path, root / "site.git") == commit


def test_depth_can_change_between_runs(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a root made with one depth, when it is used with another, then both ways succeed."""
    for number in range(3):
        origin.commit({"index.html": f"{number}\n"})
    for depth in ("1", "0", "2"):
        origin.commit({"depth": depth})
        assert start_daemon(origin.url, root, one_time=True, depth=depth).wait_exit() == 0
        assert assert_published(origin.path, root / "site.git") == origin.head
