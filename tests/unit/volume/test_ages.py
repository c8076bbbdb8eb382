"""How long the link has left a tree is told by a clock that nobody sets."""

import os
import time
from pathlib import Path

import pytest

from gitsync.volume.ages import Ages
from gitsync.volume.tree import Tree

HOUR = 3600.0


class Clocks:
    """Both clocks, which go on and jump as a test says."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wall, self.monotonic = time.time(), 1000.0
        patch.setattr("gitsync.volume.ages.time.time", lambda: self.wall)
        patch.setattr("gitsync.volume.ages.time.monotonic", lambda: self.monotonic)

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """The clocks of the process."""
    return Clocks(monkeypatch)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree that the link has left."""
    (tmp_path / "metadata").mkdir()
    return Tree(path=tmp_path / ("a" * 40), metadata=tmp_path / "metadata")


@pytest.mark.parametrize("jump", [-48 * HOUR, -HOUR, HOUR, 48 * HOUR])
def test_jumps_of_the_wall_clock(clocks: Clocks, tree: Tree, jump: float) -> None:
    """They change nothing."""
    ages = Ages()
    assert ages.left_for(tree) == 0.0
    clocks.pass_by(10)
    clocks.wall += jump
    assert ages.left_for(tree) == pytest.approx(10)
    clocks.pass_by(5)
    assert ages.left_for(tree) == pytest.approx(15)


def test_time_is_kept_across_restarts(clocks: Clocks, tree: Tree) -> None:
    """The mark has it, for the next process."""
    Ages().left_for(tree)
    os.utime(tree.left_mark, (clocks.wall - 20, clocks.wall - 20))
    clocks.monotonic = 5.0
    ages = Ages()
    assert ages.left_for(tree) == pytest.approx(20)
    clocks.pass_by(1)
    assert ages.left_for(tree) == pytest.approx(21)


def test_mark_of_the_future(clocks: Clocks, tree: Tree) -> None:
    """An earlier process had another clock: the time begins now."""
    Ages().left_for(tree)
    os.utime(tree.left_mark, (clocks.wall + HOUR, clocks.wall + HOUR))
    ages = Ages()
    assert ages.left_for(tree) == 0.0
    clocks.pass_by(3)
    assert ages.left_for(tree) == pytest.approx(3)


def test_tree_that_was_published_again(clocks: Clocks, tree: Tree) -> None:
    """Its mark was removed, and its time begins anew when the link leaves it again."""
    ages = Ages()
    ages.left_for(tree)
    clocks.pass_by(30)
    tree.left_mark.unlink()
    assert ages.left_for(tree) == 0.0


def test_no_room_for_a_mark(clocks: Clocks, tree: Tree) -> None:
    """The time begins when there is."""
    tree.metadata.rmdir()
    assert Ages().left_for(tree) == 0.0
