"""Promise: what is published follows the ref, whatever happens to it, and never goes away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.origin import Origin
from tests.support.tree import assert_published, published_hash

FAST = "100ms"


def test_branch_moves_forward(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a followed branch, when commits are pushed, then each newest one is published in full."""
    daemon = start_daemon(origin.url, root, ref="main", period=FAST)
    daemon.wait_published(origin.head)
    for number in range(3):
        daemon.wait_published(origin.commit({f"new-{number}.txt": "new\n", "index.html": f"{number}\n"}))
        assert_published(origin.path, root / "site.git")
    daemon.wait_published(origin.commit({"docs/guide.txt": None, "latest": None, "docs": "now a file\n"}))
    assert_published(origin.path, root / "site.git")


def test_branch_is_forced_backward_and_aside(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a followed branch, when it is rewound and rewritten, then that is what is published."""
    first = origin.head
    second = origin.commit({"index.html": "second\n"})
    daemon = start_daemon(origin.url, root, period=FAST)
    daemon.wait_published(second)
    daemon.wait_published(origin.rewind(first))
    daemon.wait_published(origin.force_push({"index.html": "another second\n"}, onto=first))
    assert_published(origin.path, root / "site.git")
    assert not daemon.logs("store_renewed")


@pytest.mark.parametrize("move", [Origin.tag, Origin.annotated_tag], ids=["light", "annotated"])
def test_tag_is_moved(start_daemon: StartDaemon, origin: Origin, root: Path, move: Callable[..., str]) -> None:
    """Given a followed tag, when it is moved forward and back, then the commit behind it is published."""
    first = origin.head
    move(origin, "v1")
    daemon = start_daemon(origin.url, root, ref="v1", period=FAST)
    daemon.wait_published(first)
    second = origin.commit({"index.html": "second\n"})
    move(origin, "v1")
    daemon.wait_published(second)
    move(origin, "v1", at=first)
    daemon.wait_published(first)
    assert_published(origin.path, root / "site.git")


def test_head_follows_a_renamed_default_branch(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given the default ref HEAD, when the default branch is renamed, then the new one is followed."""
    daemon = start_daemon(origin.url, root, period=FAST)
    daemon.wait_published(origin.head)
    origin.rename_default_branch("trunk")
    daemon.wait_published(origin.commit({"index.html": "on trunk\n"}))
    daemon.until(lambda: daemon.status()["resolved_ref"] == "refs/heads/trunk")
    assert daemon.status()["ref"] == "HEAD"


def test_head_follows_another_default_branch(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given the default ref HEAD, when another branch becomes the default, then its commit is published."""
    daemon = start_daemon(origin.url, root, period=FAST)
    daemon.wait_published(origin.head)
    other = origin.commit({"index.html": "on next\n"}, branch="next")
    origin.set_default_branch("next")
    daemon.wait_published(other)


def test_pinned_hash_stays(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a full hash as ref, when the branch moves on and a pass runs, then the hash stays published."""
    pinned = origin.head
    origin.commit({"index.html": "second\n"})
    daemon = start_daemon(origin.url, root, "-v1", ref=pinned, period="1h", sync_on_signal="HUP")
    daemon.wait_published(pinned)
    origin.commit({"index.html": "third\n"})
    daemon.wait_event("ready")
    daemon.sync_by_signal()
    assert assert_published(origin.path, root / "site.git") == pinned


def test_tag_wins_over_branch_of_the_same_name(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a branch and a tag of one name, when it is followed, then it is the tag, as git itself has it."""
    tagged = origin.tag("both")
    origin.commit({"index.html": "on the branch\n"}, branch="both", parent=tagged)
    daemon = start_daemon(origin.url, root, ref="both", period=FAST)
    daemon.wait_published(tagged)
    daemon.wait_ready()
    assert daemon.status()["resolved_ref"] == "refs/tags/both"


def test_full_branch_name_is_the_branch(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a branch and a tag of one name, when refs/heads/… is followed, then it is the branch."""
    tagged = origin.tag("both")
    branch = origin.commit({"index.html": "on the branch\n"}, branch="both", parent=tagged)
    assert start_daemon(origin.url, root, ref="refs/heads/both", one_time=True).wait_exit() == 0
    assert published_hash(root / "site.git") == branch


def test_empty_repository_gets_its_first_push(
    start_daemon: StartDaemon, make_origin: Callable[..., Origin], root: Path
) -> None:
    """Given an empty repository, when the first commit is pushed, then it is published; until then: not ready."""
    empty = make_origin("empty.git")
    daemon = start_daemon(empty.url, root, period=FAST)
    assert daemon.wait_event("sync_finished", outcome="failed")["reason"] == "ref_missing"
    assert daemon.get("/")[0] == 503
    assert daemon.get("/readyz")[0] == 503
    daemon.wait_published(empty.commit({"index.html": "first\n"}))
    assert_published(empty.path, root / "empty.git")
    daemon.until(lambda: daemon.get("/")[0] == 200)


def test_deleted_ref_stays_published_until_it_is_back(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a followed branch, when it is deleted, then its tree stays; when it is back, then it is followed."""
    first = origin.branch("live")
    daemon = start_daemon(origin.url, root, ref="live", period=FAST, max_backoff="500ms")
    daemon.wait_published(first)
    origin.delete_ref("refs/heads/live")
    failures = daemon.wait_events("sync_finished", count=2, outcome="failed")
    assert {failure["reason"] for failure in failures} == {"ref_missing"}
    assert assert_published(origin.path, root / "site.git") == first
    assert daemon.get("/readyz")[0] == 200
    second = origin.commit({"index.html": "back\n"})
    origin.branch("live", at=second)
    daemon.wait_published(second)
    assert_published(origin.path, root / "site.git")


def test_branch_replaced_by_a_directory_of_branches(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given HEAD on `feat`, when `feat` makes way for `feat/sub`, then the new default branch is published."""
    origin.branch("feat")
    origin.set_default_branch("feat")
    daemon = start_daemon(origin.url, root, period=FAST)
    daemon.wait_published(origin.head)
    commit = origin.commit({"index.html": "sub\n"}, branch="main")
    origin.set_default_branch("main")
    origin.delete_ref("refs/heads/feat")
    origin.branch("feat/sub", at=commit)
    origin.set_default_branch("feat/sub")
    daemon.wait_published(commit)
