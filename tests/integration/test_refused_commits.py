"""Commits that git refuses, and hashes that are not those of commits: what is published stays, nothing is repeated."""

from collections.abc import Callable

import pytest

from gitsync.remote.target import Target
from gitsync.telling.events import Fetched, Published
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.integration.test_submodules import link
from tests.support.git import git, run_git
from tests.support.origin import Gitlink, Origin, noise
from tests.support.tree import assert_published

LONG = "n" * 256


def commit_tree(origin: Origin, mode: str, name: str) -> str:
    """Commit an entry that no working git would make."""
    blob = run_git(origin.path, "hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
    tree = run_git(origin.path, "mktree", "-z", stdin=f"{mode} blob {blob}\t{name}\0".encode()).decode().strip()
    return origin.rewind(git(origin.path, "commit-tree", "-p", "HEAD", "-m", "Odd", tree))


REFUSED: dict[str, tuple[str, Callable[[Origin], object]]] = {
    "file name too long": ("bad_commit", lambda origin: origin.commit({LONG: "x"})),
    "directory name too long": ("bad_commit", lambda origin: origin.commit({f"{LONG}/a": "x"})),
    "name of git's own": ("bad_commit", lambda origin: commit_tree(origin, "100644", ".git")),
    "name of git's own elsewhere": ("bad_commit", lambda origin: commit_tree(origin, "100644", "git~1")),
    "link for modules": ("bad_commit", lambda origin: commit_tree(origin, "120000", ".gitmodules")),
    "encoding that is none": (
        "bad_commit",
        lambda origin: origin.commit({".gitattributes": "*.html working-tree-encoding\n", "index.html": "new\n"}),
    ),
    "modules that cannot be read": (
        "submodule",
        lambda origin: origin.commit({".gitmodules": "[submodule", "lib": Gitlink(origin.head)}),
    ),
    "modules that cannot be read, and there are none": (
        "submodule",
        lambda origin: origin.commit({".gitmodules": "[submodule"}),
    ),
    "modules without end": (
        "bad_commit",
        lambda origin: origin.commit(
            {".gitmodules": f'[submodule "a"]\npath = a\nurl = {"x" * 17_000_000}\n', "a": Gitlink(origin.head)}
        ),
    ),
    "module without a URL": (
        "submodule",
        lambda origin: origin.commit({".gitmodules": '[submodule "a"]\npath = lib\n', "lib": Gitlink(origin.head)}),
    ),
    "module without a URL that is not wanted": (
        "submodule",
        lambda origin: origin.commit(
            {".gitmodules": '[submodule "a"]\npath = lib\nupdate = none\n', "lib": Gitlink(origin.head)}
        ),
    ),
    "module with a command": (
        "submodule",
        lambda origin: origin.commit(
            {".gitmodules": '[submodule "a"]\npath = a\nurl = ./a\nupdate = !make\n', "lib": Gitlink(origin.head)}
        ),
    ),
}


@pytest.mark.parametrize(("reason", "make"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("standby", [False, True], ids=["fresh", "standby"])
def test_commit_that_git_refuses(
    make_workbench: MakeWorkbench, origin: Origin, standby: bool, reason: str, make: Callable[[Origin], object]
) -> None:
    """The old tree stays, the store stays, nothing is fetched twice, and the next commit is published."""
    bench = make_workbench(origin.url, period="1h")
    bench.run()
    if standby:
        origin.commit({"a": "2"})
        bench.run()
    good = origin.head
    make(origin)
    for _ in range(3):
        result = bench.run()
        assert result.failure
        assert result.failure.reason == reason, result.failure
        assert result.failure.hint
        assert result.failure.retry_in
    assert assert_published(origin.path, bench.repo.link) == good
    assert sum(isinstance(event, Fetched) for event in bench.recorder.events) == 2 + standby
    origin.rewind(good)
    assert bench.run().outcome == "unchanged"
    origin.commit({"a": "3"})
    assert bench.run().outcome == "updated"
    assert_published(origin.path, bench.repo.link)
    assert [path.name[-2:] for path in bench.stores.all()] == ["-1"]


def test_what_was_begun_for_a_bad_commit(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A tree that was begun for one that nobody can check out, and has files of another, keeps no third one away."""
    bench = make_workbench(origin.url)
    bench.run()
    good = origin.head
    for files in ({}, {"a/b": "x", f"z/{LONG}": "x"}):
        origin.force_push(files, onto=good)
        if not files:
            commit_tree(origin, "100644", ".git")
        result = bench.run()
        assert result.failure
        assert result.failure.reason == "bad_commit"
    private = bench.repo.root.glob(".worktrees/.tree-*/a/b")
    assert len(list(private)) == 1
    origin.force_push({"new": "x"}, onto=good)
    assert bench.run().outcome == "updated"
    assert_published(origin.path, bench.repo.link)


def test_refused_commits_do_not_pile_up(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What was fetched for commits that were refused goes, although there is no publication after which it could."""
    bench = make_workbench(origin.url)
    bench.run()
    bench.do_chores()
    good, size, held = origin.head, 6_000_000, []
    for number in range(9):
        origin.force_push({LONG: noise(size, seed=number)}, onto=good)
        assert bench.run().failure
        bench.do_chores()
        held.append(sum(path.stat().st_size for path in bench.stores.current.path.rglob("objects/*/*")))
    # Garbage is collected when all has grown to twice its size, and to some megabytes more.
    assert max(held) < 6.5 * size, held
    assert assert_published(origin.path, bench.repo.link) == good


def test_commit_of_a_submodule_that_nobody_has(
    make_workbench: MakeWorkbench, origin: Origin, make_origin: Callable[..., Origin]
) -> None:
    """It may be pushed at any time, so each pass looks; no store is replaced for it."""
    library = make_origin("library.git")
    library.commit({"lib.txt": "one\n"})
    bench = make_workbench(origin.url)
    bench.run()
    link(origin, {"lib": ("../library.git", "1" * 40)})
    for _ in range(2):
        result = bench.run()
        assert result.failure
        assert (result.failure.reason, result.failure.retry_in) == ("ref_missing", None)
        assert "library.git" in result.failure.message
        assert "push" in (result.failure.hint or "")
    assert {path.name[-2:] for path in bench.stores.all()} == {"-1"}


def told(bench: Workbench) -> list[bool]:
    """Return whether each publication that was told of is one that was just made."""
    return [event.fresh for event in bench.recorder.events if isinstance(event, Published)]


def test_tag_that_is_pinned_by_its_own_hash(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The commit behind it is published and told of once, by the next process as well, and needs no remote then."""
    tag = origin.annotated_tag("v1")
    origin.commit({"a": "later"})
    bench = make_workbench(origin.url, ref=tag)
    assert [bench.run().outcome for _ in range(3)] == ["updated", "unchanged", "unchanged"]
    assert bench.published() == origin.resolve("v1")
    assert told(bench) == [True]
    bench.close()
    origin.path.rename(origin.path.with_name("gone"))
    again = make_workbench(origin.url, ref=tag)
    again.sync.adopt()
    assert [again.run().outcome for _ in range(3)] == ["unchanged"] * 3
    assert told(again) == [False]


def test_remote_that_says_another_thing_than_it_has(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale answer leads to no publication of what is published; what comes at last is published."""
    bench = make_workbench(origin.url)
    bench.run()
    stale = Target(hash="1" * 40, ref="refs/heads/main", source="refs/heads/main")
    monkeypatch.setattr(bench.remote, "probe", lambda *, deadline: stale)
    assert [bench.run().outcome for _ in range(3)] == ["unchanged"] * 3
    assert told(bench) == [True]
    origin.commit({"a": "2"})
    assert bench.run().outcome == "updated"
    assert_published(origin.path, bench.repo.link)


def test_left_overs_of_a_refused_commit_are_in_no_submodule(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What was written of it before git gave up is gone, also where the next commit has a submodule, unpopulated."""
    bench = make_workbench(origin.url, stale_worktree_timeout="0s")
    for content in ("1", "2"):
        origin.commit({"a": content})
        assert bench.run().failure is None
    origin.commit({"docs/deep/a.txt": "x", f"z{LONG}": "x"})
    assert bench.run().failure
    origin.commit({"docs/deep/a.txt": None, f"z{LONG}": None, "docs": Gitlink(origin.head)})
    assert bench.run().failure is None
    assert list((bench.repo.link / "docs").iterdir()) == []
