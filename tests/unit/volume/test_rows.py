"""Lists that lie on the volume, where others may write: what counts of them is what can be ours."""

import json
from pathlib import Path

import pytest

from gitsync.volume.rows import is_inside, read_rows
from gitsync.volume.tree import Tree


@pytest.mark.parametrize("row", ["a", "a/b", "a b/..c", "ü"])
def test_path_within_a_tree(row: str) -> None:
    """A relative path that goes down alone is one."""
    assert is_inside(row)


@pytest.mark.parametrize("row", ["", ".", "/", "/a", "..", "../a", "a/../../b", "a/..", None, 1, ["a"], {"a": "b"}])
def test_path_elsewhere(row: object) -> None:
    """What leads out of the tree, is the tree itself, or is no path, is none."""
    assert not is_inside(row)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('["a", "/b", 1, "c/d"]', ["a", "c/d"]),
        ("[]", []),
        ("", []),
        ('{"a": "b"}', []),
        ('"a"', []),
        ('["a"', []),
        ("[" * 100_000, []),
    ],
)
def test_list(tmp_path: Path, text: str, rows: list[str]) -> None:
    """Rows that do not fit are passed over, and so is a file that is no list."""
    (tmp_path / "list").write_text(text)
    assert read_rows(tmp_path / "list", is_inside) == rows


def test_no_list(tmp_path: Path) -> None:
    """Where there is no file there are no rows."""
    assert read_rows(tmp_path / "list", is_inside) == []


def test_trees_of_submodules(tmp_path: Path) -> None:
    """Each lies in its parent and has its metadata in a store; of older ones the remote is not known."""
    metadata = tmp_path / "0123456789ab-1" / "worktrees" / "ab"
    metadata.mkdir(parents=True)
    theirs = "0123456789ab-1/worktrees/sub-12"
    good = [["lib", theirs, "https://example.com/lib.git"], ["old", theirs, None]]
    bad = [["lib", 1, None], ["lib", None, "x"], [1, theirs, None], ["../x", theirs, None], ["lib", theirs, 1]]
    bad += [["lib", "../elsewhere", None], ["lib", theirs], "lib", None]
    (metadata / "gitsync-nested").write_text(json.dumps([*bad, *good]))
    found = Tree(path=tmp_path / "tree", metadata=metadata).nested()
    assert [(tree.path.name, tree.metadata, tree.remote) for tree in found] == [
        ("lib", tmp_path / theirs, "https://example.com/lib.git"),
        ("old", tmp_path / theirs, None),
    ]
