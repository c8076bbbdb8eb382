"""No link is followed, at no part of a path."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base import nolinks


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A directory of somebody else, to which a link leads from ours: `ours/way` → `foreign`."""
    directory = tmp_path / "foreign"
    (directory / "inner").mkdir(parents=True)
    (directory / "file").write_text("precious")
    (directory / "inner" / "data").write_text("precious")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "way").symlink_to(directory)
    return directory


def contents(directory: Path) -> dict[str, str]:
    """Return the files below a directory."""
    return {str(path): path.read_text() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "do",
    [
        lambda way: nolinks.write(way / "file", "changed"),
        lambda way: nolinks.write(way / "new", "made"),
        lambda way: nolinks.touch(way / "new"),
        lambda way: nolinks.make_directory(way / "new" / "deep"),
        lambda way: nolinks.rename(way / "file", way.parent / "taken"),
        lambda way: nolinks.rename(way.parent, way / "given"),
        lambda way: nolinks.link(way / "file", way.parent / "taken"),
        lambda way: nolinks.symlink("file", way / "new"),
    ],
    ids=["write", "create", "touch", "mkdir", "rename from", "rename to", "link", "symlink"],
)
def test_change_through_a_link(foreign: Path, tmp_path: Path, do: Callable[[Path], None]) -> None:
    """Whatever is to be changed behind a link is refused, with the whole path."""
    before = sorted(os.walk(foreign))
    with pytest.raises(NotADirectoryError, match="way"):
        do(tmp_path / "ours" / "way")
    assert sorted(os.walk(foreign)) == before
    assert contents(foreign)[str(foreign / "file")] == "precious"


def test_removal_through_a_link(foreign: Path, tmp_path: Path) -> None:
    """The link goes, what it leads to stays."""
    way, before = tmp_path / "ours" / "way", contents(foreign)
    nolinks.unlink(way / "file")
    nolinks.remove_empty(way / "inner")
    assert nolinks.remove(way / "inner")
    assert contents(foreign) == before
    assert nolinks.remove(tmp_path / "ours")
    assert contents(foreign) == before


def test_reading_through_a_link(foreign: Path, tmp_path: Path) -> None:
    """What lies behind a link is not there."""
    way = tmp_path / "ours" / "way"
    assert nolinks.read(way / "file") is None
    assert nolinks.status(way / "file") is None
    assert not nolinks.is_directory(way)
    assert nolinks.exists(way)
    assert nolinks.entries(way) == []
    assert nolinks.subdirectories(way.parent) == []
    assert list(nolinks.walk(tmp_path / "ours", depth=9)) == [way]


def test_last_part_that_is_a_link(foreign: Path, tmp_path: Path) -> None:
    """A link in the place of a file is replaced when it is written, refused when it is touched, not read."""
    path = tmp_path / "ours" / "file"
    path.symlink_to(foreign / "file")
    assert nolinks.read(path) is None
    with pytest.raises(OSError, match="file"):
        nolinks.touch(path)
    nolinks.write(path, "mine")
    assert (path.read_text(), (foreign / "file").read_text()) == ("mine", "precious")


def test_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    """Nothing waits for the other end of a pipe that somebody has planted."""
    os.mkfifo(tmp_path / "pipe")
    assert nolinks.read(tmp_path / "pipe") is None
    with pytest.raises(OSError, match="pipe"):
        nolinks.touch(tmp_path / "pipe")
    nolinks.write(tmp_path / "pipe", "text")
    assert nolinks.read(tmp_path / "pipe") == "text"


@pytest.mark.timeout(60)  # some file systems need a millisecond and more for each directory
def test_deep_directories_go(tmp_path: Path) -> None:
    """A directory may be deeper than Python's stack."""
    top = tmp_path / "top"
    top.mkdir()
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("down", dir_fd=descriptor)
        below = os.open("down", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    assert nolinks.remove(top)
    assert not top.exists()


def test_walk_has_a_depth(tmp_path: Path) -> None:
    """What lies deeper is not looked at."""
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert list(nolinks.walk(tmp_path, depth=2)) == [tmp_path / "a", tmp_path / "a" / "b"]


def test_empty_directories_only(tmp_path: Path) -> None:
    """One that holds something stays."""
    (tmp_path / "full" / "empty").mkdir(parents=True)
    nolinks.remove_empty(tmp_path / "full")
    assert (tmp_path / "full" / "empty").is_dir()
    nolinks.remove_empty(tmp_path / "full" / "empty")
    nolinks.remove_empty(tmp_path / "full")
    nolinks.remove_empty(tmp_path / "missing")
    assert not (tmp_path / "full").exists()


def test_modes_are_kept_here(tmp_path: Path) -> None:
    """A file system that tests run on has the executable bit, and the look at it leaves nothing behind."""
    assert nolinks.keeps_modes(tmp_path)
    assert list(tmp_path.iterdir()) == []
