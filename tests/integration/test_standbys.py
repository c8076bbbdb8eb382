"""Standbys: there are as many trees as updates need, and they are there before the updates."""

import os
from pathlib import Path

import pytest

from gitsync.base.errors import GitError
from gitsync.config import TREES_DIRECTORY
from gitsync.telling.events import TreesKept
from gitsync.volume.mounts import MountedTrees, Mounts
from gitsync.volume.tree import Tree
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.integration.test_submodules import link
from tests.integration.test_trees import FILES, private_trees
from tests.support.eventually import eventually
from tests.support.origin import Origin
from tests.support.tree import assert_published
from tests.unit.volume.test_mounts import ROOT, processes


def test_updates_in_quick_succession_use_trees_again(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Once there are as many trees as the updates need, none is made or removed, also after a burst."""
    keep = 20.0
    bench = make_workbench(origin.url, stale_worktree_timeout=f"{keep:g}s", max_trees=10)

    def update(number: int, *, every: float) -> set[int]:
        for mark in (bench.stores.current.path / "worktrees").glob("*/gitsync-left"):
            time_passes(mark, every)
        bench.sync.tidy()
        origin.commit({"a.txt": f"{number}\n"})
        assert bench.run().failure is None
        assert_published(origin.path, bench.repo.link)
        directory = bench.repo.root / TREES_DIRECTORY
        return {path.stat().st_ino for path in directory.iterdir() if not path.name.startswith(".gone-")}

    for number in range(6):
        update(number, every=8)
    settled = update(6, every=8)
    assert len(settled) == 4, "one that is published, and three whose readers have 20 seconds"
    for number in range(7, 15):
        assert update(number, every=8) == settled
    # Slower for a while: the trees that are not needed wait for the next burst.
    assert update(15, every=keep + 5) == settled
    assert update(16, every=8) == settled
    # Much slower: all but one of them go.
    for number in range(17, 22):
        left = update(number, every=keep * 6)
    assert len(left) == 2


def test_trees_that_wait_are_told_of(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Those whose readers have time are one thing, those that wait for the next update another."""
    bench = make_workbench(origin.url, stale_worktree_timeout="20s")
    bench.run()
    origin.commit({"a.txt": "second\n"})
    bench.run()
    assert bench.recorder.events[-1] == TreesKept(repo=bench.repo.name, left=1, standbys=0)
    for mark in (bench.stores.current.path / "worktrees").glob("*/gitsync-left"):
        time_passes(mark, 30)
    bench.sync.tidy()
    assert bench.recorder.events[-1] == TreesKept(repo=bench.repo.name, left=0, standbys=1)


def test_tree_is_prepared_when_updates_come_quickly(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The second update in a row has to check out all, and from then on a tree is there before the update."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, stale_worktree_timeout="1h", max_trees=10)
    bench.run()
    prepared = []
    for number in range(4):
        bench.do_chores()
        prepared.append([path.stat().st_ino for path in private_trees(bench)])
        before = (bench.repo.link / "dir" / "b.txt").stat()
        origin.commit({"a.txt": f"{number}\n"})
        assert bench.run().failure is None
        assert_published(origin.path, bench.repo.link)
        assert (bench.repo.link / "dir" / "b.txt").stat().st_ino != before.st_ino
        if prepared[-1]:
            assert prepared[-1] == [bench.repo.link.resolve().stat().st_ino]
    assert [len(trees) for trees in prepared] == [0, 0, 1, 1]


def test_tree_is_prepared_with_the_sparse_patterns(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """It is as the update wants it."""
    origin.commit(FILES, replace=True)
    (tmp_path / "patterns").write_text("dir/*.txt\n")
    bench = make_workbench(
        origin.url, stale_worktree_timeout="1h", max_trees=10, sparse_checkout_file=tmp_path / "patterns"
    )
    for number in range(3):
        origin.commit({"dir/b.txt": f"{number}\n"})
        assert bench.run().failure is None
    bench.do_chores()
    (tree,) = private_trees(bench)
    assert sorted(path.name for path in tree.iterdir()) == ["dir"]


def half_prepared(make_workbench: MakeWorkbench, origin: Origin) -> tuple[Workbench, Path, Path]:
    """Return a tree that a chore has begun to prepare, and its metadata."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, stale_worktree_timeout="1h", max_trees=10)
    for number in range(3):
        origin.commit({"a.txt": f"{number}\n"})
        bench.run()
    bench.do_chores()
    (tree,) = private_trees(bench)
    metadata = bench.stores.current.path / "worktrees" / tree.name.removeprefix(".tree-")
    (metadata / "gitsync-index").unlink()
    return bench, tree, metadata


def test_preparation_goes_on_where_it_was_ended(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Half a tree is finished by the next chore, not begun anew."""
    bench, tree, _ = half_prepared(make_workbench, origin)
    (tree / "run.sh").unlink()
    kept = (tree / "dir" / "c.txt").stat()
    assert bench.trees.staging.standbys.is_short(bench.stores.current.path)
    bench.do_chores()
    assert private_trees(bench) == [tree]
    assert (tree / "run.sh").exists()
    assert (tree / "dir" / "c.txt").stat().st_ino == kept.st_ino


def test_preparation_of_a_tree_that_leads_nowhere_begins_anew(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """One that cannot be made right is removed by the chore that finds it, and the next chore makes another."""
    bench, damaged, metadata = half_prepared(make_workbench, origin)
    (metadata / "HEAD").write_text("1" * 40 + "\n")
    bench.do_chores()
    (made,) = private_trees(bench)
    assert made != damaged
    assert (made / "run.sh").exists()


def test_preparation_that_fails_is_left_to_the_update(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried once, and leaves nothing behind."""
    bench = make_workbench(origin.url, stale_worktree_timeout="1h", max_trees=10)
    for number in range(3):
        origin.commit({"a.txt": f"{number}\n"})
        bench.run()
    tries = []

    def fail(*_: object, **__: object) -> None:
        tries.append(1)
        raise GitError("no room", reason="no_space")

    with monkeypatch.context() as context:
        context.setattr(Tree, "bring", fail)
        bench.do_chores()
    assert tries == [1]
    assert not private_trees(bench)
    commit = origin.commit({"a.txt": "last\n"})
    assert bench.run().failure is None
    assert bench.published() == commit


def test_standby_stays_when_it_is_not_at_fault(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without rights, or a submodule that cannot be had, a tree that is made anew would fare no better."""
    bench = make_workbench(origin.url)
    bench.run()
    origin.commit({"a.txt": "2\n"})
    bench.run()
    (standby,) = private_trees(bench)
    link(origin, {"lib": ("../nowhere.git", origin.head)})
    assert bench.run().failure
    assert private_trees(bench) == [standby]

    def fail(*_: object, **__: object) -> None:
        raise GitError("no rights", reason="permission")

    with monkeypatch.context() as context:
        context.setattr(Tree, "bring", fail)
        assert bench.run().failure
    assert private_trees(bench) == [standby]


def time_passes(mark: Path, seconds: float) -> None:
    """Make the link have left a tree earlier."""
    then = mark.stat().st_mtime - seconds
    os.utime(mark, (then, then))


def test_tree_that_expired_meanwhile_is_used(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """With long periods, a tree becomes the standby in the very pass that needs one."""
    bench = make_workbench(origin.url, stale_worktree_timeout="200ms")
    bench.run()
    origin.commit({"a.txt": "2\n"})
    bench.run()
    directory = bench.repo.root / TREES_DIRECTORY
    before = {path.stat().st_ino for path in directory.iterdir()}
    eventually(lambda: bench.trees.retirement.untidy)
    origin.commit({"a.txt": "3\n"})
    assert bench.run().failure is None
    assert {path.stat().st_ino for path in directory.iterdir()} == before
    assert_published(origin.path, bench.repo.link)


def test_idle_pass_does_not_look_at_the_trees(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Nothing is due of itself when all trees have their place."""
    bench = make_workbench(origin.url)
    bench.run()
    assert not bench.trees.retirement.untidy


def test_mounted_tree_is_left_alone(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As long as somebody has it mounted it is no standby, also if the limit is reached; it is told of once."""
    bench = make_workbench(origin.url, max_trees=2)
    bench.run()
    tree = bench.repo.link.resolve()
    inode = tree.stat().st_ino
    mountinfo = (
        processes(tmp_path, self=ROOT + f"40 21 8:1 {tree} /mnt rw - ext4 /dev/sda1 rw\n") / "self" / "mountinfo"
    )
    bench.trees.catalogue.mounted = MountedTrees("site", lambda: Mounts(mountinfo.parent.parent))
    for number in range(3):
        origin.commit({"a.txt": f"{number}\n"})
        assert bench.run().outcome == "updated"
        assert tree.stat().st_ino == inode
        assert not (tree / "a.txt").exists()
    assert capsys.readouterr().out.count("tree_mounted") == 1
    mountinfo.write_text(ROOT)
    bench.sync.tidy()
    assert not tree.exists()
