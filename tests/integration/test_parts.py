"""Parts of a repository: sparse trees, partial clones, what is writable for the group, and how garbage goes."""

import os
from pathlib import Path

import pytest

from gitsync.volume import garbage
from gitsync.volume.store import PRIVATE_REF
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.git import git, run_git
from tests.support.origin import Origin, noise
from tests.support.tree import assert_published


def names(tree: Path) -> set[str]:
    """Return the files of a tree."""
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file() and path.name != ".git"}


def test_sparse_file_leaves_files_out_and_is_read_again(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """A change of the patterns publishes the same commit anew, with other files; an update keeps to them."""
    origin.commit({"a/1": "x", "b/2": "x", "b/c/3": "x"}, replace=True)
    patterns = tmp_path / "sparse"
    patterns.write_text("/a/*\n")
    bench = make_workbench(origin.url, sparse_checkout_file=patterns)
    assert bench.run().outcome == "updated"
    assert names(bench.repo.link) == {"a/1"}
    assert bench.run().outcome == "unchanged"
    assert not bench.sync.heal(deadline=soon())
    patterns.write_text("/b/\n!/b/c/\n")
    assert bench.run().failure is None
    assert names(bench.repo.link) == {"b/2"}
    assert bench.published() == origin.head
    for number in range(3):
        origin.commit({"a/1": str(number), "b/4": str(number)})
        bench.run()
        assert names(bench.repo.link) == {"b/2", "b/4"}
        assert (bench.repo.link / "b" / "4").read_text() == str(number)
    bench.close()
    whole = make_workbench(origin.url)
    whole.run()
    assert_published(origin.path, whole.repo.link)


@pytest.mark.parametrize(
    ("patterns", "published"),
    [
        ("/*\n!/*/\n/b/\n", {"top", "b/2", "b/c/3"}),
        ("/b/\n", {"top", "b/2", "b/c/3"}),
        ("# one level\n\n/b/\n!/b/*/\n", {"top", "b/2"}),
        ("", {"top"}),
        ("/b\n", {"b/2", "b/c/3"}),
        ("b/\n", {"b/2", "b/c/3"}),
        ("/*\n!/b/\n", {"top", "a/1"}),
        ("!/*\n!/*/\ntop\n", {"top"}),
        ("*\n!3\n", {"top", "a/1", "b/2"}),
    ],
    ids=["cone", "folder", "level", "empty", "no slash", "anywhere", "all but", "a file", "none of these"],
)
def test_sparse_patterns(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, patterns: str, published: set[str]
) -> None:
    """Patterns in the form of cones bring the files above them along, as in git-sync; all others mean what they say."""
    origin.commit({"top": "x", "a/1": "x", "b/2": "x", "b/c/3": "x"}, replace=True)
    (tmp_path / "sparse").write_text(patterns)
    bench = make_workbench(origin.url, sparse_checkout_file=tmp_path / "sparse")
    for number in range(3):
        assert bench.run().outcome == "updated"
        assert names(bench.repo.link) == published
        assert not bench.sync.heal(deadline=soon())
        origin.commit({"top": f"{number}"})


def test_sparse_file_that_is_gone_keeps_what_is_published(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """The reason names the option."""
    patterns = tmp_path / "sparse"
    patterns.write_text("/*\n")
    bench = make_workbench(origin.url, sparse_checkout_file=patterns)
    bench.run()
    patterns.unlink()
    origin.commit({"a": "x"})
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "sparse_file"
    assert str(patterns) in result.failure.message


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_partial_clone_fetches_what_is_published(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, kind: str
) -> None:
    """With a filter and sparse patterns, contents that are not published are not fetched."""
    run_git(origin.path, "config", "uploadpack.allowFilter", "true")
    run_git(origin.path, "config", "uploadpack.allowAnySHA1InWant", "true")
    origin.commit({"big/blob": os.urandom(200_000), "small": "x"}, replace=True)
    patterns = tmp_path / "sparse"
    patterns.write_text("/small\n")
    bench = make_workbench(origin.url, filter=kind, sparse_checkout_file=patterns)
    assert bench.run().failure is None
    assert names(bench.repo.link) == {"small"}
    size = sum(path.stat().st_size for path in (bench.stores.current.path / "objects").rglob("*") if path.is_file())
    assert size < 100_000
    origin.commit({"small": "y"})
    assert bench.run().failure is None
    assert (bench.repo.link / "small").read_text() == "y"


@pytest.mark.parametrize("mode", ["always", "aggressive", "auto", "off"])
def test_store_stays_small_under_gc(make_workbench: MakeWorkbench, origin: Origin, mode: str) -> None:
    """Many updates do not pile up packs, unless that is asked for; what is published stays whole."""
    bench = make_workbench(origin.url, git_gc=mode)
    for number in range(24):
        # More than a hundred objects at once are kept as a pack by git.
        origin.commit({f"f{file}": f"{number} {file}" for file in range(110)}, replace=True)
        assert bench.run().failure is None
        bench.do_chores()
    packs = len(list((bench.stores.current.path / "objects" / "pack").glob("*.pack")))
    assert packs <= 21 if mode in {"always", "aggressive"} else packs == 24
    assert_published(origin.path, bench.repo.link)
    assert git(bench.stores.current.path, "rev-parse", PRIVATE_REF) == origin.head
    assert not bench.sync.heal(deadline=soon())


def test_store_without_history_is_bounded_by_what_is_live(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large files that replace each other are garbage long before there are many objects of them."""
    monkeypatch.setattr(garbage, "_MUCH", 500_000)
    bench = make_workbench(origin.url)
    sizes = []
    for number in range(20):
        origin.commit({"large": noise(100_000, seed=number)})
        assert bench.run().failure is None
        bench.do_chores()
        objects = (bench.stores.current.path / "objects").rglob("*")
        sizes.append(sum(path.stat().st_size for path in objects if path.is_file()))
    # Twice what is live (in the published tree and the standby), what is not worth it, and one more.
    assert max(sizes) < 1_200_000, "2,000,000 were fetched"
    assert_published(origin.path, bench.repo.link)


def test_whole_history_survives_joined_packs(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """With --depth=0 small packs are joined, and no commit gets lost."""
    bench = make_workbench(origin.url, depth="0")
    for number in range(24):
        origin.commit({f"f{file}": f"{number} {file}" for file in range(110)}, replace=True)
        assert bench.run().failure is None
        bench.do_chores()
    path = bench.stores.current.path
    assert len(list((path / "objects" / "pack").glob("*.pack"))) < 24
    assert git(path, "rev-list", "--count", PRIVATE_REF) == git(origin.path, "rev-list", "--count", "main")
    git(path, "fsck", "--no-dangling")
    assert_published(origin.path, bench.repo.link)


def test_gc_lock_of_another_host_does_not_block(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The `gc.pid` that a dead pod has left on the volume is swept."""
    bench = make_workbench(origin.url)
    bench.run()
    (bench.stores.current.path / "gc.pid").write_text("1 another-pod\n")
    bench.close()
    again = make_workbench(origin.url)
    again.run()
    assert not (again.stores.current.path / "gc.pid").exists()


def test_history_follows_the_options_of_a_start(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The first pass with another --depth brings the history in line, and publishes and announces nothing anew."""
    for content in ("1", "2", "3"):
        origin.commit({"a": content})
    for depth, count in ((1, 1), (0, 4), (2, 2)):
        bench = make_workbench(origin.url, depth=depth)
        bench.sync.adopt()
        result = bench.run()
        assert result.failure is None
        assert result.outcome == ("updated" if depth == 1 else "unchanged")
        assert int(git(bench.repo.link, "rev-list", "--count", "HEAD")) == count
        assert bench.run().phases.keys().isdisjoint({"fetch"})
        bench.close()


@pytest.mark.parametrize("program", ["git", "git without --refetch"])
def test_objects_follow_the_filter_of_a_start(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, program: str
) -> None:
    """Without the filter that left them out, contents are there after the first pass or with the next commit."""
    old = tmp_path / "git"
    refusal = "case $* in *--refetch*) echo 'error: unknown option refetch' >&2; exit 129;; esac"
    old.write_text(f'#!/bin/sh\n{refusal}\nexec git "$@"\n')
    old.chmod(0o755)
    origin.commit({"a": "old"})
    origin.commit({"a": "new"})
    partial = make_workbench(origin.url, depth=0, filter="blob:none")
    partial.run()
    partial.close()
    whole = make_workbench(origin.url, depth=0, git="git" if program == "git" else old)
    whole.sync.adopt()
    assert whole.run().failure is None
    origin.commit({"b": "next"})
    assert whole.run().outcome == "updated"
    origin.path.rename(origin.path.with_name("away"))
    assert run_git(whole.repo.link, "show", "HEAD~2:a") == b"old"
