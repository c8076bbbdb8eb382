"""What a failed git command is taken for, where its words alone do not tell."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from gitsync.programs.gitfailure import Work, failure

UNWRITTEN = "error: unable to write file a\nfatal: Could not reset index file to revision 'abc'.\n"
GIB = 2**30
UNCONNECTED = "error: rev-list died of signal 11\nerror: https://h/x.git did not send all necessary objects\n"


def reason_of(stderr: str, store: Path | None = None) -> str:
    """Return the reason that a failure gets."""
    return failure("git reset", stderr, 128, url="/somewhere", store=store, at="files").reason


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
    error = failure("git fetch (x)", said, 128, url="https://h/x.git", store=None, at="remote")
    assert error.reason == "remote_error"


@pytest.mark.parametrize(("at", "reason"), [("files", "corrupt"), ("objects", "bad_commit"), ("remote", "git")])
def test_crash(at: Work, reason: str, tmp_path: Path) -> None:
    """A git that has crashed says nothing; what it was at work on tells what may be the cause."""
    error = failure("git x", "", -signal.SIGSEGV, url="/somewhere", store=tmp_path, at=at)
    assert error.reason == reason
    assert ("levels" in str(error)) == (at != "remote")


def test_crash_of_who_looks_at_what_was_fetched(tmp_path: Path) -> None:
    """It is the commit that is too deep, and not the server that has sent too little; that says nothing of ours."""
    error = failure("git fetch", UNCONNECTED, 1, url="https://h/x.git", store=tmp_path, at="remote")
    assert error.reason == "bad_commit"
    assert str(error).startswith("git fetch: git has crashed (SEGV)")
    said = "".join(f"remote: {line}\n" for line in UNCONNECTED.splitlines())
    assert failure("git fetch", said, 1, url="https://h/x.git", store=tmp_path, at="remote").reason == "bad_answer"


@pytest.mark.parametrize("at", ["remote", "files"])
def test_levels_that_git_counts(at: Work, tmp_path: Path) -> None:
    """Newer versions do, and say so."""
    told = "fatal: exceeded maximum allowed tree depth\nerror: https://h/x.git did not send all necessary objects\n"
    error = failure("git fetch", told, 1, url="https://h/x.git", store=tmp_path, at=at)
    assert error.reason == "bad_commit"
    assert "maximum allowed tree depth" in str(error)
