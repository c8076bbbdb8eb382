"""What a failed git command is taken for, where its words alone do not tell."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from gitsync.programs.gitfailure import failure

UNWRITTEN = "error: unable to write file a\nfatal: Could not reset index file to revision 'abc'.\n"
GIB = 2**30


def reason_of(stderr: str, store: Path | None = None) -> str:
    """Return the reason that a failure gets."""
    return failure("git reset", stderr, 128, url="/somewhere", store=store, on_files=True).reason


def volume(monkeypatch: pytest.MonkeyPatch, *, free: int = GIB, files: int = 1000, more_files: int = 500) -> None:
    """Have any volume be like this."""
    found = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096, f_files=files, f_favail=more_files)
    monkeypatch.setattr(os, "statvfs", lambda path: found)


def test_full_volume(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Git often does not say why it could not write: the volume does."""
    volume(monkeypatch)
    assert reason_of(UNWRITTEN, tmp_path) == "filesystem"
    volume(monkeypatch, free=GIB // 100)
    assert reason_of(UNWRITTEN, tmp_path) == "no_space"
    volume(monkeypatch, more_files=3)
    assert reason_of(UNWRITTEN, tmp_path) == "no_space"
    volume(monkeypatch, files=0, more_files=0)
    assert reason_of(UNWRITTEN, tmp_path) == "filesystem"
    assert reason_of(UNWRITTEN, None) == "filesystem"


def test_volume_that_does_not_answer(tmp_path: Path) -> None:
    """It is no full one for that."""
    assert reason_of(UNWRITTEN, tmp_path / "gone") == "filesystem"


def test_volume_counts_only_where_writing_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A full volume is not the cause of everything."""
    volume(monkeypatch, free=0)
    assert reason_of("fatal: index file corrupt\n", tmp_path) == "corrupt"


@pytest.mark.parametrize("words", ["no space left on device", "write error: Input/output error", "object is corrupt"])
def test_words_of_the_server(words: str, tmp_path: Path) -> None:
    """What is wrong with its volume is not wrong with ours, which is left as it is."""
    assert reason_of(f"remote: fatal: {words}\nfatal: it broke\n", tmp_path) == "remote_error"


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0c", "\x1e"])
def test_words_of_a_server_stay_its_own(end: str) -> None:
    """What Unicode takes for the end of a line makes no line of git's of what a server says."""
    said = f"remote: hello{end}error: object file /srv/x is corrupt{end}fatal: bad object HEAD\nfatal: it has ended\n"
    error = failure("git fetch (x)", said, 128, url="https://h/x.git", store=None, on_files=False)
    assert error.reason == "remote_error"
