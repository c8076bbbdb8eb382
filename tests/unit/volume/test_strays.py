"""What git leaves in a tree without a word."""

from pathlib import Path

import pytest

from gitsync.base import nolinks
from gitsync.volume.changes import Changes
from gitsync.volume.strays import UncleanError, drop_emptied

LOST = ("100644 " + "a" * 40, "000000 " + "0" * 40)
SUBMODULE = ("000000 " + "0" * 40, "160000 " + "b" * 40)
CHANGES: Changes = {"a/b/c/file": LOST, "a/b/other": LOST, "d/file": LOST, "e/file": LOST, "e": SUBMODULE}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree from which the files are gone, and not one of their directories."""
    for directory in ("a/b/c", "d", "e", "f"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "d" / "still-there").touch()
    return tmp_path


def test_directories_that_have_lost_their_files(tree: Path) -> None:
    """They go, from the innermost on; what has files, is a submodule's place, or has lost nothing, stays."""
    drop_emptied(tree, CHANGES)
    assert sorted(path.name for path in tree.iterdir()) == ["d", "e", "f"]


def test_directory_that_resists(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree with a directory that the commit has not is none of the commit."""
    monkeypatch.setattr(nolinks, "remove_empty", lambda path: None)
    with pytest.raises(UncleanError, match="a/b/c"):
        drop_emptied(tree, CHANGES)
