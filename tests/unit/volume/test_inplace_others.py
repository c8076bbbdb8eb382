"""What others do in a directory that is published into: what is left alone, refused, found and repaired."""

import errno
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitsync.base import swap
from gitsync.base.errors import PublishError
from gitsync.base.folder import Folder
from gitsync.volume.inplace import MARKER
from gitsync.volume.inplace_moves import Moves
from tests.support.origin import Content, Executable, Symlink
from tests.support.placed import FILES, FIRST, SECOND, Place, fill, make_tree, shown, times
from tests.unit.conftest import Logs


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with nothing in it."""
    (tmp_path / "root").mkdir()
    return Place(root=tmp_path / "root", target=tmp_path / "www")


@pytest.mark.parametrize(
    ("theirs", "commit", "named"),
    [
        ({"a": "mine"}, {"a": "x"}, "a"),
        ({"a": "x"}, {"a": Executable("x")}, "a"),
        ({"a": Symlink("/etc")}, {"a": "x"}, "a"),
        ({"a": Symlink("/etc")}, {"a/b": "x"}, "a"),
        ({"a": "mine"}, {"a/b": "x"}, "a"),
        ({"a/b": "mine"}, {"a": "x"}, "a/b"),
        ({"d/e/f": "mine"}, {"d": "x"}, "d/e/f"),
    ],
)
def test_foreign_files_in_the_way(
    place: Place, theirs: Mapping[str, Content], commit: Mapping[str, Content], named: str
) -> None:
    """They are named, and nothing at all is written; without them it goes on."""
    place.publish({"index.html": "x", "d/e/ours": "x"})
    fill(place.target, theirs)
    error = place.refuse({"new": "x", **commit})
    assert error.reason == "place_taken"
    assert str(place.target / named) in str(error)
    assert "--link" in (error.hint or "")


def test_directory_in_the_place_of_the_marker(place: Place) -> None:
    """It is somebody's, and stays until he moves it away."""
    place.publish({"a": "x"})
    (place.target / MARKER).unlink()
    (place.target / MARKER / "theirs").mkdir(parents=True)
    error = place.refuse({"a": "y"})
    assert error.reason == "place_taken"
    assert str(place.target / MARKER) in str(error)
    (place.target / MARKER / "theirs").rmdir()
    (place.target / MARKER).rmdir()
    place.publish({"a": "y"}, SECOND)
    assert place.shown() == {"a": "y"}


def test_foreign_file_that_is_the_same_becomes_ours(place: Place) -> None:
    """It is not touched, and goes when the commit has it no more."""
    fill(place.target, {"a": "x", "d/b": Executable("y"), "l": Symlink("a")})
    before = times(place.target)
    place.publish({"a": "x", "d/b": Executable("y"), "l": Symlink("a")})
    assert times(place.target) == before
    place.publish({"c": "z"}, SECOND)
    assert place.shown() == {"c": "z", "d": "directory"}


def test_link_in_the_place_of_a_directory_of_ours_leads_nowhere(place: Place, tmp_path: Path) -> None:
    """Somebody has moved a directory and linked it: nothing is written, and nothing removed, where that leads."""
    place.publish({"d/a": "x", "d/b": "x"})
    (place.target / "d").rename(tmp_path / "elsewhere")
    (place.target / "d").symlink_to(tmp_path / "elsewhere")
    assert str(place.target / "d") in str(place.refuse({"d/a": "y", "d/c": "x"}))
    place.publish({"index.html": "x"}, SECOND)
    assert shown(tmp_path / "elsewhere") == {"a": "x", "b": "x"}
    assert place.shown() == {"d": f"-> {tmp_path / 'elsewhere'}", "index.html": "x"}


def test_link_in_the_place_of_a_file_of_ours_is_replaced_itself(place: Place, tmp_path: Path) -> None:
    """It is damage, and what it leads to is not written to."""
    (tmp_path / "elsewhere").write_text("mine")
    place.publish({"a": "x"})
    (place.target / "a").unlink()
    (place.target / "a").symlink_to(tmp_path / "elsewhere")
    place.publish({"a": "x"})
    assert place.shown() == {"a": "x"}
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_empty_directory_in_the_place_of_a_file_of_ours_is_replaced(place: Place) -> None:
    """It is damage, and nobody loses anything by it."""
    place.publish({"a": "x", "d/b": "x"})
    for path in ("a", "d/b"):
        (place.target / path).unlink()
        (place.target / path).mkdir()
    place.publish({"a": "x", "d/b": "y"}, SECOND)
    assert place.shown() == {"a": "x", "d": "directory", "d/b": "y"}


