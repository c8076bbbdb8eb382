"""Chores: what can wait is done between passes, and makes way for them."""

import io
import itertools
import math
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.config import TREES_DIRECTORY
from gitsync.telling.events import Measured
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.eventually import TIMEOUT, eventually
from tests.support.origin import Origin
from tests.support.tree import assert_published


@pytest.fixture
def bench(make_workbench: MakeWorkbench, origin: Origin) -> Workbench:
    """A repository that is published, with all chores done."""
    made = make_workbench(origin.url)
    assert made.run().failure is None
    made.do_chores()
    return made


def gone(bench: Workbench) -> list[Path]:
    """Return what waits to be removed."""
    return list((bench.repo.root / TREES_DIRECTORY).glob(".gone-*"))


def litter(bench: Workbench, name: str = "litter") -> Path:
    """Make a directory that nobody knows in the directory of trees, and let it be found."""
    path = bench.repo.root / TREES_DIRECTORY / name
    (path / "a" / "b").mkdir(parents=True)
    (path / "a" / "file").write_text("x")
    bench.sync.tidy()
    return path


def stubborn(directory: Path, name: str) -> Callable[[], list[Path]]:
    """Put a program in front of PATH that never ends, and return what lists its running processes."""
    program = directory / name
    program.write_text(f"#!/bin/sh\necho $$ >>{directory}/started\nexec sleep 1000\n")
    program.chmod(0o755)
    started = directory / "started"

    def running() -> list[Path]:
        pids = started.read_text().split() if started.exists() else []
        return [Path("/proc", pid) for pid in pids if Path("/proc", pid).exists()]

    return running


@pytest.fixture
def slow_rm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """An `rm` that hangs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return stubborn(programs, "rm")


def test_sizes_are_measured(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The sizes of store and tree are told once per publication, and at most once a minute."""
    origin.commit({"big": b"x" * 500_000})
    bench = make_workbench(origin.url)
    bench.run()
    assert not any(isinstance(event, Measured) for event in bench.recorder.events)
    bench.do_chores()
    origin.commit({"more": "x"})
    bench.run()
    bench.do_chores()
    (event,) = [event for event in bench.recorder.events if isinstance(event, Measured)]
    assert 500_000 <= event.tree_size < 700_000
    used = subprocess.run(["du", "-sk", bench.stores.current.path], capture_output=True, check=True).stdout.split()
    # The second publication came after it.
    assert 0 < event.store_size <= int(used[0]) * 1024


def test_what_is_not_needed_is_out_of_the_way_at_once(bench: Workbench) -> None:
    """The pass renames it, a chore removes it."""
    path = litter(bench)
    assert not path.exists()
    assert len(gone(bench)) == 1
    bench.do_chores()
    assert not gone(bench)


