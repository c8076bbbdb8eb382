"""Two names that change places, and what tells a directory from all others."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gitsync.base import swap
from tests.support.eventually import eventually


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two directories in two directories, each with a file."""
    for name in ("a/one", "b/two"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / name[-3:]).touch()
    return tmp_path / "a" / "one", tmp_path / "b" / "two"


def inside(path: Path) -> list[str]:
    """Return the names in a directory."""
    return sorted(entry.name for entry in path.iterdir())


def refuse(*arguments: Any) -> int:
    """Be a system call that a filter refuses."""
    import ctypes

    ctypes.set_errno(errno.EPERM)
    return -1


def test_exchange(two: tuple[Path, Path]) -> None:
    """Each has what the other had."""
    one, other = two
    swap.exchange(one, other)
    assert (inside(one), inside(other)) == (["two"], ["one"])


def test_exchange_with_a_link(two: tuple[Path, Path]) -> None:
    """A link is exchanged itself, whatever it leads to."""
    one, other = two
    link = other.with_name("link")
    link.symlink_to(other)
    swap.exchange(one, link)
    assert one.readlink() == other
    assert inside(link) == ["one"]


def test_exchange_by_number(two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A C library that has no function for the system call is no obstacle."""
    only = SimpleNamespace(syscall=swap._library().syscall)
    swap._renameat2.cache_clear()
    monkeypatch.setattr(swap, "_library", lambda: only)
    swap.exchange(*two)
    swap._renameat2.cache_clear()
    assert inside(two[0]) == ["two"]


def test_unknown_machine(two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a function and without a number it is as if the system had no such call."""
    swap._renameat2.cache_clear()
    monkeypatch.setattr(swap, "_library", SimpleNamespace)
    monkeypatch.setattr(swap, "_NUMBERS", {})
    with pytest.raises(OSError, match="not implemented") as caught:
        swap.exchange(*two)
    assert caught.value.errno == errno.ENOSYS


def test_no_exchange_with_nothing(two: tuple[Path, Path]) -> None:
    """Both have to be there; the error names them."""
    one, other = two
    with pytest.raises(FileNotFoundError, match="missing"):
        swap.exchange(one, other / "missing")
    assert inside(one) == ["one"]


def test_no_exchange_through_a_link(two: tuple[Path, Path], tmp_path: Path) -> None:
    """A directory on the way that is a link is not entered."""
    one, other = two
    (tmp_path / "way").symlink_to(other.parent)
    with pytest.raises(NotADirectoryError, match="way"):
        swap.exchange(one, tmp_path / "way" / other.name)


def test_rename_new(two: tuple[Path, Path]) -> None:
    """A name that is free is given, one that is taken is not, even by an empty directory."""
    one, other = two
    (other / "two").unlink()
    with pytest.raises(FileExistsError):
        swap.rename_new(one, other)
    swap.rename_new(one, other.with_name("new"))
    assert inside(other.with_name("new")) == ["one"]


def test_identity_stays(two: tuple[Path, Path]) -> None:
    """It goes with the directory, whatever that is called and holds."""
    one, other = two
    before = swap.identity(one)
    assert before != swap.identity(other)
    (one / "more").mkdir()
    os.utime(one, (0, 0))
    swap.exchange(one, other)
    assert swap.identity(other) == before


def test_identity_is_not_given_again(tmp_path: Path) -> None:
    """A directory in the place of one that was removed is another one, even if it has the same inode."""

    def identity() -> str:
        (tmp_path / "again").mkdir()
        found = swap.identity(tmp_path / "again")
        (tmp_path / "again").rmdir()
        return found

    first = identity()
    if not swap.is_lasting(first):
        pytest.skip("this file system keeps no times of birth")
    # Its clock may stand for some milliseconds.
    eventually(lambda: identity() != first)


@pytest.mark.parametrize("library", [SimpleNamespace(), SimpleNamespace(statx=refuse)], ids=["missing", "refused"])
def test_identity_without_statx(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, library: SimpleNamespace
) -> None:
    """Then it is the inode, which is not enough by itself."""
    monkeypatch.setattr(swap, "_library", lambda: library)
    identity = swap.identity(two[0])
    assert identity == str(two[0].stat().st_ino)
    assert not swap.is_lasting(identity)


def test_identity_of_nothing(tmp_path: Path) -> None:
    """What is not there has none."""
    with pytest.raises(FileNotFoundError, match="missing"):
        swap.identity(tmp_path / "missing")
