"""Limits: what is larger is not published, leaves nothing behind, and is not tried again before long."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.telling.events import Failure, Fetched
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.integration.test_submodules import link
from tests.support.git import git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Origin, Symlink, noise
from tests.support.tree import assert_published, assert_tree

# Seven files of 20 bytes, links and x bits among them.
FILES: dict[str, Content] = {
    "a": "12345678",
    "b/c": "1234",
    "b/d": Symlink("../a"),
    "e": "",
    "f": "1",
    "g": "12",
    "h": "1",
}


def refused(bench: Workbench) -> Failure:
    """Run a pass that finds something that is too large; return what it says."""
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "too_large", result.failure
    assert result.failure.retry_in
    assert result.failure.retry_in > 3000
    return result.failure


def fetched(bench: Workbench) -> int:
    """Return how many fetches have succeeded."""
    return sum(isinstance(event, Fetched) for event in bench.recorder.events)


@pytest.mark.parametrize(("option", "most", "more"), [("max_files", 7, 1), ("max_size", 20, 1), ("max_files", 7, 80)])
def test_tree_at_its_limit_and_beyond(
    make_workbench: MakeWorkbench, origin: Origin, option: str, most: int, more: int
) -> None:
    """What is as large as is allowed is published, one more is not, and neither is it fetched again."""
    good = origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, **{option: most})
    assert bench.run().outcome == "updated"
    trees = sorted((bench.repo.root / ".worktrees").iterdir())
    origin.commit({f"z{number}": "1" for number in range(more)})
    failure = refused(bench)
    for figure in (f"{most} ", f"--{option.replace('_', '-')}", f"{most + more}" if more == 1 else "more than"):
        assert figure in f"{failure.message} "
    assert f"--{option.replace('_', '-')}" in (failure.hint or "")
    assert refused(bench).message == failure.message
    assert fetched(bench) == 2
    assert assert_published(origin.path, bench.repo.link) == good
    assert sorted((bench.repo.root / ".worktrees").iterdir()) == trees
    origin.commit({f"z{number}": None for number in range(more)})
    assert bench.run().outcome == "updated"
    assert_published(origin.path, bench.repo.link)


def test_what_is_not_counted_in_vain(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Of a commit that says that there are billions of files no more are counted than it takes."""
    blob = git(origin.path, "rev-parse", "HEAD:index.html")
    tree = run_git(origin.path, "mktree", stdin=f"100644 blob {blob}\tx\n".encode()).decode().strip()
    for _ in range(30):
        entries = "".join(f"040000 tree {tree}\t{name}\n" for name in "ab")
        tree = run_git(origin.path, "mktree", stdin=entries.encode()).decode().strip()
    bench = make_workbench(origin.url, max_files=100)
    bench.run()
    origin.rewind(git(origin.path, "commit-tree", "-p", "HEAD", "-m", "Bomb", tree))
    assert "more than" in refused(bench).message
    assert_published(origin.path, bench.repo.link)


def packs(bench: Workbench) -> list[Path]:
    """Return what lies where the store has its packs."""
    return sorted((bench.stores.current.path / "objects" / "pack").iterdir())


@pytest.fixture
def large(origin: Origin) -> str:
    """A commit that takes more than the least limit to fetch."""
    return origin.commit({"large": noise(100_000), **{f"small/{number}": f"{number}" for number in range(20)}})


@pytest.mark.parametrize("depth", [0, 1])
def test_fetch_at_its_limit_and_beyond(make_workbench: MakeWorkbench, origin: Origin, large: str, depth: int) -> None:
    """A fetch of so many bytes is done; of one that brings one more nothing is left in the store."""
    size = 1_000_000
    for _ in range(2):
        bench = make_workbench(origin.url, depth=depth, max_fetch=size)
        assert bench.run().outcome == "updated"
        assert bench.published() == large
        (size,) = (path.stat().st_size for path in packs(bench) if path.suffix == ".pack")
        bench.close()
        shutil.rmtree(bench.repo.root)
    short = make_workbench(origin.url, depth=depth, max_fetch=size - 1)
    failure = refused(short)
    assert f"{size - 1:,} bytes of --max-fetch" in failure.message
    assert "--max-fetch" in (failure.hint or "")
    assert packs(short) == []
    assert short.publisher.current() is None


