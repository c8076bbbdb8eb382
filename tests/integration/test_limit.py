"""The limit of trees: whatever the rhythm of updates, there are no more than --max-trees and one on its way out."""

import itertools
import time
from pathlib import Path

import pytest

from gitsync.config import TREES_DIRECTORY
from gitsync.telling.events import TreeTaken
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.origin import Origin
from tests.support.tree import assert_published, assert_tree


def directories(bench: Workbench) -> list[Path]:
    """Return all that lies where the trees are."""
    return list((bench.repo.root / TREES_DIRECTORY).iterdir())


def taken(bench: Workbench) -> list[TreeTaken]:
    """Return what was told of trees that went before their time."""
    return [event for event in bench.recorder.events if isinstance(event, TreeTaken)]


@pytest.mark.parametrize("most", [2, 3, 5])
def test_a_burst_uses_the_same_trees_again(make_workbench: MakeWorkbench, origin: Origin, most: int) -> None:
    """With updates without a pause there are as many trees as may be, and whoever reads the last ones is left alone."""
    bench = make_workbench(origin.url, stale_worktree_timeout=None, max_trees=most)
    bench.run()
    published = [origin.head]
    for number in range(most + 3):
        published.append(origin.commit({"a.txt": f"{number}\n"}))
        assert bench.run().outcome == "updated"
        assert_published(origin.path, bench.repo.link)
        assert len(directories(bench)) == min(most, number + 2)
        for commit in published[1 - most :]:
            assert_tree(origin.path, bench.repo.root / TREES_DIRECTORY / commit, commit)
    bench.do_chores()
    assert len(directories(bench)) == most, "nothing is prepared beyond the limit"
    assert [event.tree.name for event in taken(bench)] == published[:4]


def test_a_time_that_was_asked_for_is_kept(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The update waits for the end of the oldest tree's time, and is published then."""
    bench = make_workbench(origin.url, stale_worktree_timeout="1s", max_trees=2)
    bench.run()
    published: list[float] = []
    for number in range(3):
        origin.commit({"a.txt": f"{number}\n"})
        assert bench.run().outcome == "updated"
        assert_published(origin.path, bench.repo.link)
        published.append(time.monotonic())
    # Each but the first takes the tree that the link has left with the one before.
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(published))
    assert len(directories(bench)) == 2
    assert not taken(bench)


def test_an_update_does_not_wait_too_long(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """If the time ends long after the pass, it fails before the fetch, and says when it is worth another try."""
    bench = make_workbench(origin.url, stale_worktree_timeout="1h", max_trees=2)
    bench.run()
    last = origin.commit({"a.txt": "1\n"})
    bench.run()
    origin.commit({"a.txt": "2\n"})
    bench.recorder.events.clear()
    failure = bench.run().failure
    assert failure
    assert failure.reason == "trees_held"
    assert failure.retry_in == pytest.approx(3600, abs=60)
    assert "Fetched" not in bench.recorder.names()
    assert bench.published() == last


def test_a_tree_that_is_still_there_needs_no_room(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A branch that turns back while all trees have readers is followed at once."""
    first = origin.head
    bench = make_workbench(origin.url, stale_worktree_timeout="1h", max_trees=2)
    bench.run()
    origin.commit({"a.txt": "1\n"})
    bench.run()
    origin.rewind(first)
    assert bench.run().outcome == "updated"
    assert bench.published() == first


def test_a_repair_does_not_wait(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What is published and broken is worse for readers than the loss of a tree that the link has left."""
    bench = make_workbench(origin.url, stale_worktree_timeout="1h", max_trees=2)
    bench.run()
    first = origin.head
    origin.commit({"a.txt": "1\n"})
    bench.run()
    (bench.repo.link / ".git").unlink()
    assert bench.run().outcome == "repaired"
    assert_published(origin.path, bench.repo.link)
    assert [event.tree.name for event in taken(bench)] == [first]
    assert len(directories(bench)) == 2


def test_other_recipes_keep_to_the_limit(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path) -> None:
    """Trees that cannot be used again make way at once, also where no chore has the time to remove them."""
    patterns = tmp_path / "patterns"
    patterns.write_text("/*\n")
    bench = make_workbench(origin.url, stale_worktree_timeout=None, sparse_checkout_file=patterns)
    bench.run()
    for number in range(6):
        patterns.write_text(f"/*\n!/{number}\n")
        assert bench.run().outcome == "repaired"
        origin.commit({"a.txt": f"{number}\n"})
        assert bench.run().outcome == "updated"
        assert len(directories(bench)) <= 4


def test_trees_of_nobody_count(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Directories that may have been published by somebody stay for a while, as many as there is room for."""
    bench = make_workbench(origin.url, stale_worktree_timeout=None)
    bench.run()
    for number in range(5):
        (bench.repo.root / TREES_DIRECTORY / (f"{number}" * 40)).mkdir()
    bench.sync.tidy()
    bench.do_chores()
    assert len(directories(bench)) == 3
    assert_published(origin.path, bench.repo.link)
