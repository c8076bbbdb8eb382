"""Promises of the suite itself: its checks can fail, and nothing is skipped where all must run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.catalogue import collect, undeclared
from tests.faults.elsewhere import TOLD
from tests.faults.invariants import Watch
from tests.support.daemon import PACKAGE_ROOT
from tests.support.eventually import GaveUpError, eventually
from tests.support.git import git, run_git
from tests.support.origin import Origin
from tests.support.tree import tree_differences

SKIPPING = """
import pytest
def test_passes(): pass
def test_skips(): pytest.skip("no such tool")
@pytest.mark.xfail(strict=True)
def test_is_known_to_fail(): assert False
"""

LEAVING = """
import socket
left = []
def test_closes(): socket.socket().close()
def test_leaves(): left.append(socket.socket())
def test_has_left_nothing_itself(): pass
"""
IMPATIENT = """
from tests.support import descriptors
descriptors.patience = 0.1
"""


@pytest.fixture
def checkout(origin: Origin, tmp_path: Path) -> Path:
    """The origin's files as git writes them."""
    tree = tmp_path / "checkout"
    tree.mkdir()
    run_git(origin.path, "--work-tree", str(tree), "checkout", "--force", "HEAD", "--", ".")
    return tree


def _add(tree: Path) -> None:
    (tree / "docs" / "more.txt").write_text("more\n")


def _add_directory(tree: Path) -> None:
    (tree / "empty").mkdir()


def _delete(tree: Path) -> None:
    (tree / "index.html").unlink()


def _change(tree: Path) -> None:
    (tree / "index.html").write_text("FIRST\n")


def _chmod(tree: Path) -> None:
    (tree / "bin" / "run").chmod(0o644)


def _relink(tree: Path) -> None:
    (tree / "latest").unlink()
    (tree / "latest").symlink_to("index.html")


@pytest.mark.parametrize("damage", [_add, _add_directory, _delete, _change, _chmod, _relink])
def test_checker_sees_every_difference(origin: Origin, checkout: Path, damage: Callable[[Path], None]) -> None:
    """Given a tree that is exactly a commit, when it is changed in one way, then just that is reported."""
    assert tree_differences(origin.path, checkout, origin.head) == []
    damage(checkout)
    assert len(tree_differences(origin.path, checkout, origin.head)) == 1


def test_eventually_tells_what_it_saw_last() -> None:
    """Given something that never comes true, when it is waited for, then the failure names the last value."""
    with pytest.raises(AssertionError, match="last value: 0"):
        eventually(lambda: 0, timeout=0.01)
    with pytest.raises(AssertionError, match="last error: KeyError: 'MISSING'"):
        eventually(lambda: os.environ["MISSING"], timeout=0.01)


def test_eventually_stops_when_waiting_is_pointless() -> None:
    """Given a check that gives up, when it is waited for, then the wait ends at once."""

    def give_up() -> bool:
        raise GaveUpError("it is gone")

    with pytest.raises(GaveUpError, match="it is gone"):
        eventually(give_up)


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "xdist"])
@pytest.mark.parametrize(("value", "code"), [("1", 1), ("", 0)], ids=["not allowed", "allowed"])
def test_skip_fails_the_run_where_all_must_run(tmp_path: Path, workers: list[str], value: str, code: int) -> None:
    """Given a test that skips itself, when GITSYNC_TEST_NO_SKIP=1, then the run fails and names the reason."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    result = _run_pytest(tmp_path, "-p", "tests.support.no_skip", *workers, GITSYNC_TEST_NO_SKIP=value)
    assert result.returncode == code, result.stdout + result.stderr
    assert ("test_skips: Skipped: no such tool" in result.stdout) == (value == "1")


def test_whoever_leaves_a_socket_open_fails(tmp_path: Path) -> None:
    """Given a test that leaves a socket open, when tests run, then that one fails, and it alone."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(IMPATIENT)
    (tmp_path / "test_leaving.py").write_text(LEAVING)
    result = _run_pytest(tmp_path, "-p", "tests.support.descriptors")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "3 passed, 1 error" in result.stdout
    assert "ERROR test_leaving.py::test_leaves - Failed: left open: [(" in result.stdout


def _run_pytest(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    given = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), **environment}
    return subprocess.run(command, cwd=directory, env=given, capture_output=True, text=True, check=False)


def test_every_fault_is_in_the_catalogue() -> None:
    """Given the fault suite, when its catalogue is collected, then each test is in it."""
    assert not undeclared()
    assert collect()


@pytest.mark.parametrize("test", [each[1] for each in TOLD])
def test_catalogue_names_tests_that_are_there(test: str) -> None:
    """Given a test of another suite that the catalogue has, when it is looked for, then it is in its file."""
    file, _, name = test.partition("::")
    assert f"\ndef {name}(" in (PACKAGE_ROOT / "tests" / file).read_text()


def _publish(root: Path, commit: str) -> Path:
    """Put a link where the checker looks for it."""
    link = root / "site.git"
    link.unlink(missing_ok=True)
    link.symlink_to(f".worktrees/{commit}")
    return link


def _watched(watch: Watch, act: Callable[[], object]) -> None:
    """Do something that a reader sees."""
    with watch:
        watch.check()
        act()
        eventually(lambda: watch.problems)


def _lose(tree: Path) -> None:
    tree.rename(tree.with_name("elsewhere"))


@pytest.mark.parametrize("damage", [_add, _delete, _change, _chmod, _relink, _lose])
def test_watch_sees_what_a_reader_would(
    origin: Origin, checkout: Path, root: Path, damage: Callable[[Path], None]
) -> None:
    """Given a published commit that is watched, when a reader would see something else, then that is a failure."""
    tree = root / ".worktrees" / origin.head
    tree.parent.mkdir(parents=True)
    checkout.rename(tree)
    link = _publish(root, origin.head)
    with pytest.raises(AssertionError, match="readers saw"):
        _watched(Watch(origin, link, root), lambda: damage(tree))


def test_watch_sees_a_link_that_is_gone_or_lies(origin: Origin, checkout: Path, root: Path) -> None:
    """Given a published commit that is watched, when the link goes or names another commit, then that is a failure."""
    other = origin.commit({"index.html": "second\n"})
    first = git(origin.path, "rev-parse", "HEAD^")
    tree = root / ".worktrees" / first
    tree.parent.mkdir(parents=True)
    checkout.rename(tree)
    link = _publish(root, first)
    with pytest.raises(AssertionError, match="nothing is at"):
        _watched(Watch(origin, link, root), link.unlink)
    tree.rename(tree.with_name(other))
    with pytest.raises(AssertionError, match="torn"):
        Watch(origin, _publish(root, other), root).check()


@pytest.mark.parametrize(
    "name", [".gitsync/x-1/shallow.lock", ".gitsync/x-1/objects/pack/tmp_pack_1", ".worktrees/.gone-1/a"]
)
def test_watch_sees_what_is_left(origin: Origin, root: Path, name: str) -> None:
    """Given a root, when something lies there that only an interrupted writer leaves, then that is a failure."""
    (root / name).parent.mkdir(parents=True)
    (root / name).touch()
    with pytest.raises(AssertionError, match="left: "), Watch(origin, root / "site.git", root):
        pass
