"""A pass: what it publishes, and what it leaves alone when something fails at any of its steps."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gitsync.base.errors import PublishVetoed
from gitsync.telling.events import BeforePublish, Event, Published
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.git import run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.tree import assert_published
from tests.support.volumes import mounted


def test_first_pass_publishes(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """From nothing to a tree behind the link, and observers hear of it in order."""
    bench = make_workbench(origin.url)
    result = bench.run()
    assert result.outcome == "updated"
    assert assert_published(origin.path, bench.repo.link) == origin.head
    update = ["BeforeStage", "Fetched", "BeforePublish", "Published"]
    assert bench.recorder.names() == ["Probed", "TreesKept", *update, "TreesKept"]


def test_unchanged_pass_asks_the_remote_for_refs_only(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer
) -> None:
    """An idle poll starts one git and makes the server build nothing."""
    bench = make_workbench(git_http.url_of(origin.path))
    bench.run()
    git_http.requests.clear()
    assert bench.run().outcome == "unchanged"
    assert git_http.requests
    assert git_http.fetches == 0


def test_pinned_hash_is_published_once_and_watched(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A pinned commit needs no remote afterwards, and is put back when it is removed."""
    pinned = origin.head
    origin.commit({"a": "later"})
    bench = make_workbench(origin.url, ref=pinned)
    assert bench.run().outcome == "updated"
    origin.path.rename(origin.path.with_name("gone"))
    assert bench.run().outcome == "unchanged"
    shutil.rmtree(bench.repo.link.resolve())
    assert bench.run().outcome == "repaired"
    assert_published(origin.path.with_name("gone"), bench.repo.link)


