"""The file that keeps a pause: what it says is others' words, and it is the lock's holder who writes."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import cast

import pytest

from gitsync.base.errors import PublishError, StoreLocked
from gitsync.base.filelock import Lock
from gitsync.base.redact import Secret
from gitsync.programs.gitcmd import Git
from gitsync.telling.events import Observers
from gitsync.telling.status import Pause
from gitsync.volume.lock import VolumeLock
from gitsync.volume.pausefile import PauseFile
from tests.unit.examples import repo_config


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[VolumeLock]:
    """The lock of a root, which nobody has taken yet."""
    repo = repo_config()
    repo = replace(repo, placement=replace(repo.placement, root=tmp_path, work=tmp_path))
    made = VolumeLock(repo, cast(Git, SimpleNamespace(inherited=())), stop=Event(), observers=Observers())
    yield made
    made.release()


@pytest.fixture
def file(tmp_path: Path, lock: VolumeLock) -> PauseFile:
    """The file of a root."""
    return PauseFile(tmp_path, lock)


def place(root: Path) -> Path:
    """Return where the file is, in a directory that is there."""
    (root / ".gitsync").mkdir(exist_ok=True)
    return root / ".gitsync" / "paused"


@pytest.mark.parametrize("holds", [True, False], ids=["a worker at work", "before the first pass"])
def test_kept(file: PauseFile, lock: VolumeLock, holds: bool) -> None:
    """What is written is read again, until it is removed; the lock is given back if it was not ours before."""
    if holds:
        lock.take(deadline=time.monotonic())
    assert file.read() is None
    before = time.time()
    file.write(Pause(since=before, reason="bad release"))
    found = file.read()
    assert found is not None
    assert found.reason == "bad release"
    assert before - 1 <= found.since <= time.time()
    assert lock.held is holds
    file.remove()
    file.remove()
    assert file.read() is None


def test_lock_of_another(file: PauseFile, lock: VolumeLock, tmp_path: Path) -> None:
    """Nobody else than the holder of the lock writes to the volume."""
    place(tmp_path).write_text("mine\n")
    other = Lock(tmp_path / ".gitsync" / "lock")
    assert other.try_acquire()
    with pytest.raises(StoreLocked, match=str(os.getpid())):
        file.write(Pause(since=0.0))
    with pytest.raises(StoreLocked):
        file.remove()
    other.release()
    assert place(tmp_path).read_text() == "mine\n"


def test_words_of_others(file: PauseFile, tmp_path: Path) -> None:
    """Whatever the file holds, its words are short, on one line, fit to be shown and without secrets."""
    Secret("Tr0ub4dor")
    place(tmp_path).write_bytes(b"\x1b[31mTr0ub4dor\nsecond\xff" + b"x" * 10**6)
    found = file.read()
    assert found is not None
    assert found.reason.startswith("\\x1b[31m***\\nsecond")
    assert len(found.reason) < 300


@pytest.mark.parametrize("seconds", [-(10.0**9), 4 * 10.0**9])
def test_time_of_others(file: PauseFile, tmp_path: Path, seconds: float) -> None:
    """A time that cannot be is one that can be shown."""
    place(tmp_path).touch()
    os.utime(place(tmp_path), (seconds, seconds))
    found = file.read()
    assert found is not None
    assert 0.0 <= found.since <= time.time()


@pytest.mark.parametrize("kind", ["link", "directory", "pipe"])
def test_something_else_in_its_place(file: PauseFile, tmp_path: Path, kind: str) -> None:
    """What is no file pauses nobody, leads nowhere, and makes way for the file."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    there = place(tmp_path)
    if kind == "link":
        there.symlink_to(elsewhere)
    elif kind == "directory":
        there.mkdir()
        (there / "x").touch()
    else:
        os.mkfifo(there)
    assert file.read() is None
    file.write(Pause(since=0.0, reason="ours"))
    found = file.read()
    assert found is not None
    assert found.reason == "ours"
    assert elsewhere.read_text() == "theirs"


def test_file_that_stays(file: PauseFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that cannot be forgotten is told."""
    place(tmp_path).touch()
    monkeypatch.setattr("gitsync.base.nolinks.remove", lambda path: False)
    with pytest.raises(PublishError, match="paused cannot be removed"):
        file.remove()
