"""One directory of a repository: it alone is fetched where the server can, and it alone is what consumers see."""

import os
from collections.abc import Callable, Mapping

import pytest

from gitsync.telling.events import BeforePublish, Failure, Published
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.integration.test_submodules import link
from tests.support.git import git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Gitlink, Origin, Symlink, noise
from tests.support.tree import assert_tree

FILES: dict[str, Content] = {
    "top": "x",
    "docs/guide.txt": "read me\n",
    "docs/deep/a": "1",
    "docs/deep/link": Symlink("../guide.txt"),
    "other/large": noise(500_000),
}


def assert_shown(bench: Workbench, origin: Origin, subpath: str) -> None:
    """Fail unless consumers see a directory of the newest commit, by a link into the tree of that."""
    target = os.readlink(bench.repo.link)
    assert target.endswith(f"{origin.head}/{subpath}")
    assert_tree(origin.path, bench.repo.link.resolve(), f"{origin.head}:{subpath}")
    assert bench.published() == origin.head


def refused(bench: Workbench) -> Failure:
    """Run a pass that does not find the directory; return what it says."""
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "no_subpath", result.failure
    assert result.failure.retry_in
    return result.failure


@pytest.mark.parametrize("subpath", ["docs", "docs/deep", "./docs//deep/"])
def test_directory_is_published(make_workbench: MakeWorkbench, origin: Origin, subpath: str) -> None:
    """What is in it is found at the link, and nothing else is on the volume; updates of others are published, too."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, subpath=subpath)
    assert bench.repo.content.subpath
    for number in range(4):
        assert bench.run().outcome == "updated"
        assert_shown(bench, origin, bench.repo.content.subpath)
        assert sorted(path.name for path in bench.publisher.current().iterdir()) == [".git", "docs"]  # type: ignore[union-attr]
        assert not bench.sync.heal(deadline=soon())
        assert bench.run().outcome == "unchanged"
        bench.do_chores()
        origin.commit({("top", "docs/deep/a")[number % 2]: f"{number}"})


@pytest.mark.parametrize("name", ["a b", "*", "[a]?", "\\d", "ä", ":(top)x", "!x", "#x", "'\"", "d ", "%s"])
def test_names_mean_themselves(make_workbench: MakeWorkbench, origin: Origin, name: str) -> None:
    """Whatever a directory is called, it is that one and no other."""
    origin.commit({f"{name}/in/f": "1", "axx/in/f": "no", "dd/in/f": "no", "x/in/f": "no"}, replace=True)
    bench = make_workbench(origin.url, subpath=f"{name}/in")
    assert bench.run().failure is None
    assert_shown(bench, origin, f"{name}/in")
    tree = bench.publisher.current()
    assert tree
    assert {path.name for path in tree.iterdir()} == {".git", name}


@pytest.mark.parametrize("allowed", [True, False])
def test_what_else_there_is_is_not_fetched(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer, allowed: bool
) -> None:
    """A server that can leave files out sends those of the directory; of another one all is fetched, and it works."""
    run_git(origin.path, "config", "uploadpack.allowFilter", str(allowed).lower())
    origin.commit(FILES, replace=True)
    bench = make_workbench(git_http.url_of(origin.path), subpath="docs")
    assert bench.run().outcome == "updated"
    assert_shown(bench, origin, "docs")
    bench.do_chores()
    sent = sum(request.sent for request in git_http.requests)
    print(f"{sent} bytes")
    assert (sent < 50_000) == allowed
    git_http.requests.clear()
    origin.commit({"other/large": noise(500_000, seed=1), "docs/deep/a": "2"})
    assert bench.run().outcome == "updated"
    assert_shown(bench, origin, "docs")
    sent = sum(request.sent for request in git_http.requests)
    assert (sent < 50_000) == allowed


LACKING: dict[str, tuple[Mapping[str, Content], str, str]] = {
    "gone": ({"docs/deep/a": None, "docs/deep/link": None}, "nothing at 'docs/deep'", ""),
    "renamed": (
        {"docs/deep/a": None, "docs/deep/link": None, "docs/deeper/a": "1", "docs/dip/a": "2"},
        "nothing at 'docs/deep'",
        "docs/deeper",
    ),
    "above is renamed": ({**dict.fromkeys(FILES), "doc/deep/a": "1"}, "nothing at 'docs'", "doc"),
    "a file": ({**dict.fromkeys(FILES), "docs/deep": "1"}, "a file at 'docs/deep'", ""),
    "a link": ({**dict.fromkeys(FILES), "docs/deep": Symlink("/etc")}, "a symbolic link at 'docs/deep'", ""),
    "a link above": ({**dict.fromkeys(FILES), "docs": Symlink("/etc")}, "a symbolic link at 'docs'", ""),
    "a submodule": ({**dict.fromkeys(FILES), "docs": Gitlink("1" * 40)}, "a submodule at 'docs'", ""),
}


@pytest.mark.parametrize(("change", "message", "near"), LACKING.values(), ids=LACKING.keys())
def test_commit_without_it(
    make_workbench: MakeWorkbench, origin: Origin, change: Mapping[str, Content], message: str, near: str
) -> None:
    """What is published stays, what is there instead is named, and the next commit that has it is published."""
    good = origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, subpath="docs/deep")
    assert bench.run().outcome == "updated"
    shown = bench.repo.link.resolve()
    origin.commit(change)
    failure = refused(bench)
    assert message in failure.message
    assert "--subpath" in (failure.hint or "")
    assert near in (failure.hint or "")
    refused(bench)
    assert bench.repo.link.resolve() == shown
    assert_tree(origin.path, shown, f"{good}:docs/deep")
    origin.commit({**dict.fromkeys(change), "docs": None}, parent=origin.head)
    origin.commit(FILES, replace=True)
    assert bench.run().outcome == "updated"
    assert_shown(bench, origin, "docs/deep")


def test_directory_without_files(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Git can say that there is one, and makes none."""
    empty = run_git(origin.path, "mktree", stdin=b"").decode().strip()
    tree = run_git(origin.path, "mktree", stdin=f"040000 tree {empty}\tdocs\n".encode()).decode().strip()
    bench = make_workbench(origin.url, subpath="docs")
    assert bench.run().outcome == "updated"
    shown = bench.repo.link.resolve()
    origin.rewind(git(origin.path, "commit-tree", "-p", "HEAD", "-m", "Empty", tree))
    assert "no files" in refused(bench).message
    assert bench.repo.link.resolve() == shown


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize(
    ("before", "after"), [(None, "docs"), ("docs", None), ("docs", "docs/deep"), ("docs", "other")]
)
def test_another_directory_at_the_next_start(
    make_workbench: MakeWorkbench, origin: Origin, filters: bool, before: str | None, after: str | None
) -> None:
    """The same commit is published anew, and until then the link leads to what it has led to, whatever fails."""
    run_git(origin.path, "config", "uploadpack.allowFilter", str(filters).lower())
    origin.commit(FILES, replace=True)
    first = make_workbench(origin.url, subpath=before)
    assert first.run().outcome == "updated"
    first.do_chores()
    shown = first.repo.link.resolve()
    first.close()
    away = origin.path.rename(origin.path.with_name("away"))
    again = make_workbench(origin.url, subpath=after, stale_worktree_timeout="0s")
    assert again.sync.adopt()
    if filters and before == "docs" and after != "docs/deep":
        for _ in range(3):
            assert again.run().failure
            again.do_chores()
            again.sync.tidy()
        assert again.repo.link.resolve() == shown
        assert shown.is_dir()
    away.rename(origin.path)
    assert again.run().failure is None
    if after:
        assert_shown(again, origin, after)
    else:
        assert_tree(origin.path, again.repo.link.resolve(), origin.head)
    assert again.run().outcome == "unchanged"
    origin.commit({"docs/deep/a": "new", "other/large": "new"})
    assert again.run().outcome == "updated"


