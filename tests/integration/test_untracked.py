"""A look at names and times tells as much of a small tree as git does, or leaves it to git."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.volume.untracked import holds_only
from tests.support.eventually import eventually
from tests.support.git import git

LATER = 10**9 * 5


@pytest.fixture(params=["sha1", "sha256"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A tree as git has made it, whose index is younger than its files."""
    made = tmp_path / "tree"
    git(None, "init", "--quiet", f"--object-format={request.param}", str(made))
    (made / "a" / "b").mkdir(parents=True)
    for number in range(9):
        # Names of all lengths, as those are padded.
        (made / "a" / ("n" * (number + 1))).write_text(f"{number}\n")
    (made / "a" / "b" / "ü").write_bytes(b"\xff")
    (made / "link").symlink_to("nowhere")
    (made / "run").write_text("#!/bin/sh\n")
    (made / "run").chmod(0o755)
    for path in made.rglob("*"):
        past = path.lstat().st_mtime_ns - LATER
        os.utime(path, ns=(past, past), follow_symlinks=False)
    git(made, "add", "--all")
    # Where a tree is somebody's linked worktree, this is a file.
    (made / ".git").rename(tmp_path / "git")
    (made / ".git").write_text("gitdir: ../git\n")
    return made


def _holds(tree: Path, *, as_seen: bool = False, kept: tuple[Path, ...] = ()) -> bool:
    size = 32 if "sha256" in (tree.parent / "git" / "config").read_text().lower() else 20
    return holds_only(tree, tree.parent / "git" / "index", hash_size=size, kept=kept, as_seen=as_seen)


def test_as_git_left_it(tree: Path) -> None:
    """Names, links and modes are found to be those of the index, and the files as git has seen them."""
    assert _holds(tree)
    assert _holds(tree, as_seen=True)


def _replace_by_link(tree: Path) -> None:
    (tree / "a").rename(tree.parent / "elsewhere")
    (tree / "a").symlink_to(tree.parent / "elsewhere")


def _other_repository(tree: Path) -> None:
    (tree / "a" / ".git").mkdir()


def _file_to_directory(tree: Path) -> None:
    (tree / "run").unlink()
    (tree / "run").mkdir()


def _git_directory(tree: Path) -> None:
    (tree / ".git").unlink()
    (tree / ".git").mkdir()


STRAYS: dict[str, Callable[[Path], object]] = {
    "file": lambda tree: (tree / "a" / "stray").touch(),
    "dot file": lambda tree: (tree / ".htaccess").touch(),
    "directory": lambda tree: (tree / "empty").mkdir(),
    "deep directory": lambda tree: (tree / "a" / "b" / "c" / "d").mkdir(parents=True),
    "pipe": lambda tree: os.mkfifo(tree / "pipe"),
    "missing": lambda tree: (tree / "a" / "b" / "ü").unlink(),
    "link to a directory": _replace_by_link,
    "repository": _other_repository,
    "directory for a file": _file_to_directory,
    "git directory": _git_directory,
}


@pytest.mark.parametrize("plant", STRAYS.values(), ids=STRAYS.keys())
def test_strays(tree: Path, plant: Callable[[Path], object]) -> None:
    """Whatever `git clean` or the removal of empty directories would be for is seen."""
    plant(tree)
    assert not _holds(tree)


def _replace_link(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("nowherE")


def _set_back(tree: Path) -> None:
    before = (tree / "run").stat()
    (tree / "run").write_text("#!/bin/no\n")
    os.utime(tree / "run", ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda tree: (tree / "run").write_text("#!/bin/no\n"),
    "mode": lambda tree: (tree / "run").chmod(0o644),
    "replaced": lambda tree: (tree / "run").write_text("#!/bin/sh\n"),
    "link": _replace_link,
    "time set back": _set_back,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changes(tree: Path, change: Callable[[Path], object]) -> None:
    """What may be another content, of a file that is tracked, is git's to look at."""
    change(tree)
    assert _holds(tree)
    assert not _holds(tree, as_seen=True)


def test_racy(tree: Path) -> None:
    """Files of the second in which the index was written may have changed without a trace."""
    index = tree.parent / "git" / "index"
    second = (tree / "run").stat().st_mtime
    os.utime(index, (second, second))
    assert _holds(tree)
    assert not _holds(tree, as_seen=True)


def test_submodules(tree: Path) -> None:
    """The directory of a submodule is passed over if it is known to be one; else git decides."""
    commit = "1" * (64 if "sha256" in (tree.parent / "git" / "config").read_text().lower() else 40)
    git(tree, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    (tree / "sub").mkdir()
    (tree / "sub" / "file").touch()
    assert _holds(tree, kept=(tree / "sub",))
    assert not _holds(tree)


@pytest.mark.parametrize(
    "command",
    [
        ("update-index", "--assume-unchanged", "run"),
        ("update-index", "--skip-worktree", "run"),
        ("update-index", "--index-version=4"),
        ("update-index", "--add", "--cacheinfo", "100644,{},other"),
        ("rm", "--quiet", "--cached", "run"),
    ],
    ids=["assumed", "sparse", "version 4", "added", "removed"],
)
def test_index_of_others(tree: Path, command: tuple[str, ...]) -> None:
    """An index in a form that is not read, or of other files, proves nothing."""
    blob = git(tree, "hash-object", "-w", "run")
    git(tree, *[word.format(blob) for word in command])
    assert not _holds(tree)


@pytest.mark.parametrize("size", [0, 11, 12, 40, 80, 200])
def test_broken_index(tree: Path, size: int) -> None:
    """An index that ends early, or is none, is left to git."""
    index = tree.parent / "git" / "index"
    index.write_bytes(index.read_bytes()[:size])
    assert not _holds(tree)
    index.write_bytes(b"\0" * size)
    assert not _holds(tree)
    index.unlink()
    assert not _holds(tree)


def test_time_passes(tree: Path) -> None:
    """A file that was written anew with the same bytes is as it was when git has looked at it, a second later."""
    (tree / "run").write_text("#!/bin/sh\n")

    def settled() -> bool:
        (tree / "touched").touch()
        (tree / "touched").unlink()
        git(tree, "update-index", "--refresh")
        (tree.parent / "git" / "index").touch()
        return _holds(tree, as_seen=True)

    eventually(settled)