def test_directory_of_others_that_is_to_become_a_file(place: Place) -> None:
    """It is theirs, whether it is empty or all that is in it is ours: it is named, and nothing at all is written."""
    fill(place.target, {"theirs/mine": "mine"})
    place.publish({"theirs/a": "x", "index.html": "x"})
    (place.target / "theirs" / "mine").unlink()
    (place.target / "empty").mkdir()
    for path in ("theirs", "empty"):
        error = place.refuse({"index.html": "y", path: "a file"})
        assert error.reason == "place_taken"
        assert str(place.target / path) in str(error)
    assert place.shown()["index.html"] == "x"


def test_file_that_others_have_changed_stays_when_the_commit_drops_it(place: Place, logs: Logs) -> None:
    """It is not provably ours any more, which is told; one that has another owner or time of change is."""
    place.publish({"a": "x", "b": "x"})
    (place.target / "a").write_text("edited")
    (place.target / "b").chmod(0o600)
    place.publish({"c": "x"}, SECOND)
    assert place.shown() == {"a": "edited", "c": "x"}
    assert logs.events("files_left")[0]["files"] == ["a"]


def test_commit_with_a_file_of_the_name_of_the_marker(place: Place) -> None:
    """It is refused, and said what to do."""
    place.publish({"a": "x"})
    error = place.refuse({MARKER: "x"})
    assert error.reason == "place_taken"
    assert MARKER in str(error)


def test_two_roots_do_not_share_a_directory(place: Place, tmp_path: Path) -> None:
    """The second is refused where its files are others; where they are none of the first's, the first one is."""
    (tmp_path / "second").mkdir()
    second = Place(root=tmp_path / "second", target=place.target)
    place.publish({"a": "x"})
    assert second.refuse({"a": "y"}).reason == "place_taken"
    second.publish({"b": "x"})
    assert not place.publisher.leads_to_tree()
    error = place.refuse({"a": "z"})
    assert error.reason == "place_taken"
    assert "another gitsync" in str(error)
    assert place.shown() == {"a": "x", "b": "x"}


@pytest.mark.parametrize("kind", ["edited", "longer", "mode", "gone", "directory gone", "link", "emptied"])
def test_damage_is_found_and_repaired(place: Place, kind: str) -> None:
    """Whatever others have done to a file of ours, it is named, and only that file is replaced."""
    tree = place.publish(FILES)
    before = times(place.target)
    file = place.target / "docs" / "guide.txt"
    if kind == "edited":
        file.write_text("READ ME\n")
        os.utime(file, ns=(0, (tree.path / "docs" / "guide.txt").stat().st_mtime_ns))
    elif kind == "longer":
        file.write_text("read me, please\n")
    elif kind == "mode":
        file.chmod(0o755)
    elif kind == "directory gone":
        shutil.rmtree(file.parent)
    elif kind == "emptied":
        file.write_text("")
    else:
        file.unlink()
    if kind == "link":
        file.symlink_to("/etc/passwd")
    found = place.publisher.damage(tree.path, deadline=math.inf)
    assert found == (["docs", "docs/guide.txt"] if kind == "directory gone" else ["docs/guide.txt"])
    place.publisher.publish(tree, tree.path)
    assert not place.publisher.damage(tree.path, deadline=math.inf)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("read me\n", 0o644)
    assert file.lstat().st_mtime_ns == before["docs/guide.txt"][1]
    assert {path for path, one in times(place.target).items() if before[path] != one} <= {"docs", "docs/guide.txt"}


