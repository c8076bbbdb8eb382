"""Trees: staged in private, reused when they are clean, and never touched while they are published."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base import nolinks
from gitsync.config import TREES_DIRECTORY
from gitsync.volume.recipe import Recipe
from gitsync.volume.tree import Tree
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.git import git, git_environment, run_git
from tests.support.origin import Content, Executable, Origin, Symlink
from tests.support.tree import assert_published, assert_tree

FILES: dict[str, Content] = {
    "a.txt": "a\n",
    "dir/b.txt": "b\n",
    "dir/c.txt": "c\n",
    "run.sh": Executable("#!/bin/sh\n"),
    "link": Symlink("a.txt"),
    ".gitignore": "*.cache\n",
}


@pytest.fixture
def bench(make_workbench: MakeWorkbench, origin: Origin) -> Workbench:
    """A repository that is published, with the tree of its first commit as the standby."""
    origin.commit(FILES, replace=True)
    made = make_workbench(origin.url)
    assert made.run().failure is None
    origin.commit({"a.txt": "second\n"})
    assert made.run().failure is None
    assert len(private_trees(made)) == 1
    return made


def private_trees(bench: Workbench) -> list[Path]:
    """Return the trees that nobody is shown."""
    return list((bench.repo.root / TREES_DIRECTORY).glob(".tree-*"))


def test_pointer_comes_from_elsewhere(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers may see a tree that is told where it is: its `.git` is there all the time, and nothing else of ours."""
    tree = Tree(path=bench.repo.link.resolve(), metadata=bench.trees.catalogue.all(bench.stores.all())[0].metadata)
    before = {path.name for path in tree.path.iterdir()}
    seen: list[set[str]] = []

    def look(source: Path, target: Path) -> None:
        seen.append({path.name for path in tree.path.iterdir()})
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(nolinks, "rename", look)
    with pytest.raises(OSError, match="full"):
        tree.point(tree.path)
    assert [*seen, {path.name for path in tree.path.iterdir()}] == [before, before]


def replace_directory(tree: Path) -> None:
    """Put a link to somewhere else where a directory was."""
    outside = tree.parent.parent / "outside"
    outside.mkdir()
    (outside / "b.txt").write_text("outside\n")
    (tree / "dir" / "b.txt").unlink()
    (tree / "dir" / "c.txt").unlink()
    (tree / "dir").rmdir()
    (tree / "dir").symlink_to(outside)


def nest_repository(tree: Path) -> None:
    """Make a repository of a consumer's own in the tree."""
    run_git(None, "init", "--quiet", str(tree / "nested"))
    (tree / "nested" / "file").write_text("x")


def hide_from_git(flag: str) -> Callable[[Path], None]:
    """Edit a file and tell git to look away, as people do to keep a local change."""

    def damage(tree: Path) -> None:
        (tree / "dir" / "b.txt").write_text("kept\n")
        run_git(tree, "update-index", flag, "dir/b.txt")

    return damage