def test_removal_goes_on_after_a_restart(bench: Workbench, make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What a process did not get to is removed by the next one."""
    litter(bench)
    bench.close()
    again = make_workbench(origin.url)
    again.run()
    again.do_chores()
    assert not gone(again)


def test_what_a_consumer_has_closed_is_removed(bench: Workbench) -> None:
    """Directories without rights are opened first."""
    path = bench.repo.root / TREES_DIRECTORY / "closed"
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "file").write_text("x")
    (path / "inner").chmod(0)
    bench.sync.tidy()
    bench.do_chores()
    assert not gone(bench)


def test_link_under_the_name_of_what_is_gone(bench: Workbench, tmp_path: Path) -> None:
    """A link that somebody has put there is removed, and not what it leads to."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (bench.repo.root / TREES_DIRECTORY / ".gone-0123456789ab").symlink_to(precious)
    bench.sync.tidy()
    bench.do_chores()
    assert not gone(bench)
    assert (precious / "file").exists()


def test_chore_makes_way_for_a_pass(bench: Workbench, origin: Origin, slow_rm: Callable[[], list[Path]]) -> None:
    """Whoever starts a pass ends the chore, which is done later."""
    litter(bench)
    chore = threading.Thread(target=bench.sync.chore, kwargs={"deadline": soon(600)})
    chore.start()
    eventually(slow_rm)
    bench.git.interrupt()
    chore.join(TIMEOUT)
    assert not chore.is_alive()
    assert not slow_rm()
    assert len(gone(bench)) == 1
    origin.commit({"a": "new"})
    assert bench.run().failure is None
    assert_published(origin.path, bench.repo.link)


def test_chore_ends_when_the_next_pass_is_due(bench: Workbench, slow_rm: Callable[[], list[Path]]) -> None:
    """The deadline of a chore is the time of the next pass, and nothing is left running."""
    litter(bench)
    assert not bench.sync.chore(deadline=soon(0.3))
    assert not slow_rm()
    assert len(gone(bench)) == 1


def test_chore_that_made_way_too_often_is_done(bench: Workbench) -> None:
    """Triggers that come all the time do not keep the volume from being cleaned."""
    litter(bench)
    attempts = itertools.takewhile(lambda _: gone(bench), iter(lambda: bench.sync.chore(deadline=soon(-1)), None))
    assert len(list(attempts)) <= 4
    assert not gone(bench)


def test_chore_that_was_ended_too_often_insists(bench: Workbench, slow_rm: Callable[[], list[Path]]) -> None:
    """Each time that it had to make way counts."""
    litter(bench)
    for _ in range(3):
        assert not bench.sync.chores_insist
        assert not bench.sync.chore(deadline=soon(0.2))
    assert bench.sync.chores_insist
    assert not slow_rm()


def test_room_on_a_full_volume(bench: Workbench) -> None:
    """What waits to be removed goes at once where there is no room any more."""
    litter(bench)
    assert len(gone(bench)) == 1
    bench.trees.disposal.drop_private(bench.stores.all())
    assert not gone(bench)
    assert bench.run().failure is None


def test_interrupt_leaves_a_pass_alone(bench: Workbench, origin: Origin) -> None:
    """A trigger during a pass ends nothing of it."""
    commit = origin.commit({"a": "new"})
    bench.recorder.react = lambda event: bench.git.interrupt()
    assert bench.run().failure is None
    assert bench.published() == commit


def racy(bench: Workbench, tree: Path) -> bool:
    """Say whether a comparison has to read a file because its times tell nothing."""
    (metadata,) = [
        path.parent
        for path in bench.stores.current.path.glob("worktrees/*/gitsync-place")
        if tree.name in path.read_text()
    ]
    written = int((metadata / "gitsync-index").stat().st_mtime)
    return any(int(path.lstat().st_mtime) >= written for path in tree.rglob("*") if not path.is_dir())


def test_new_tree_is_settled(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Once the second in which it was written is over, comparisons need not read the files any more."""
    bench = make_workbench(origin.url)
    bench.run()
    bench.do_chores()
    tree = bench.repo.link.resolve()
    (tree / ".git").touch()  # it is written last, and is no tracked file
    eventually(lambda: bench.sync.chore_at <= time.monotonic())
    bench.do_chores()
    assert bench.sync.chore_at == math.inf
    assert not racy(bench, tree)
    assert not bench.sync.heal(deadline=soon())


def test_settling_hides_no_damage(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A file that was changed in that second, and has the same size and times, is found as before."""
    bench = make_workbench(origin.url)
    bench.run()
    path = bench.repo.link.resolve() / "index.html"
    times = path.stat()
    path.write_text("FIRST\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    eventually(lambda: bench.sync.chore_at <= time.monotonic())
    bench.do_chores()
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert_published(origin.path, bench.repo.link)


def test_nothing_is_done_without_the_lock(bench: Workbench, make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A process that waits for the lock does no chores: the volume is another's."""
    litter(bench)
    waiting = make_workbench(origin.url)
    assert not waiting.sync.chore(deadline=soon())
    assert len(gone(bench)) == 1


def test_comparison_makes_way_for_a_pass(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that was ended for a pass says nothing of the tree."""
    programs = tmp_path / "programs"
    programs.mkdir()
    running = stubborn(programs, "git")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    found: list[bool] = []
    healing = threading.Thread(target=lambda: found.append(bench.sync.heal(deadline=soon(600))))
    healing.start()
    eventually(running)
    bench.git.interrupt()
    healing.join(TIMEOUT)
    assert found == [False]
    assert not running()


def test_mistake_of_ours_ends_nothing(
    bench: Workbench, origin: Origin, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """What nobody has thought of is told between passes as in them, and the work goes on."""

    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("nobody has thought of this")

    monkeypatch.setattr("gitsync.sync.chores.Chores.do_next", fail)
    monkeypatch.setattr("gitsync.sync.keeping.Keeping.heal", fail)
    assert not bench.sync.chore(deadline=soon())
    assert not bench.sync.heal(deadline=soon())
    assert logged.getvalue().count("internal_error") == 2
    commit = origin.commit({"index.html": "second\n"})
    assert bench.run().failure is None
    assert bench.published() == commit
