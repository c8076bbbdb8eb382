"""A record of what is placed that is damaged, or gone: what is as in the commit that was published is ours."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.placed import FIRST, SECOND, Place, fill

FILES = {"index.html": "first\n", "docs/guide.txt": "read me\n", "gone": "x"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with one commit."""
    (tmp_path / "root").mkdir()
    made = Place(root=tmp_path / "root", target=tmp_path / "www")
    made.publish(FILES, FIRST)
    return made


def lose_last_line(record: Path) -> None:
    """Cut a line off, and what says that it was there."""
    record.write_text("".join(record.read_text().splitlines(keepends=True)[:-2]))


def flip(record: Path) -> None:
    """Change a bit of a row."""
    content = bytearray(record.read_bytes())
    content[content.rindex(b"index.html")] ^= 1
    record.write_bytes(content)


def to_directory(record: Path) -> None:
    """Put a directory in its place."""
    record.unlink()
    (record / "x").mkdir(parents=True)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a line less": lose_last_line,
    "a bit": flip,
    "empty": lambda record: record.write_text(""),
    "gone": Path.unlink,
    "a directory": to_directory,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_update(place: Place, damage: Callable[[Path], object]) -> None:
    """The next commit is published, and nothing of the one before stays."""
    (record,) = (place.root / ".gitsync").glob("*/placed")
    damage(record)
    place.publish({"index.html": "second\n", "docs/guide.txt": "read me\n"}, SECOND)
    assert place.shown() == {"index.html": "second\n", "docs": "directory", "docs/guide.txt": "read me\n"}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_which_tree_it_is(place: Place, damage: Callable[[Path], object]) -> None:
    """The next start finds the tree, by what is left of the record or by the marker."""
    (record,) = (place.root / ".gitsync").glob("*/placed")
    damage(record)
    assert place.publisher.current() == place.root / ".worktrees" / FIRST


def test_comparison_writes_it_anew(place: Place) -> None:
    """Where all is as it should be nothing is told, and the record is whole again."""
    (record,) = (place.root / ".gitsync").glob("*/placed")
    before = record.read_text()
    lose_last_line(record)
    tree = place.root / ".worktrees" / FIRST
    assert place.publisher.damage(tree, deadline=float("inf")) == []
    assert sorted(record.read_text().splitlines()[1:-1]) == sorted(before.splitlines()[1:-1])
    (place.target / "index.html").write_text("edited\n")
    assert place.publisher.damage(tree, deadline=float("inf")) == ["index.html"]


def test_what_somebody_has_edited_meanwhile_is_his(place: Place) -> None:
    """Of what is not as in the commit nobody knows any more whether it was ours."""
    (record,) = (place.root / ".gitsync").glob("*/placed")
    record.unlink()
    fill(place.target, {"index.html": "edited\n"})
    assert place.refuse({"index.html": "second\n"}).reason == "place_taken"
    assert (place.target / "index.html").read_text() == "edited\n"
