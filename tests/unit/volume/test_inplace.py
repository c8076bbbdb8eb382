"""The content in a directory that stays the same one: what is placed there, what is left alone, what is refused."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitsync.base.folder import Folder
from gitsync.volume.inplace import MARKER
from tests.support.origin import Content, Executable, Symlink
from tests.support.placed import FILES, FIRST, SECOND, Place, fill, shown, times


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with nothing in it."""
    (tmp_path / "root").mkdir()
    return Place(root=tmp_path / "root", target=tmp_path / "www")


def test_first_publication_is_the_content_of_the_tree(place: Place) -> None:
    """Files, programs, links and directories are there with their times, and nothing else but the marker."""
    tree = place.publish(FILES)
    assert place.shown() == {
        "bin": "directory",
        "bin/run": "program #!/bin/sh\n",
        "docs": "directory",
        "docs/guide.txt": "read me\n",
        "empty": "directory",
        "index.html": "first\n",
        "latest": "-> docs/guide.txt",
    }
    for path in ("index.html", "docs/guide.txt", "bin/run", "latest"):
        assert (place.target / path).lstat().st_mtime_ns == (tree.path / path).lstat().st_mtime_ns
    assert place.publisher.current() == tree.path
    assert place.publisher.leads_to_tree()


def test_marker_says_which_commit_is_whole_and_since_when(place: Place) -> None:
    """It can be read by people and programs."""
    assert place.publisher.published_at() is None
    place.publish(FILES)
    marker = json.loads((place.target / MARKER).read_text())
    assert marker["commit"] == FIRST
    assert place.publisher.published_at() == pytest.approx(time.time(), abs=60)


def test_what_stays_the_same_is_not_touched(place: Place) -> None:
    """Of an update from another tree only what differs gets another inode and time."""
    place.publish(FILES)
    os.utime(place.target / "index.html", (1000, 1000))
    before = times(place.target)
    place.publish({**FILES, "docs/guide.txt": "read me again\n", "new": "new\n"}, SECOND)
    after = times(place.target)
    assert {path for path in after if before.get(path) != after[path]} == {"docs", "docs/guide.txt", "new"}
    assert (place.target / "docs" / "guide.txt").read_text() == "read me again\n"
    assert json.loads((place.target / MARKER).read_text())["commit"] == SECOND


def test_known_files_are_not_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever turns back and forth between two trees reads only what differs between them."""
    one = place.publish(FILES)
    other = place.publish({**FILES, "index.html": "second\n"}, SECOND)
    read: list[str] = []
    compare = Folder.is_like

    def noted(self: Folder, other: Folder, name: str, **options: object) -> bool:
        read.append(name)
        return compare(self, other, name, tick=lambda: None)

    monkeypatch.setattr(Folder, "is_like", noted)
    for tree in (one, other, one):
        place.publisher.publish(tree, tree.path)
    assert set(read) == {"index.html"}


def test_what_the_commit_has_not_any_more_goes(place: Place) -> None:
    """Directories that we have made go with the last file; those of others stay, and their files as well."""
    fill(place.target, {"docs/mine": "mine", "uploads": None})
    place.publish({"docs/guide.txt": "x", "uploads/keep": "x", "a/b/c": "x", "d/e": "x"})
    fill(place.target, {"d/mine": "mine"})
    place.publish({"index.html": "x"}, SECOND)
    assert place.shown() == {
        "docs": "directory",
        "docs/mine": "mine",
        "uploads": "directory",
        "d": "directory",
        "d/mine": "mine",
        "index.html": "x",
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": "x"}, {"a/b": "x", "a/c/d": "x"}),
        ({"a/b": "x", "a/c/d": "x"}, {"a": "x"}),
        ({"a": "x"}, {"a": Symlink("b"), "b": "x"}),
        ({"a": Symlink("b"), "b": "x"}, {"a": "x"}),
        ({"a/b": "x"}, {"a": Symlink("c"), "c/b": "y"}),
        ({"a": Symlink("c"), "c/b": "y"}, {"a/b": "x"}),
        ({"a": "x"}, {"a": Executable("x")}),
        ({"a": Executable("x")}, {"a": "x"}),
        ({"a": "x"}, {"a": None}),
        ({"a/b": None}, {"a": "x"}),
        ({"a/b": "x", "a/c": "x"}, {"a/b/c/d": "x", "a/c": "x"}),
    ],
)
def test_kinds_change(place: Place, before: Mapping[str, Content], after: Mapping[str, Content]) -> None:
    """What was a file may become anything else, and the other way round."""
    place.publish(before)
    tree = place.publish(after, SECOND)
    expected = shown(tree.path)
    expected.pop(".git")
    assert place.shown() == expected
