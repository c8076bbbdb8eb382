"""The touch file and the error file."""

import json
import os
from pathlib import Path

import pytest

from gitsync.base.errors import HINTS
from gitsync.telling.events import Failure
from gitsync.telling.reports import FileReports
from tests.unit.examples import NAME, REPO, before_publish, failed, finished, published, repo_config, result, started


def reports(**files: Path) -> FileReports:
    """Return the observer for these files."""
    return FileReports(repo_config(*(f"--{name.replace('_', '-')}={path}" for name, path in files.items())))


def test_touch(tmp_path: Path) -> None:
    """A publication makes the touch file, and the directories above it."""
    path = tmp_path / "a" / "b" / "touched"
    reports(touch_file=path).notify(published())
    assert path.read_text() == ""


def test_touch_again(tmp_path: Path) -> None:
    """A publication renews the time of the touch file and leaves its content alone."""
    path = tmp_path / "touched"
    path.write_text("mine")
    os.utime(path, (1000, 1000))
    reports(touch_file=path).notify(published(fresh=False))
    assert path.stat().st_mtime > 1000
    assert path.read_text() == "mine"


@pytest.mark.parametrize("event", [started(), before_publish(), finished(result()), finished(failed())])
def test_no_touch(tmp_path: Path, event: object) -> None:
    """Nothing but a publication touches the file."""
    path = tmp_path / "touched"
    reports(touch_file=path).notify(event)  # type: ignore[arg-type]
    assert not path.exists()


def test_error_file(tmp_path: Path) -> None:
    """A failure is written as git-sync's JSON, with reason and hint, readable by others."""
    path = tmp_path / "errors" / "error.json"
    reports(error_file=path).notify(finished(failed("dns")))
    assert json.loads(path.read_text()) == {
        "Msg": "sync failed",
        "Err": "git ls-remote: fatal: it did not work",
        "Args": {"repo": NAME, "url": REPO, "ref": "HEAD", "reason": "dns", "hint": "look again"},
    }
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in path.parent.iterdir()] == ["error.json"]


def test_hint_of_the_reason(tmp_path: Path) -> None:
    """A failure without a hint of its own gets that of its reason."""
    path = tmp_path / "error.json"
    outcome = result(outcome="failed", failure=Failure(reason="tls", message="no"))
    reports(error_file=path).notify(finished(outcome))
    assert json.loads(path.read_text())["Args"]["hint"] == HINTS["tls"]


def test_the_last_error_counts(tmp_path: Path) -> None:
    """The file holds the current error only."""
    path = tmp_path / "error.json"
    observer = reports(error_file=path)
    observer.notify(finished(failed("dns")))
    observer.notify(finished(failed("tls")))
    assert json.loads(path.read_text())["Args"]["reason"] == "tls"


def test_success_removes_the_file(tmp_path: Path) -> None:
    """A success removes the file, and does not mind if there is none."""
    path = tmp_path / "error.json"
    observer = reports(error_file=path)
    observer.notify(finished(failed()))
    observer.notify(finished(result()))
    assert not path.exists()
    observer.notify(finished(result()))


def test_publication_keeps_the_error(tmp_path: Path) -> None:
    """The file goes when the pass has ended well, not before."""
    path = tmp_path / "error.json"
    observer = reports(error_file=path)
    observer.notify(finished(failed()))
    observer.notify(started())
    observer.notify(published())
    assert path.exists()


def test_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the options no file is written."""
    monkeypatch.chdir(tmp_path)
    observer = FileReports(repo_config())
    for event in (published(), finished(failed()), finished(result())):
        observer.notify(event)
    assert list(tmp_path.iterdir()) == []


def test_failure_to_write(tmp_path: Path) -> None:
    """A file that cannot be written is an `OSError`, which the fan-out logs."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        reports(error_file=tmp_path / "file" / "error.json").notify(finished(failed()))