def same_size_and_time(tree: Path) -> None:
    """Edit a file so that size and modification time stay the same."""
    path = tree / "dir" / "b.txt"
    times = path.stat()
    path.write_text("B\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def run(command: str, tree: Path) -> None:
    """Do something in a tree as a consumer would."""
    subprocess.run(["sh", "-c", command], cwd=tree, check=True, env=git_environment())


DAMAGES: dict[str, Callable[[Path], object]] = {
    "edited": lambda tree: (tree / "dir" / "b.txt").write_text("edited\n"),
    "edited, same size and time": same_size_and_time,
    "edited, assumed unchanged": hide_from_git("--assume-unchanged"),
    "edited, skipped": hide_from_git("--skip-worktree"),
    "deleted": lambda tree: (tree / "dir" / "b.txt").unlink(),
    "mode taken": lambda tree: (tree / "run.sh").chmod(0o644),
    "mode given": lambda tree: (tree / "dir" / "b.txt").chmod(0o755),
    "untracked": lambda tree: (tree / "dir" / "new.txt").write_text("x"),
    "ignored": lambda tree: (tree / "x.cache").write_text("x"),
    "directory for a file": lambda tree: run("rm a.txt && mkdir a.txt", tree),
    "link for a directory": replace_directory,
    "link changed": lambda tree: run("ln -sfn /etc/passwd link", tree),
    "repository in it": nest_repository,
    ".git removed": lambda tree: (tree / ".git").unlink(),
    ".git replaced": lambda tree: run("rm .git && mkdir .git", tree),
    "added to the index": lambda tree: run("echo x >n && git add n", tree),
    "empty directory": lambda tree: (tree / "empty").mkdir(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_standby_is_clean_whatever_a_consumer_did_to_it(
    make_workbench: MakeWorkbench, origin: Origin, damage: Callable[[Path], object]
) -> None:
    """What is made in a published tree is gone when the tree is published the next time."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url)
    bench.run()
    first = (bench.repo.root / TREES_DIRECTORY / bench.published()).stat().st_ino
    damage(bench.repo.link.resolve())
    for number in range(3):
        origin.commit({"other.txt": f"{number}\n"})
        assert bench.run().failure is None
        assert_published(origin.path, bench.repo.link)
    inodes = {path.stat().st_ino for path in (bench.repo.root / TREES_DIRECTORY).iterdir()}
    assert first in inodes, "the damaged tree was thrown away instead of being used again"
    outside = bench.repo.root / "outside" / "b.txt"
    assert not outside.exists() or outside.read_text() == "outside\n"


def test_update_uses_the_standby(bench: Workbench, origin: Origin) -> None:
    """No tree is checked out afresh, and none deleted, once there are two."""
    before = {path.stat().st_ino for path in (bench.repo.root / TREES_DIRECTORY).iterdir()}
    for number in range(4):
        origin.commit({"a.txt": f"{number}\n", f"file-{number}": "x", f"file-{number - 1}": None} if number else {})
        assert bench.run().failure is None
        assert_published(origin.path, bench.repo.link)
    assert {path.stat().st_ino for path in (bench.repo.root / TREES_DIRECTORY).iterdir()} == before


def test_file_that_did_not_change_is_not_written(bench: Workbench, origin: Origin) -> None:
    """An update in place writes what changed only."""
    (standby,) = private_trees(bench)
    inode = (standby / "dir" / "c.txt").stat()
    origin.commit({"dir/b.txt": "new\n"})
    bench.run()
    after = (bench.repo.link / "dir" / "c.txt").stat()
    assert (after.st_ino, after.st_ctime_ns) == (inode.st_ino, inode.st_ctime_ns)


def test_attributes_decide_about_files_that_did_not_change(bench: Workbench, origin: Origin) -> None:
    """Where they alone are others than those of the standby, other files are written all the same."""
    first = git(origin.path, "rev-parse", "HEAD~1")
    origin.commit({".gitattributes": "*.txt text eol=crlf\n"}, parent=first)
    assert bench.run().failure is None
    assert (bench.repo.link / "dir" / "c.txt").read_bytes().endswith(b"\r\n")


def test_standby_that_resists_is_replaced(bench: Workbench, origin: Origin) -> None:
    """A standby that git cannot bring up to date costs a check-out, not the update."""
    (standby,) = private_trees(bench)
    metadata = bench.stores.current.path / "worktrees" / standby.name.removeprefix(".tree-")
    (metadata / "gitsync-index").write_bytes(b"garbage")
    origin.commit({"a.txt": "third\n"})
    assert bench.run().failure is None
    assert_published(origin.path, bench.repo.link)
    assert not standby.exists()


def test_half_staged_tree_is_finished(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Files that a timed-out try has written stay, also where one of them is only half there."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url)
    bench.lock.take(deadline=soon())
    commit = bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    recipe = Recipe(submodules="recursive")
    tree = bench.trees.staging.stage(commit.hash, recipe, bench.stores.current, deadline=soon())
    # As a killed `git reset` leaves it: no index yet, some files missing, one of them cut.
    (tree.metadata / "gitsync-index").unlink()
    (tree.path / "dir" / "b.txt").write_text("")
    (tree.path / "run.sh").unlink()
    written = (tree.path / "dir" / "c.txt").stat()
    again = bench.trees.staging.stage(commit.hash, recipe, bench.stores.current, deadline=soon())
    assert again == tree
    assert_tree(origin.path, again.path, commit.hash)
    kept = (again.path / "dir" / "c.txt").stat()
    assert (kept.st_ino, kept.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_taken_name_leads_to_another_with_the_same_leaf(bench: Workbench, origin: Origin) -> None:
    """Somebody's file under the name of the next tree does not stop it, and the leaf is still the hash."""
    commit = origin.commit({"a.txt": "third\n"})
    (bench.repo.root / TREES_DIRECTORY / commit).write_text("in the way")
    assert bench.run().failure is None
    assert bench.published() == commit
    assert_published(origin.path, bench.repo.link)


def test_unknown_entries_are_swept_and_foreign_files_are_not(bench: Workbench, origin: Origin) -> None:
    """`.worktrees` is ours entirely, the rest of the root is somebody else's."""
    root = bench.repo.root
    (root / TREES_DIRECTORY / "garbage").mkdir()
    (root / TREES_DIRECTORY / ("a" * 40)).mkdir()
    (root / "lost+found").mkdir()
    (root / "cache.db").write_text("x")
    origin.commit({"a.txt": "third\n"})
    bench.run()
    assert sorted(path.name for path in root.iterdir()) == [
        ".gitsync",
        ".worktrees",
        "cache.db",
        "lost+found",
        "site.git",
    ]
    assert not (root / TREES_DIRECTORY / "garbage").exists()
    assert not (root / TREES_DIRECTORY / ("a" * 40)).exists()


def test_left_tree_stays_for_its_time(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A reader that holds the old tree goes on reading it, also across a restart."""
    first = origin.head
    bench = make_workbench(origin.url, stale_worktree_timeout="1h")
    bench.run()
    second = origin.commit({"a": "2"})
    bench.run()
    bench.close()
    again = make_workbench(origin.url, stale_worktree_timeout="1h")
    third = origin.commit({"a": "3"})
    again.run()
    for commit in (first, second, third):
        assert_tree(origin.path, again.repo.root / TREES_DIRECTORY / commit, commit)


def test_branch_that_turns_back_shows_the_tree_that_is_still_there(
    make_workbench: MakeWorkbench, origin: Origin
) -> None:
    """A → B → A within the time of the old tree flips the link and stages nothing."""
    first = origin.head
    bench = make_workbench(origin.url, stale_worktree_timeout="1h")
    bench.run()
    inode = bench.repo.link.resolve().stat().st_ino
    origin.commit({"a": "2"})
    bench.run()
    origin.rewind(first)
    bench.run()
    assert bench.published() == first
    assert bench.repo.link.resolve().stat().st_ino == inode


def test_consumers_can_use_git_in_a_published_tree(bench: Workbench, origin: Origin) -> None:
    """The tree is a linked worktree: log, status and archive work in it."""
    tree = bench.repo.link.resolve()
    assert run_git(tree, "status", "--porcelain") == b""
    assert run_git(tree, "log", "-1", "--format=%H").decode().strip() == origin.head
    assert run_git(tree, "archive", "HEAD")


def test_volume_can_be_mounted_elsewhere(bench: Workbench, origin: Origin, tmp_path: Path) -> None:
    """Link and `.git` file are relative."""
    elsewhere = bench.repo.root.rename(tmp_path / "elsewhere")
    assert_published(origin.path, elsewhere / "site.git")
    assert run_git(elsewhere / "site.git", "log", "-1", "--format=%H").decode().strip() == origin.head


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of somebody else's, beside the root, whose name could be that of a tree."""
    made = tmp_path / ("c" * 40)
    made.mkdir()
    (made / "precious").write_text("x")
    return made


def metadata_of(bench: Workbench) -> Path:
    """Return the metadata of the tree that is not published."""
    (standby,) = private_trees(bench)
    return bench.stores.current.path / "worktrees" / standby.name.removeprefix(".tree-")


def test_tampered_place_leads_nowhere(bench: Workbench, origin: Origin, outside: Path) -> None:
    """A consumer that can write to the store cannot make us move or clean directories outside of the root."""
    metadata = metadata_of(bench)
    private_trees(bench)[0].rename(bench.repo.root / "gone")
    (metadata / "gitsync-place").write_text(f"../{outside.name}")
    for number in range(3):
        origin.commit({"n": str(number)})
        assert bench.run().failure is None
    assert (outside / "precious").exists()
    assert_published(origin.path, bench.repo.link)


@pytest.mark.parametrize(
    "rows",
    [
        '[["lib", "../../{name}", null]]',
        '[["lib", "{outside}", null]]',
        '[["../../{name}", "{store}/worktrees/sub-1", null]]',
        '[["lib"]]',
        '[["lib", 1, "{store}"]]',
        '[["lib", "{store}/worktrees/sub-1", 1]]',
        '{{"a": 1}}',
        "[1, 2]",
        "[[",
    ],
)
def test_tampered_list_of_submodules_leads_nowhere(bench: Workbench, origin: Origin, outside: Path, rows: str) -> None:
    """The same for the trees of submodules: what is not ours is left alone, and nonsense stops no pass."""
    text = rows.format(name=outside.name, outside=outside, store=bench.stores.current.path.name)
    (metadata_of(bench) / "gitsync-nested").write_text(text)
    bench.trees.disposal.drop_private(bench.stores.all())
    assert (outside / "precious").exists()
    for number in range(2):
        origin.commit({"n": str(number)})
        assert bench.run().failure is None
    assert_published(origin.path, bench.repo.link)


@pytest.mark.parametrize("name", [".gitsync", ".worktrees"])
def test_directory_of_ours_that_became_a_link(bench: Workbench, origin: Origin, outside: Path, name: str) -> None:
    """Nothing is touched where a link leads that somebody has put in the place of our own directory, and it goes."""
    (bench.repo.root / name).rename(bench.repo.root / "moved")
    (bench.repo.root / name).symlink_to(outside)
    commit = origin.commit({"n": "next"})
    results = [bench.run() for _ in range(3)]
    assert results[-1].failure is None, results
    assert bench.published() == commit
    assert_published(origin.path, bench.repo.link)
    assert [path.name for path in outside.iterdir()] == ["precious"]


def test_process_without_the_lock_tidies_nothing(make_workbench: MakeWorkbench, bench: Workbench) -> None:
    """One that waits for the root of another leaves that one's trees alone."""
    waiting = make_workbench(bench.repo.repo)
    waiting.sync.adopt()
    waiting.repo.link.unlink()
    before = sorted((bench.repo.root / TREES_DIRECTORY).iterdir())
    assert not waiting.sync.heal(deadline=soon())
    waiting.sync.tidy()
    assert sorted((bench.repo.root / TREES_DIRECTORY).iterdir()) == before


def test_setting_that_decides_about_bytes_is_part_of_the_recipe(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Another process with another one publishes the commit anew, and the same one again leaves it alone."""
    origin.commit({"a.txt": "one\ntwo\n"})
    bench = make_workbench(origin.url)
    bench.run()
    bench.close()
    for outcome in ("updated", "unchanged"):
        again = make_workbench(origin.url, git_config="core.autocrlf:true")
        again.sync.adopt()
        assert again.run().outcome in {outcome, "repaired" if outcome == "updated" else outcome}
        assert (again.repo.link / "a.txt").read_bytes() == b"one\r\ntwo\r\n"
        assert not again.sync.heal(deadline=soon())
        again.close()
