"""A directory is opened without following a link, with openat2(2) and where there is none."""

import os
from pathlib import Path

import pytest

from gitsync.base import directory
from gitsync.base.directory import open_directory


@pytest.fixture(params=[True, False], ids=["openat2", "step by step"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways; a system without openat2 is left at the second one."""
    monkeypatch.setattr(directory._System, "has_openat2", request.param)


@pytest.mark.usefixtures("_way")
def test_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory is opened by its path from the root, or from where the process is."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "a" / "b", Path("a/b"), Path("/"), Path()):
        descriptor = open_directory(path)
        try:
            assert os.path.samestat(os.fstat(descriptor), path.stat())
        finally:
            os.close(descriptor)


@pytest.mark.usefixtures("_way")
def test_follows_nothing(tmp_path: Path) -> None:
    """A link, wherever it is in the path, is no directory; nor is a file. Errors name the whole path."""
    (tmp_path / "there" / "inner").mkdir(parents=True)
    (tmp_path / "there" / "file").touch()
    (tmp_path / "way").symlink_to("there")
    for path in (tmp_path / "way", tmp_path / "way" / "inner", tmp_path / "there" / "file" / "x"):
        with pytest.raises(NotADirectoryError) as caught:
            open_directory(path)
        assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as missing:
        open_directory(tmp_path / "missing" / "x")
    assert missing.value.filename == str(tmp_path / "missing" / "x")


def test_without_openat2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not know it, or a sandbox forbids it, that is found out once."""
    monkeypatch.setattr(directory, "_NUMBER", 100_000)
    monkeypatch.setattr(directory._System, "has_openat2", True)
    os.close(open_directory(tmp_path))
    assert not directory._System.has_openat2


def test_deeper_than_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is too long for the system is opened in steps."""
    part = "d" * 200
    monkeypatch.chdir(tmp_path)
    for _ in range(25):
        Path(part).mkdir()
        os.chdir(part)
    descriptor = open_directory(tmp_path.joinpath(*[part] * 25))
    try:
        assert os.path.samestat(os.fstat(descriptor), Path().stat())
    finally:
        os.close(descriptor)