def test_veto_keeps_the_old_tree(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The step before publication can refuse a tree, and another try can accept it."""
    bench = make_workbench(origin.url)
    bench.run()
    old = origin.head
    new = origin.commit({"a": "2"})

    def refuse(event: Event) -> None:
        if isinstance(event, BeforePublish):
            assert (event.tree / "a").read_text() == "2"
            raise PublishVetoed("no", reason="gate")

    bench.recorder.react = refuse
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "gate"
    assert bench.published() == old
    bench.recorder.react = None
    assert bench.run().outcome == "updated"
    assert bench.published() == new


def test_failing_observer_does_not_stop_a_pass(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Who listens cannot break what he listens to."""
    bench = make_workbench(origin.url)

    def fail(event: Event) -> None:
        raise RuntimeError("observer")

    bench.recorder.react = fail
    assert bench.run().outcome == "updated"


DAMAGES: dict[str, Callable[[Path], object]] = {
    "edited": lambda tree: (tree / "index.html").write_text("edited"),
    "deleted": lambda tree: (tree / "index.html").unlink(),
    "mode": lambda tree: (tree / "bin" / "run").chmod(0o644),
    ".git": lambda tree: (tree / ".git").unlink(),
    "another commit": lambda tree: run_git(tree, "commit", "--quiet", "--allow-empty", "--message=A consumer's"),
    "all": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_tree_is_replaced_beside(
    make_workbench: MakeWorkbench, origin: Origin, damage: Callable[[Path], object]
) -> None:
    """Damage is found, and repaired by a clean tree elsewhere with the same leaf, with the remote gone."""
    bench = make_workbench(origin.url, stale_worktree_timeout="1h")
    bench.run()
    old = bench.repo.link.resolve()
    damage(old)
    assert bench.sync.heal(deadline=soon())
    origin.path.rename(origin.path.with_name("gone"))
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "not_found"
    assert_published(origin.path.with_name("gone"), bench.repo.link)
    assert not bench.sync.heal(deadline=soon())


def test_undamaged_tree_stays_where_it_is(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A file that was only touched, and a file that a consumer added, are no damage."""
    bench = make_workbench(origin.url)
    bench.run()
    tree = bench.repo.link.resolve()
    os.utime(tree / "index.html", (1, 1))
    (tree / "cache").write_text("x")
    assert not bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "unchanged"
    assert bench.repo.link.resolve() == tree


def point_elsewhere(link: Path) -> None:
    """Have the link lead to nothing."""
    link.unlink()
    link.symlink_to("nowhere")


LINKS: dict[str, Callable[[Path], object]] = {
    "removed": lambda link: link.unlink(),
    "turned away": point_elsewhere,
}


@pytest.mark.parametrize("change", LINKS.values(), ids=LINKS.keys())
def test_link_is_put_back(make_workbench: MakeWorkbench, origin: Origin, change: Callable[[Path], object]) -> None:
    """The tree is still there, so only the link is made anew."""
    bench = make_workbench(origin.url)
    bench.run()
    tree = bench.repo.link.resolve()
    change(bench.repo.link)
    assert bench.run().outcome == "repaired"
    assert bench.repo.link.resolve() == tree


def truncate_pack(store: Path) -> None:
    """Cut what the power failure cut."""
    for path in [*store.glob("objects/pack/*.pack"), *store.glob("objects/??/*")]:
        path.chmod(0o644)
        os.truncate(path, path.stat().st_size // 2)


def empty_objects(store: Path) -> None:
    """Leave objects without content."""
    for path in [*store.glob("objects/??/*"), *store.glob("objects/pack/*")]:
        path.chmod(0o644)
        os.truncate(path, 0)


CORRUPTIONS: dict[str, Callable[[Path], object]] = {
    "objects cut": truncate_pack,
    "objects empty": empty_objects,
    "ref empty": lambda store: (store / "refs" / "gitsync" / "head").write_text(""),
    "ref garbage": lambda store: (store / "refs" / "gitsync" / "head").write_text("x" * 40),
    "no objects": lambda store: shutil.rmtree(store / "objects"),
    "no HEAD": lambda store: (store / "HEAD").unlink(),
    "no store": shutil.rmtree,
    "shallow garbage": lambda store: (store / "shallow").write_text("garbage\n"),
}


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS.keys())
def test_damaged_store_is_replaced_beside_what_is_published(
    make_workbench: MakeWorkbench, origin: Origin, corrupt: Callable[[Path], object]
) -> None:
    """The published files stay, before and after a restart, and the next commit arrives without help."""
    bench = make_workbench(origin.url)
    bench.run()
    old = bench.repo.link.resolve()
    content = (old / "index.html").read_text()
    corrupt(bench.stores.current.path)
    bench.close()
    again = make_workbench(origin.url, stale_worktree_timeout="1h")
    again.sync.adopt()
    again.run()
    assert (old / "index.html").read_text() == content
    commit = origin.commit({"index.html": "second\n"})
    results = [again.run() for _ in range(2)]
    assert results[-1].failure is None
    assert again.published() == commit
    assert_published(origin.path, again.repo.link)
    # Readers of the old tree have their time, whatever has become of its store.
    assert (old / "index.html").read_text() == content


class Crash(BaseException):
    """Stands for a kill: nothing of ours handles it."""


STEPS = ("BeforePublish", "Published")


@pytest.mark.parametrize("step", STEPS)
def test_crash_at_a_step_is_recovered_from(make_workbench: MakeWorkbench, origin: Origin, step: str) -> None:
    """Whatever was half done, the link leads to a whole tree, and the next process publishes the newest commit."""
    bench = make_workbench(origin.url)
    bench.run()
    commit = origin.commit({"index.html": "second\n"})

    def crash(event: Event) -> None:
        if type(event).__name__ == step:
            raise Crash

    bench.recorder.react = crash
    with pytest.raises(Crash):
        bench.run()
    assert_published(origin.path, bench.repo.link)
    bench.close()
    again = make_workbench(origin.url)
    again.sync.adopt()
    assert again.run().failure is None
    assert again.published() == commit


def test_restart_adopts_what_is_published(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The next process knows at once what the last one has published, and announces it with its first pass."""
    bench = make_workbench(origin.url)
    bench.run()
    bench.close()
    again = make_workbench(origin.url)
    assert again.sync.adopt()
    assert again.sync.published
    assert again.sync.published.hash == origin.head
    assert again.run().outcome == "unchanged"
    (published,) = [event for event in again.recorder.events if isinstance(event, Published)]
    assert not published.fresh
    assert published.commit.author_date


def test_tree_that_is_repaired_after_a_restart_is_announced_with_its_ref(
    make_workbench: MakeWorkbench, origin: Origin
) -> None:
    """Damage that the first pass finds is repaired before the remote is asked, but told with what the remote says."""
    bench = make_workbench(origin.url)
    bench.run()
    bench.close()
    bench.repo.link.unlink()
    bench.repo.link.symlink_to(f".worktrees/{origin.head}")
    again = make_workbench(origin.url)
    again.sync.adopt()
    (bench.repo.link / ".git").unlink()
    assert again.run().outcome == "repaired"
    assert [event.ref for event in again.recorder.events if isinstance(event, Published)] == ["refs/heads/main"]


def test_tree_of_another_repository_is_not_adopted(
    make_workbench: MakeWorkbench, origin: Origin, make_origin: Callable[..., Origin]
) -> None:
    """It is served until the other repository is published, and is not taken for it."""
    bench = make_workbench(origin.url, link="site")
    bench.run()
    bench.close()
    other = make_origin("other.git")
    again = make_workbench(other.url, link="site")
    assert not again.sync.adopt()
    assert again.run().failure, "the other repository is empty"
    assert_published(origin.path, again.repo.link)
    other.commit({"a": "other"})
    assert again.run().outcome == "updated"
    assert_published(other.path, again.repo.link)
    again.run()
    assert len(again.stores.all()) == 1, "the store of the other repository is not needed any more"


def test_something_at_the_place_of_the_link_is_named(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A directory of somebody's is neither replaced nor written into."""
    bench = make_workbench(origin.url)
    bench.repo.link.mkdir()
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "link_blocked"
    assert str(bench.repo.link) in result.failure.message
    assert list(bench.repo.link.iterdir()) == []


def test_left_over_temporary_link_does_not_stop_publication(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Names are never used twice, and what a killed process left is swept."""
    bench = make_workbench(origin.url)
    left = bench.repo.link.with_name(f".{bench.repo.link.name}.0123456789ab.gitsync-tmp")
    left.symlink_to("/nowhere")
    assert bench.run().outcome == "updated"
    assert not os.path.lexists(left)


def test_pass_that_times_out_keeps_what_is_published(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer
) -> None:
    """A slow server costs the timeout; the next pass succeeds."""
    bench = make_workbench(git_http.url_of(origin.path))
    bench.run()
    old = origin.head
    new = origin.commit({"a": "2"})
    git_http.delay = 5
    result = bench.run(seconds=0.5)
    assert result.failure
    assert result.failure.reason == "timeout"
    assert bench.published() == old
    git_http.delay = 0
    assert bench.run().outcome == "updated"
    assert bench.published() == new


@pytest.fixture
def small_volume(root: Path) -> Iterator[Callable[[str], None]]:
    """Return a function that mounts a volume of a given size (as mount(8) writes it) at the root."""
    with ExitStack() as mounts:
        yield lambda size: mounts.enter_context(mounted(root, size))


@pytest.mark.parametrize("size", ["size=700k", "size=900k", "size=1100k", "size=1300k", "nr_inodes=90"])
def test_full_volume_is_survived(
    make_workbench: MakeWorkbench, origin: Origin, small_volume: Callable[[str], None], size: str
) -> None:
    """Wherever the room ends, what is published stays, the reason is told, and a smaller commit is published after."""
    small_volume(size)
    first = origin.commit({f"f{number}": os.urandom(20_000) for number in range(8)}, replace=True)
    bench = make_workbench(origin.url)
    assert bench.run().failure is None
    many = {f"g{number}": os.urandom(30_000) for number in range(40)}
    origin.commit(many)
    for _ in range(2):
        result = bench.run()
        assert result.failure
        assert result.failure.reason == "no_space"
        assert bench.published() == first
        assert_published(origin.path, bench.repo.link)
    last = origin.commit({"small": "x"}, parent=first)
    outcomes = [bench.run().failure for _ in range(3)]
    assert outcomes[-1] is None
    assert bench.published() == last
    assert_published(origin.path, bench.repo.link)
