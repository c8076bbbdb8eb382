"""The lock of a root: one writer at a time, whatever becomes of it and of its file."""

import errno
import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base.errors import StoreLocked
from gitsync.base.filelock import Lock
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.origin import Origin


def test_second_process_waits_and_then_says_who_holds_the_root(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Two writers never meet in one store."""
    first, second = make_workbench(origin.url), make_workbench(origin.url)
    first.run()
    with pytest.raises(StoreLocked, match=str(os.getpid())):
        second.lock.take(deadline=soon(0.3))
    assert second.run(seconds=0.3).failure
    first.close()
    second.lock.take(deadline=soon())
    assert second.lock.held


def test_orphan_of_a_killed_process_is_ended(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A git that waits for ever, and whose process was killed without it, does not keep the root."""
    bench = make_workbench(origin.url)
    bench.lock.take(deadline=soon())
    orphan = subprocess.Popen(["sleep", "60"], pass_fds=bench.git.inherited)
    gone = subprocess.Popen(["true"])
    gone.wait()
    bench.close()
    try:
        (bench.repo.root / ".gitsync" / "lock").write_text(f"{gone.pid} on {socket.gethostname()}\n")
        other = make_workbench(origin.url)
        other.lock.take(deadline=soon())
        assert other.lock.held
    finally:
        orphan.kill()
        assert orphan.wait() == -9


def test_child_that_outlives_us_still_holds_the_lock(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A git that was orphaned by a kill keeps the next process out until it is gone."""
    bench = make_workbench(origin.url)
    bench.lock.take(deadline=soon())
    child = subprocess.Popen(["sleep", "60"], pass_fds=bench.git.inherited)
    try:
        bench.close()
        other = Lock(bench.repo.root / ".gitsync" / "lock")
        assert not other.try_acquire()
    finally:
        child.kill()
        child.wait()
    assert other.try_acquire()
    other.release()


def to_directory(path: Path) -> None:
    """Put a directory where a file was."""
    path.unlink()
    path.mkdir()
    (path / "x").touch()


def remove_all(root: Path) -> None:
    """Remove all that is ours but the link."""
    shutil.rmtree(root / ".gitsync")
    shutil.rmtree(root / ".worktrees")


def put_file(root: Path) -> None:
    """Put a file where the directory of the stores was."""
    shutil.rmtree(root / ".gitsync")
    (root / ".gitsync").write_text("x")


REMOVALS: dict[str, Callable[[Path], object]] = {
    "the file": lambda root: (root / ".gitsync" / "lock").unlink(),
    "the directory": lambda root: shutil.rmtree(root / ".gitsync"),
    "both directories": remove_all,
    "a directory instead of the file": lambda root: to_directory(root / ".gitsync" / "lock"),
    "a file instead of the directory": put_file,
}


@pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS.keys())
def test_lock_that_was_removed_is_taken_again(
    make_workbench: MakeWorkbench, origin: Origin, remove: Callable[[Path], object]
) -> None:
    """Nobody else finds the root free afterwards, and the next commit arrives."""
    bench = make_workbench(origin.url)
    bench.run()
    remove(bench.repo.root)
    commit = origin.commit({"index.html": "second\n"})
    failures = [bench.run().failure for _ in range(3)]
    assert failures[-1] is None, failures
    assert bench.published() == commit
    assert not Lock(bench.repo.root / ".gitsync" / "lock").try_acquire()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP], ids=errno.errorcode.get)
def test_volume_without_locks_is_named(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The failure has a reason of its own, the path, and what to do."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    bench = make_workbench(origin.url)
    monkeypatch.setattr(fcntl, "flock", refuse)
    failure = bench.run().failure
    assert failure is not None
    assert failure.reason == "no_locks"
    assert str(bench.repo.root / ".gitsync" / "lock") in failure.message
    assert "mount" in (failure.hint or "")
