"""What is known of a submodule's tree without a process: whose index git has found to be that of a commit."""

from pathlib import Path
from typing import Any, cast

import pytest

from gitsync.programs.gitcmd import Git
from gitsync.volume.inner import Untouched
from gitsync.volume.tree import Tree

COMMIT = "1" * 40
OTHER = "2" * 40


class AskedError(Exception):
    """Git was asked."""


class Asking:
    """Stands in for git, which only the test may want to be asked."""

    def run(self, *arguments: Any, **options: Any) -> None:
        raise AskedError


def make_tree(directory: Path, name: str) -> Tree:
    """Make a tree without files at a commit, with an index."""
    tree = Tree(path=directory / name, metadata=directory / "store" / "worktrees" / name)
    tree.path.mkdir()
    tree.metadata.mkdir(parents=True)
    (tree.metadata / "HEAD").write_text(f"{COMMIT}\n")
    (tree.metadata / "gitsync-index").write_bytes(b"index")
    return tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree."""
    return make_tree(tmp_path, "a")


@pytest.fixture
def untouched() -> Untouched:
    """What knows of none yet."""
    return Untouched(cast(Git, Asking()))


def test_proof(untouched: Untouched, tree: Tree, tmp_path: Path) -> None:
    """It is one for this index, this commit and this tree."""
    assert not untouched.is_proven(tree, COMMIT)
    untouched.note(tree, COMMIT)
    assert untouched.is_proven(tree, COMMIT)
    assert not untouched.is_proven(tree, OTHER)
    assert not untouched.is_proven(make_tree(tmp_path, "b"), COMMIT)


def test_index_that_is_written(untouched: Untouched, tree: Tree) -> None:
    """Whoever has written it, nothing is known of it any more; nor of none."""
    untouched.note(tree, COMMIT)
    index = tree.metadata / "gitsync-index"
    index.write_bytes(b"other index")
    assert not untouched.is_proven(tree, COMMIT)
    index.unlink()
    assert not untouched.is_proven(tree, COMMIT)
    untouched.note(tree, COMMIT)
    assert not untouched.is_proven(tree, COMMIT)


def test_what_needs_work_is_seen_without_git(untouched: Untouched, tree: Tree) -> None:
    """A tree of another commit, or one that was never checked out whole, is not what is wanted."""
    untouched.note(tree, OTHER)
    assert not untouched.is_untouched(tree, OTHER, deadline=0.0)
    (tree.metadata / "gitsync-index").unlink()
    assert not untouched.is_untouched(tree, COMMIT, deadline=0.0)


def test_what_is_not_proven_is_asked_of_git(untouched: Untouched, tree: Tree) -> None:
    """A tree of the commit may have been written to."""
    with pytest.raises(AskedError):
        untouched.is_untouched(tree, COMMIT, deadline=0.0)
