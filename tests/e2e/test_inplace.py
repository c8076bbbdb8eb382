"""Promise: in a directory that stays the same one no file is ever torn, and it is told when it is whole."""

import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from gitsync.volume.inplace import MARKER
from tests.conftest import StartDaemon
from tests.support.origin import Origin, noise
from tests.support.tree import tree_differences

FILES = 12
SIZE = 60_000


def _content(number: int) -> dict[str, bytes]:
    """Return large files, each another one in each commit, and one that is there in every second one only."""
    found = {f"part-{file % 3}/{file}": noise(SIZE, seed=1000 * number + file) for file in range(FILES)}
    return found if number % 2 else {**found, "now-and-then": noise(SIZE, seed=number)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _Reader:
    """Reads all files again and again, as a consumer does."""

    def __init__(self, place: Path, paths: set[str]) -> None:
        self._place = place
        self._paths = paths
        self._stopped = threading.Event()
        self.seen: set[tuple[str, str]] = set()
        self.whole: list[tuple[str, dict[str, str]]] = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read while the block runs."""
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _read(self) -> None:
        while not self._stopped.is_set():
            before, turn = self._marker(), dict[str, str]()
            for path in self._paths:
                with suppress(FileNotFoundError):
                    turn[path] = _digest((self._place / path).read_bytes())
            self.seen |= set(turn.items())
            if before and before == self._marker():
                self.whole.append((json.loads(before)["commit"], turn))

    def _marker(self) -> str | None:
        with suppress(FileNotFoundError):
            return (self._place / MARKER).read_text()
        return None


@pytest.mark.timeout(600)
def test_reader_beside_updates(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a reader, when 8 commits are published, then it gets whole files, and between equal markers one commit."""
    commits = {origin.commit(dict(_content(0)), replace=True): _content(0)}
    daemon = start_daemon(origin.url, root, period="1h", sync_on_signal="HUP", publish="inplace")
    daemon.wait_ready()
    place = root / "site.git"
    inode = place.stat().st_ino
    reader = _Reader(place, {path for number in range(2) for path in _content(number)})
    with reader.reading():
        for number in range(1, 9):
            commit = origin.commit({"now-and-then": None, **_content(number)})
            commits[commit] = _content(number)
            daemon.signal(signal.SIGHUP)
            daemon.wait_event("sync_finished", hash=commit, outcome="updated")
    known = {commit: {path: _digest(raw) for path, raw in files.items()} for commit, files in commits.items()}
    assert reader.seen <= {pair for files in known.values() for pair in files.items()}
    assert all(turn == known[commit] for commit, turn in reader.whole)
    assert len({commit for commit, _ in reader.whole}) > 2
    assert place.stat().st_ino == inode
    _assert_whole(origin, place)


def _assert_whole(origin: Origin, place: Path) -> str:
    """The directory is the commit that its marker names; return that."""
    commit: str = json.loads((place / MARKER).read_text())["commit"]
    assert tree_differences(origin.path, place, commit) == [f"not in the commit: {os.fsencode(MARKER)!r}"]
    return commit


@pytest.mark.timeout(600)
def test_kills_during_updates(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given updates that are killed, when the next start has no remote, then it finishes what was under way."""
    origin.commit({f"{file % 7}/{file}": "0\n" for file in range(400)}, replace=True)
    place, away, half_done = root / "site.git", origin.path.with_name("away"), 0
    for number in range(1, 4):
        daemon = start_daemon(origin.url, root, period="1h", sync_on_signal="HUP", publish="inplace")
        daemon.wait_ready()
        commit = origin.commit({f"{file % 7}/{file}": f"{number}\n" for file in range(400)})
        daemon.signal(signal.SIGHUP)
        daemon.until(partial(_has_begun, root, place, commit))
        daemon.kill_tree()
        half_done += _is_under_way(root)
        origin.path.rename(away)
        with start_daemon(origin.url, root, period="1h", publish="inplace") as offline:
            offline.until(lambda: offline.get("/readyz")[0] == 200)
            offline.wait_event("sync_finished", outcome="failed")
            shown = offline.status()["hash"]
        away.rename(origin.path)
        assert _assert_whole(origin, place) == shown
    assert half_done


def _is_under_way(root: Path) -> bool:
    return any((root / ".gitsync").glob("inplace-*/journal"))


def _has_begun(root: Path, place: Path, commit: str) -> bool:
    return _is_under_way(root) or _names(place, commit)


def _names(place: Path, commit: str) -> bool:
    with suppress(FileNotFoundError):
        return commit in (place / MARKER).read_text()
    return False


def test_readiness_is_that_of_the_directory(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a directory that is not known to be whole, then /readyz says so until a pass has seen to it."""
    daemon = start_daemon(origin.url, root, period="1h", sync_on_signal="HUP", publish="inplace")
    daemon.wait_ready()
    assert daemon.status()["publish"] == "inplace"
    (root / "site.git" / MARKER).unlink()
    assert daemon.get("/readyz")[0] == 503
    assert daemon.sync_by_signal()["outcome"] == "repaired"
    assert daemon.get("/readyz")[0] == 200
    _assert_whole(origin, root / "site.git")


def test_edited_file_is_repaired(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a short --heal-period, when a consumer edits a file, then it comes back, and files of others stay."""
    daemon = start_daemon(origin.url, root, period="1h", heal_period="200ms", publish="inplace")
    daemon.wait_ready()
    file = root / "site.git" / "docs" / "guide.txt"
    file.with_name("mine").write_text("mine\n")
    file.write_text("edited\n")
    daemon.wait_event("damage_found")
    daemon.until(lambda: file.read_text() == "read me\n")
    daemon.wait_event("sync_finished", outcome="repaired")
    assert file.with_name("mine").read_text() == "mine\n"
