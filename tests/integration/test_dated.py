"""Files that have the time of their commit: the same for everybody who publishes it, however he came there."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base.errors import ConfigError, GitTimeout
from gitsync.volume.dating import date_files
from gitsync.volume.strays import UncleanError
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.integration.test_submodules import link
from tests.support.git import git
from tests.support.origin import Executable, Origin, Symlink

Make = Callable[..., Workbench]


@pytest.fixture
def library(make_origin: Callable[..., Origin]) -> Origin:
    """The submodule."""
    made = make_origin("library.git")
    made.commit(
        {"lib.txt": "one\n", "dir/more.txt": "more\n", "crlf.txt": "a\nb\n", ".gitattributes": "crlf.txt eol=crlf\n"}
    )
    return made


@pytest.fixture
def make(make_workbench: MakeWorkbench, origin: Origin, library: Origin) -> Make:
    """Return a function that builds the parts of a repository with all kinds of files."""
    origin.commit(
        {
            "dir/b.txt": "b\n",
            "run.sh": Executable("#!/bin/sh\n"),
            "link": Symlink("dir"),
            "crlf.txt": "a\nb\n",
            ".gitattributes": "crlf.txt eol=crlf\n",
        }
    )
    link(origin, {"deep/lib": ("../library.git", library.head)})
    return lambda **options: make_workbench(origin.url, **{"mtime": "commit", **options})


def times(top: Path) -> dict[str, int]:
    """Return the times of all files of a tree and its submodules, in nanoseconds."""
    found = {path: path.lstat() for path in top.rglob("*") if path.name != ".git"}
    return {
        str(path.relative_to(top)): status.st_mtime_ns
        for path, status in found.items()
        if not stat.S_ISDIR(status.st_mode)
    }


def assert_dated(bench: Workbench, origin: Origin) -> None:
    """Every file that is published has the committer's date of the commit, and git sees no change in it."""
    top = bench.repo.link.resolve()
    found = times(top)
    assert {"link", "dir/b.txt", "deep/lib/dir/more.txt", "crlf.txt"} <= found.keys()
    assert set(found.values()) == {int(git(origin.path, "log", "-1", "--format=%ct")) * 10**9}
    assert_tree_but_crlf(origin, top)


def assert_tree_but_crlf(origin: Origin, top: Path) -> None:
    """What has two forms is in the one that the attributes ask for; git finds the rest to be the commit."""
    assert (top / "crlf.txt").read_bytes() == b"a\r\nb\r\n"
    assert git(top, "status", "--porcelain") == ""
    assert git(top, "rev-parse", "HEAD") == origin.head


@pytest.mark.parametrize("form", ["symlink", "exchange"])
def test_updated_and_cloned_are_equal(make: Make, origin: Origin, library: Origin, tmp_path: Path, form: str) -> None:
    """A root that has followed step by step, over restarts, has the times of one that was made now."""
    bench = make(publish=form)
    for number in range(4):
        origin.commit({"index.html": f"{number}\n"})
        if number == 2:
            library.commit({"lib.txt": "two\n"})
            link(origin, {"deep/lib": ("../library.git", library.head)})
        assert bench.run().outcome == "updated"
        assert_dated(bench, origin)
        bench.do_chores()
        assert not bench.sync.heal(deadline=soon())
        bench.close()
        bench = make(publish=form)
        bench.sync.adopt()
        assert bench.run().outcome == "unchanged"
    fresh = make(publish=form, root=tmp_path / "other")
    assert fresh.run().outcome == "updated"
    assert times(fresh.repo.link.resolve()) == times(bench.repo.link.resolve())


def test_update_writes_what_has_changed_only(make: Make, origin: Origin) -> None:
    """The index knows the files by their new times, so the next update does not write them again."""
    bench = make()
    for number in range(2):
        origin.commit({"index.html": f"{number}\n"})
        assert bench.run().outcome == "updated"
    (standby,) = (bench.repo.root / ".worktrees").glob(".tree-*")
    inodes = {name: (standby / name).lstat().st_ino for name in ("dir/b.txt", "link", "deep/lib/lib.txt")}
    origin.commit({"index.html": "last\n"})
    assert bench.run().outcome == "updated"
    assert {name: (bench.repo.link / name).lstat().st_ino for name in inodes} == inodes


def test_damage_and_way_back(make: Make, origin: Origin) -> None:
    """What replaces a damaged tree has the same times; an older commit has older ones again."""
    bench = make()
    assert bench.run().failure is None
    first = origin.head
    (bench.repo.link / "dir" / "b.txt").write_text("changed\n")
    assert bench.sync.heal(deadline=soon())
    assert bench.run().failure is None
    assert_dated(bench, origin)
    origin.commit({"index.html": "second\n"})
    assert bench.run().outcome == "updated"
    origin.rewind(first)
    assert bench.run().outcome == "updated"
    assert_dated(bench, origin)


def test_option_changes(make: Make, origin: Origin) -> None:
    """A start with another value publishes the commit anew, with the times that it asks for."""
    for wanted in ("checkout", "commit", "checkout"):
        bench = make(mtime=wanted)
        bench.sync.adopt()
        before = time.time()
        assert bench.run().failure is None
        if wanted == "commit":
            assert_dated(bench, origin)
        else:
            assert min(times(bench.repo.link.resolve()).values()) > (before - 60) * 10**9
        bench.close()


def test_commit_of_the_future(make: Make, origin: Origin) -> None:
    """Nothing is newer than now."""
    bench = make()
    origin.next_date = int(time.time()) + 10**8
    origin.commit({"index.html": "soon\n"})
    assert bench.run().failure is None
    assert max(times(bench.repo.link.resolve()).values()) <= time.time_ns()
    assert bench.run().outcome == "unchanged"


def test_not_in_place(make: Make) -> None:
    """A directory whose files stay the same ones cannot give all of them another time."""
    with pytest.raises(ConfigError, match="--mtime=commit"):
        make(publish="inplace")


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link, to a directory too, is given the time, and what it leads to is not."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(outside)
    assert date_files(tree, 1000, deadline=soon())
    assert (tree / "link").lstat().st_mtime == 1000
    assert (outside / "file").stat().st_mtime > 1000
    assert not date_files(tree, 1000, deadline=soon())


def test_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a time cannot be set, the tree is to be made anew; and there is an end to it."""
    (tmp_path / "file").touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, os.strerror(1))

    with pytest.raises(GitTimeout):
        date_files(tmp_path, 1000, deadline=0.0)
    monkeypatch.setattr(os, "utime", refuse)
    with pytest.raises(UncleanError):
        date_files(tmp_path, 1000, deadline=soon())