def test_link_that_somebody_has_turned(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A link to the tree itself, or to another directory in it, is put right."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, subpath="docs")
    bench.run()
    shown = bench.repo.link.resolve()
    for elsewhere in (shown.parent, shown / "deep"):
        bench.repo.link.unlink()
        bench.repo.link.symlink_to(elsewhere)
        assert bench.run().outcome == "repaired"
        assert bench.repo.link.resolve() == shown


def test_damage_is_repaired(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A changed file, and a directory that is gone, are found as ever."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, subpath="docs")
    bench.run()
    (bench.repo.link / "guide.txt").write_text("damage")
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert_shown(bench, origin, "docs")
    shown = bench.repo.link.resolve()
    shown.rename(shown.with_name("moved"))
    assert bench.run().outcome == "repaired"
    assert_shown(bench, origin, "docs")


def test_submodules_in_it_are_published(
    make_workbench: MakeWorkbench, origin: Origin, make_origin: Callable[..., Origin]
) -> None:
    """Others are not even looked for."""
    library = make_origin("library.git")
    library.commit({"a": "1"})
    origin.commit(FILES, replace=True)
    link(origin, {"docs/lib": ("../library.git", library.head), "lib": ("../nowhere.git", library.head)})
    bench = make_workbench(origin.url, subpath="docs")
    assert bench.run().failure is None
    assert_tree(library.path, bench.repo.link / "lib", library.head)
    assert (bench.repo.link / "guide.txt").read_text() == "read me\n"
    library.commit({"a": "2"})
    link(origin, {"docs/lib": ("../library.git", library.head), "lib": ("../nowhere.git", library.head)})
    assert bench.run().failure is None
    assert (bench.repo.link / "lib" / "a").read_text() == "2"


def test_those_who_listen_are_told_of_what_consumers_see(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The gate and hooks work in the directory."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, subpath="docs")
    seen: list[bool] = []
    bench.recorder.react = lambda event: (
        seen.append((event.tree / "guide.txt").is_file()) if isinstance(event, BeforePublish | Published) else None
    )
    assert bench.run().outcome == "updated"
    assert seen == [True, True]


@pytest.mark.parametrize("filters", [True, False])
def test_attributes_above_count(make_workbench: MakeWorkbench, origin: Origin, filters: bool) -> None:
    """The files are what a checkout of all of the repository makes of them."""
    run_git(origin.path, "config", "uploadpack.allowFilter", str(filters).lower())
    origin.commit({".gitattributes": "*.txt text eol=crlf\n", "docs/a.txt": "1\n2\n"}, replace=True)
    bench = make_workbench(origin.url, subpath="docs")
    assert bench.run().failure is None
    assert (bench.repo.link / "a.txt").read_bytes() == b"1\r\n2\r\n"
    assert not bench.sync.heal(deadline=soon())


@pytest.mark.parametrize("depth", [0, 1])
def test_limits_count_what_is_published(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer, depth: int
) -> None:
    """The rest is neither fetched nor counted; the files are fetched at once, within the limit."""
    run_git(origin.path, "config", "uploadpack.allowFilter", "true")
    origin.commit(FILES, replace=True)
    origin.commit({"top": "y"})
    limits = {"max_fetch": "64Ki", "max_size": 21, "max_files": 3}
    bench = make_workbench(git_http.url_of(origin.path), subpath="docs", depth=depth, **limits)
    assert bench.run().outcome == "updated"
    assert_shown(bench, origin, "docs")
    # What commits and directories there are, and the three files.
    assert git_http.fetches == 2
    for change, figure in (
        ({"docs/deep/a": "12"}, "22 bytes"),
        ({"docs/deep/a": "", "docs/deep/b": ""}, "4 files"),
        ({"docs/deep/a": noise(200_000)}, "--max-fetch"),
        ({".gitattributes": noise(200_000)}, "--max-fetch"),
    ):
        good = origin.head
        shown = bench.repo.link.resolve()
        origin.commit(change)
        failure = bench.run().failure
        assert failure
        assert (failure.reason, figure in failure.message) == ("too_large", True), failure
        assert bench.repo.link.resolve() == shown
        assert not list(bench.stores.current.path.rglob("tmp_*"))
        origin.rewind(good)
        assert bench.run().outcome == "unchanged"


def test_partial_clone_counts_before_it_fetches(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer
) -> None:
    """With a filter of one's own the same holds for the whole commit."""
    run_git(origin.path, "config", "uploadpack.allowFilter", "true")
    origin.commit({"a": "1", "b/c/d": "2"}, replace=True)
    bench = make_workbench(git_http.url_of(origin.path), filter="blob:limit=1", max_fetch="64Ki", max_size=3)
    assert bench.run().outcome == "updated"
    assert_tree(origin.path, bench.repo.link.resolve(), origin.head)
    good = origin.head
    for change in ({"b/c/d": "345"}, {"b/c/d": noise(200_000)}):
        origin.commit(change)
        failure = bench.run().failure
        assert failure
        assert failure.reason == "too_large", failure
        assert bench.published() == good
        origin.rewind(good)


def test_directory_is_placed(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """In place it is the files of the directory that are copied; a change of it, and damage, are put right."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, subpath="docs", publish="inplace")
    assert bench.run().outcome == "updated"
    assert (bench.repo.link / "guide.txt").read_text() == "read me\n"
    assert not (bench.repo.link / "top").exists()
    origin.commit({"docs/deep/a": "2"})
    assert bench.run().outcome == "updated"
    assert (bench.repo.link / "deep" / "a").read_text() == "2"
    (bench.repo.link / "guide.txt").write_text("damage")
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert (bench.repo.link / "guide.txt").read_text() == "read me\n"
    assert not bench.sync.heal(deadline=soon())
    bench.close()
    deeper = make_workbench(origin.url, subpath="docs/deep", publish="inplace")
    assert deeper.sync.adopt()
    assert deeper.run().failure is None
    assert sorted(path.name for path in deeper.repo.link.iterdir()) == [".gitsync-complete", "a", "link"]


@pytest.mark.parametrize("option", [{"git_dir": "hide"}, {"mtime": "commit"}])
def test_other_options_hold_in_it(make_workbench: MakeWorkbench, origin: Origin, option: dict[str, str]) -> None:
    """What else is asked of the tree is no damage there."""
    origin.commit(FILES, replace=True)
    bench = make_workbench(origin.url, subpath="docs", **option)
    for number in range(3):
        assert bench.run().outcome == "updated"
        assert_shown(bench, origin, "docs")
        bench.do_chores()
        assert not bench.sync.heal(deadline=soon())
        assert bench.run().outcome == "unchanged"
        origin.commit({"docs/deep/a": f"{number}"})