def test_what_is_no_damage(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of others, and another owner or time of ours, which is looked into once."""
    tree = place.publish(FILES)
    fill(place.target, {"mine": "mine", "docs/mine": "mine"})
    (place.target / "index.html").chmod(0o664)
    assert place.publisher.damage(tree.path, deadline=math.inf) == []
    monkeypatch.setattr(Folder, "is_like", None)
    assert place.publisher.damage(tree.path, deadline=math.inf) == []


def test_copies_that_cannot_be_made_change_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The volume is full in the middle: what was complete stays so, and nothing is left behind."""
    place.publish({"a": "x", "d/b": "x"})
    copy = Folder.copy

    def fail(self: Folder, source: Folder, name: str, copied: str, **options: object) -> None:
        copy(self, source, name, copied, tick=lambda: None)
        if name == "last":
            raise OSError(28, "No space left on device", copied)

    monkeypatch.setattr(Folder, "copy", fail)
    error = place.refuse({"a": "y", "e/f": "x", "last": "x"})
    assert error.reason == "no_space"
    assert place.publisher.current() == place.root / ".worktrees" / FIRST
    assert place.publisher.leads_to_tree()


def test_pass_that_is_over_ends_the_copying(place: Place) -> None:
    """The option that gives it longer is named."""
    tree = make_tree(place.root, FIRST, FILES)
    with pytest.raises(PublishError) as caught:
        place.publisher.publish(tree, tree.path, deadline=0.0)
    assert caught.value.reason == "timeout"
    assert "--sync-timeout" in (caught.value.hint or "")
    assert place.shown() == {}


def test_link_of_ours_becomes_a_directory(place: Place) -> None:
    """Of another form before: consumers have the whole content as soon as the link is gone."""
    tree = make_tree(place.root, FIRST, FILES)
    place.target.symlink_to(os.path.relpath(tree.path, place.target.parent))
    publisher = place.publisher
    publisher.check()
    assert publisher.current() == tree.path
    assert not publisher.leads_to_tree()
    publisher.publish(tree, tree.path)
    assert not place.target.is_symlink()
    assert place.shown()["index.html"] == "first\n"
    assert place.publisher.leads_to_tree()
    assert sorted(path.name for path in place.target.parent.iterdir()) == ["root", "www"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_blocked(place: Place, kind: str) -> None:
    """A file, or a link that is not ours, stays, and is named."""
    if kind == "file":
        place.target.write_text("mine")
    else:
        place.target.symlink_to(place.root)
    for act in (place.publisher.check, lambda: place.publish(FILES)):
        with pytest.raises(PublishError, match="no directory") as caught:
            act()
        assert caught.value.reason == "link_blocked"
    assert place.publisher.current() is None


def test_marker_that_somebody_has_removed_or_changed(place: Place) -> None:
    """Nobody knows then whether it is whole; the next publication says so."""
    tree = place.publish(FILES)
    for text in (None, "", "[]", "null", "{"):
        (place.target / MARKER).unlink()
        if text is not None:
            (place.target / MARKER).write_text(text)
        assert not place.publisher.leads_to_tree()
        assert place.publisher.current() == tree.path
        place.publisher.publish(tree, tree.path)
        assert place.publisher.leads_to_tree()


def test_record_that_is_damaged_or_forged(place: Place, tmp_path: Path) -> None:
    """It says nothing: what is the same is ours again, and nothing is removed outside of the directory."""
    (tmp_path / "mine").write_text("mine")
    os.utime(tmp_path / "mine", ns=(0, 0))
    place.publish(FILES)
    (file,) = (place.root / ".gitsync").glob("inplace-*/placed")
    names = ["../mine", "docs/../../mine", f"{tmp_path}/mine"]
    forged = [*(f"file 4 0 0 1 {name}" for name in names), "file x", "", "file 4 0 0 1 ", "pipe 4 0 0 1 a", "["]
    for content in ("", "x" * 100, "[1]", "\n".join(["", *forged])):
        heading = file.read_text().split("\n")[0]
        file.write_text(heading + content if forged[0] in content else content)
        place.publish(FILES, SECOND)
        assert place.publisher.leads_to_tree()
    assert (tmp_path / "mine").read_text() == "mine"
    assert place.shown()["index.html"] == "first\n"


def test_long_names(place: Place) -> None:
    """A copy is not called after its file, whose name may be as long as there can be."""
    place.publish({"n" * 255: "x", "d" * 255 + "/" + "n" * 255: "x"})
    place.publish({"n" * 255: "y"}, SECOND)
    assert place.shown() == {"n" * 255: "y"}


def test_name_that_is_no_text(place: Place) -> None:
    """A name is bytes."""
    name, other = os.fsdecode(b"\xff\n %0A%25% name"), os.fsdecode(b"\n\xfe")
    place.publish({name: "x", other: "x"})
    place.publish({name: "y"}, SECOND)
    assert place.shown() == {name: "y"}


def test_file_that_somebody_makes_meanwhile_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the end of the copying: it is not replaced, and the next update says what is in the way."""
    place.publish(FILES)
    prepare = Moves.prepare

    def prepared(self: Moves) -> None:
        prepare(self)
        (place.target / "new").write_text("mine")

    with monkeypatch.context() as patch:
        patch.setattr(Moves, "prepare", prepared)
        with pytest.raises(PublishError, match="File exists"):
            place.publish({**FILES, "new": "ours"}, SECOND)
    assert (place.target / "new").read_text() == "mine"
    assert not place.publisher.leads_to_tree()
    place.publisher.sweep()
    assert place.refuse({**FILES, "new": "ours"}).reason == "place_taken"
    place.publish(FILES)
    assert place.shown()["new"] == "mine"
    assert place.publisher.leads_to_tree()


def test_volume_without_hard_links_or_exchange(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files get their names by rename then, and a link is removed before the directory comes."""
    tree = make_tree(place.root, FIRST, FILES)
    place.target.symlink_to(os.path.relpath(tree.path, place.target.parent))

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(swap, "exchange", refuse)
    place.publisher.publish(tree, tree.path)
    place.publish({**FILES, "new": "new\n"}, SECOND)
    assert (place.target / "new").read_text() == "new\n"
    assert not place.target.is_symlink()


def test_pipe_that_a_gate_has_left_is_no_content(place: Place) -> None:
    """It is neither read nor made."""
    tree = make_tree(place.root, FIRST, FILES)
    os.mkfifo(tree.path / "pipe")
    place.publisher.publish(tree, tree.path)
    assert "pipe" not in place.shown()