def test_small_objects_count_together(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Git would write each of so few objects into a file of its own."""
    bench = make_workbench(origin.url, max_fetch="64Ki")
    assert bench.run().outcome == "updated"
    origin.commit({f"{number}": noise(1000, seed=number) for number in range(80)})
    refused(bench)


def test_fetch_that_is_too_large_is_not_repeated(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer
) -> None:
    """Over http too; whoever tells of news has the remote asked first from then on. A smaller commit is published."""
    bench = make_workbench(git_http.url_of(origin.path), max_fetch="64Ki")
    assert bench.run().outcome == "updated"
    good, store = origin.head, packs(bench)
    origin.commit({"large": noise(300_000)})
    for _ in range(3):
        assert bench.sync.run(deadline=soon(), told=True).failure
    refused(bench)
    # One that published, one without a question before it, and one that has shown what it was of.
    assert git_http.fetches == 3
    assert packs(bench) == store
    assert assert_published(origin.path, bench.repo.link) == good
    git(bench.stores.current.path, "fsck", "--no-dangling")
    origin.force_push({"small": "x"}, onto=good)
    assert bench.sync.run(deadline=soon(), told=True).outcome == "updated"
    assert_published(origin.path, bench.repo.link)


def test_limit_that_cannot_be_set(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system refuses it nothing is fetched without."""
    bench = make_workbench(origin.url, max_fetch="64Ki")
    with monkeypatch.context() as patched:
        patched.setattr("resource.prlimit", lambda *arguments: exec("raise PermissionError(1, 'no')"))  # noqa: S102
        failure = bench.run().failure
    assert failure
    assert failure.reason == "permission"
    assert "--max-fetch" in (failure.hint or "")
    assert packs(bench) == []
    assert bench.run().outcome == "updated"


def test_history_that_is_too_large_is_left_out(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer
) -> None:
    """With another --depth than before the store is not brought in line, and that is not tried each time."""
    origin.commit({"large": noise(100_000)})
    origin.commit({"large": None})
    bench = make_workbench(git_http.url_of(origin.path), max_fetch="64Ki")
    assert bench.run().outcome == "updated"
    bench.close()
    whole = make_workbench(git_http.url_of(origin.path), max_fetch="64Ki", depth=0)
    whole.sync.adopt()
    git_http.requests.clear()
    assert refused(whole).message == refused(whole).message
    assert git_http.fetches == 1
    assert_published(origin.path, whole.repo.link)


def test_submodules_count(make_workbench: MakeWorkbench, origin: Origin, make_origin: Callable[..., Origin]) -> None:
    """The limit of a tree is that of all files in it, that of a fetch counts for each of them."""
    library = make_origin("library.git")
    library.commit({"a": "1", "b": "2"})
    link(origin, {"one": ("../library.git", library.head), "two": ("../library.git", library.head)})
    bench = make_workbench(origin.url, max_files=9, max_fetch="64Ki")
    # Four, and what names the submodules.
    assert bench.run().outcome == "updated"
    good = origin.head
    old = library.head
    library.commit({"c": "3"})
    link(origin, {"one": ("../library.git", library.head), "two": ("../library.git", old)})
    assert "has 10 files" in refused(bench).message
    library.force_push({"large": noise(100_000)}, onto=old)
    link(origin, {"one": ("../library.git", library.head), "two": ("../library.git", old)})
    assert "library.git" in refused(bench).message
    assert bench.published() == good
    assert_tree(library.path, bench.repo.link / "two", old)
    link(origin, {"one": ("../library.git", old)})
    assert bench.run().outcome == "updated"
    assert_tree(library.path, bench.repo.link / "one", old)


def test_what_is_published_stays_with_a_lower_limit(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A start with a limit below what is published leaves that, and says nothing before there is another commit."""
    bench = make_workbench(origin.url)
    bench.run()
    bench.close()
    good = origin.head
    strict = make_workbench(origin.url, max_files=1)
    strict.sync.adopt()
    assert strict.run().outcome == "unchanged"
    origin.commit({"x": "y"})
    refused(strict)
    assert assert_published(origin.path, strict.repo.link) == good
