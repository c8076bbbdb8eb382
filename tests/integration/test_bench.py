"""What the benchmark rests on: repositories that are the same in every run, trees that plain git keeps, and meters."""

import subprocess
from pathlib import Path

import pytest

from bench.meters import children, memory_of, memory_of_tree, spend
from bench.plain import PlainGit
from bench.repositories import Shape, build, copy, push
from tests.support.eventually import eventually
from tests.support.git import git, git_environment
from tests.support.tree import assert_tree

TINY = Shape("tiny", 60, line_changes=2, share_changes=1)


def test_repository_is_the_same_in_every_run(tmp_path: Path) -> None:
    """Given a shape, when it is built twice, then every commit is the same, and one line of one file changes."""
    first, second = (build(TINY, tmp_path / name) for name in ("one", "two"))
    assert git(first, "for-each-ref") == git(second, "for-each-ref")
    assert len(git(first, "ls-tree", "-r", "--name-only", "main").splitlines()) == TINY.files
    assert git(first, "diff", "--shortstat", "main", "refs/bench/line/0") == (
        "1 file changed, 1 insertion(+), 1 deletion(-)"
    )


def test_push_reaches_one_copy_alone(tmp_path: Path) -> None:
    """Given two copies of a repository, when a commit is pushed to one, then the other stays as it is."""
    before = git(build(TINY, tmp_path / "built"), "rev-parse", "main")
    one, two = (copy(tmp_path / "built", tmp_path / name) / TINY.directory for name in ("one", "two"))
    assert push(one, "line/1") == git(one, "rev-parse", "main") != before
    assert git(two, "rev-parse", "main") == before


@pytest.mark.parametrize("submodules", [0, 2])
def test_plain_git_keeps_the_tree_up_to_date(tmp_path: Path, submodules: int) -> None:
    """Given a tree of plain git's, when a commit is pushed, then after an update the tree is exactly that commit."""
    shape = Shape("tiny", 60, submodules=submodules, line_changes=1, share_changes=0)
    origin = build(shape, tmp_path / "built")
    plain = PlainGit(origin.as_uri(), tmp_path / "plain", submodules=bool(submodules))
    assert plain.publish().wall > 0
    assert len(list((tmp_path / "plain" / "tree").glob("sub-*/00/00/file-*"))) == 50 * submodules
    commit = push(origin, "line/0")
    assert plain.update().cpu > 0
    changed = "00/00/file-00000.txt"
    assert (tmp_path / "plain" / "tree" / changed).read_text().split("\n")[0] == "tiny, 0: line 0"
    if not submodules:
        assert_tree(origin, tmp_path / "plain" / "tree", commit)


def test_meters_see_what_a_process_has_started() -> None:
    """Given a process whose child has one too, when its memory is looked at, then that of both is in it."""
    with subprocess.Popen(["sh", "-c", "sh -c 'cat; true'; true"], stdin=subprocess.PIPE) as process:
        child = eventually(lambda: children(process.pid))[0]
        grandchild = eventually(lambda: children(child))[0]
        # Each is another program only a moment after it was started.
        eventually(lambda: memory_of_tree(process.pid) == sum(map(memory_of, (process.pid, child, grandchild))))


def test_command_that_fails_ends_the_measurement() -> None:
    """Given a command of plain git's that fails, when it is measured, then that is an error and no figure."""
    with pytest.raises(OSError, match="git no-such-command ended with 1"):
        spend([["git", "no-such-command"]], environment=git_environment())
