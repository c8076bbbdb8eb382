"""Submodules: fetched into stores of their own, published with their parents, and brought up to date in place."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base.errors import HINTS, CheckoutError
from gitsync.programs import process
from gitsync.volume.modules import resolve_url
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.git import git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Gitlink, Origin
from tests.support.tree import assert_tree

MakeOrigin = Callable[..., Origin]


def link(origin: Origin, modules: dict[str, tuple[str, str]], *, extra: dict[str, str] | None = None) -> str:
    """Commit submodules to an origin: path → (URL, commit); return the new commit."""
    text = "".join(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path, (url, _) in modules.items())
    listed = run_git(origin.path, "ls-tree", "-r", "HEAD").decode().splitlines()
    files: dict[str, Content] = {line.split("\t")[1]: None for line in listed if line.startswith("160000")}
    files |= {path: Gitlink(commit) for path, (_, commit) in modules.items()}
    return origin.commit({**files, ".gitmodules": text or None, **(extra or {})})


@pytest.fixture
def library(make_origin: MakeOrigin) -> Origin:
    """A repository that others have as submodule."""
    made = make_origin("library.git")
    made.commit({"lib.txt": "one\n"})
    return made


@pytest.fixture
def bench(make_workbench: MakeWorkbench, origin: Origin, library: Origin) -> Workbench:
    """A repository with one submodule, published."""
    link(origin, {"lib": ("../library.git", library.head)})
    made = make_workbench(origin.url)
    assert made.run().failure is None
    return made


def published(bench: Workbench) -> Path:
    """Return the tree behind the link."""
    return bench.repo.link.resolve()


def test_submodule_is_published(bench: Workbench, origin: Origin, library: Origin) -> None:
    """Its files are in place, under a relative URL, and git works in it."""
    assert_tree(library.path, published(bench) / "lib", library.head)
    assert git(published(bench) / "lib", "rev-parse", "HEAD") == library.head
    assert git(published(bench), "status", "--porcelain") == ""


def test_submodule_that_claims_to_be_up_to_date(bench: Workbench, origin: Origin, library: Origin) -> None:
    """Who can write to the volume can make a tree name a commit that the store does not have; it is fetched."""
    origin.commit({"a.txt": "two\n"})
    assert bench.run().failure is None
    wanted = library.commit({"lib.txt": "two\n"})
    for head in bench.repo.root.glob(".gitsync/*/worktrees/sub-*/HEAD"):
        head.write_text(f"{wanted}\n")
    link(origin, {"lib": ("../library.git", wanted)})
    assert bench.run().failure is None
    assert_tree(library.path, published(bench) / "lib", wanted)
    assert bench.stores.current.path.name.endswith("-1"), "everything was fetched again"


def test_changed_submodule_is_updated_in_place(bench: Workbench, origin: Origin, library: Origin) -> None:
    """The trees and the submodule's directories of the first two publications are used again for the next ones."""
    inodes = set()
    for number in range(5):
        commit = library.commit({"lib.txt": f"{number}\n"})
        link(origin, {"lib": ("../library.git", commit)})
        assert bench.run().failure is None
        assert_tree(library.path, published(bench) / "lib", commit)
        inodes.add((published(bench) / "lib").stat().st_ino)
    assert len(inodes) == 2


def test_submodules_come_and_go(bench: Workbench, origin: Origin, library: Origin, make_origin: MakeOrigin) -> None:
    """Added later, turned into a file, removed: what is published is what the commit says."""
    second = make_origin("second.git")
    second.commit({"second.txt": "two\n"})
    link(origin, {"lib": ("../library.git", library.head), "deep/second": (second.url, second.head)})
    assert bench.run().failure is None
    assert_tree(second.path, published(bench) / "deep" / "second", second.head)
    link(origin, {"deep/second": (second.url, second.head)}, extra={"lib": "a file now\n"})
    assert bench.run().failure is None
    assert (published(bench) / "lib").read_text() == "a file now\n"
    link(origin, {}, extra={"index.html": "alone\n"})
    for number in range(2):
        origin.commit({"n": f"{number}"})
        assert bench.run().failure is None
    assert not (published(bench) / "deep").exists()
    assert len(bench.stores.all()) == 1, "the stores of submodules that nobody has any more are gone"


def test_nested_submodules(make_workbench: MakeWorkbench, make_origin: MakeOrigin, library: Origin) -> None:
    """A submodule's submodule is published, unless only those of the repository itself are wanted."""
    middle, outer = make_origin("middle.git"), make_origin("outer.git")
    middle.commit({"middle.txt": "x"})
    link(middle, {"inner": ("../library.git", library.head)})
    outer.commit({"outer.txt": "x"})
    link(outer, {"mid": ("../middle.git", middle.head)})
    bench = make_workbench(outer.url)
    assert bench.run().failure is None
    assert_tree(library.path, published(bench) / "mid" / "inner", library.head)
    bench.close()
    shallow = make_workbench(outer.url, submodules="shallow")
    assert shallow.run().outcome == "updated", "another recipe is another tree"
    assert (published(shallow) / "mid" / "middle.txt").exists()
    assert list((published(shallow) / "mid" / "inner").iterdir()) == []
    shallow.close()
    off = make_workbench(outer.url, submodules="off")
    assert off.run().outcome == "updated"
    assert list((published(off) / "mid").iterdir()) == []


def test_damaged_submodule_is_repaired(bench: Workbench, library: Origin) -> None:
    """The comparison looks into submodules; the repaired tree has them too, at its new place."""
    before = published(bench)
    (before / "lib" / "lib.txt").write_text("edited")
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert published(bench) != before
    assert_tree(library.path, published(bench) / "lib", library.head)
    assert git(published(bench) / "lib", "rev-parse", "HEAD") == library.head
    assert not bench.sync.heal(deadline=soon())


def test_unreachable_submodule_keeps_what_is_published(bench: Workbench, origin: Origin, library: Origin) -> None:
    """The old tree stays, the reason names the submodule's remote, and the next pass goes on."""
    old = published(bench)
    gone = library.path.rename(library.path.with_name("gone"))
    commit = "1" * 40
    link(origin, {"lib": ("../library.git", commit)})
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "not_found"
    assert "library.git" in result.failure.message
    assert published(bench) == old
    gone.rename(library.path)
    link(origin, {"lib": ("../library.git", library.commit({"lib.txt": "new\n"}))})
    assert bench.run().failure is None
    assert (published(bench) / "lib" / "lib.txt").read_text() == "new\n"


def test_submodule_beside_one_that_cannot_be_had(bench: Workbench, origin: Origin, library: Origin) -> None:
    """One that `.gitmodules` does not tell of is an empty directory, and those after it are published."""
    origin.commit({"a": Gitlink("1" * 40), "lib": Gitlink(library.commit({"lib.txt": "new\n"}))})
    assert bench.run().failure is None
    tree = published(bench)
    assert list((tree / "a").iterdir()) == []
    assert (tree / "lib" / "lib.txt").read_text() == "new\n"


def test_server_of_a_submodule_that_is_gone(bench: Workbench, origin: Origin, library: Origin) -> None:
    """Where nobody answers it is not the URL that has to be checked first."""
    published(bench)
    with GitHttpServer(library.path.parent) as server:
        url = server.url_of(library.path)
    link(origin, {"lib": (url, library.head)})
    result = bench.run()
    assert result.failure
    assert (result.failure.reason, result.failure.hint) == ("connect", HINTS["connect"])


def test_server_that_hands_out_branches_only(make_workbench: MakeWorkbench, origin: Origin, library: Origin) -> None:
    """A commit that is not the tip of a branch is found, where only tips can be asked for, as in protocol 0."""
    bench = make_workbench(origin.url, git_config="protocol.version:0")
    commit = library.commit({"lib.txt": "two\n"})
    library.commit({"lib.txt": "three\n"})
    link(origin, {"lib": ("../library.git", commit)})
    assert bench.run().failure is None
    assert_tree(library.path, published(bench) / "lib", commit)


def test_submodule_cannot_lead_out_of_the_tree(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path
) -> None:
    """A commit with a link where a submodule's path leads through writes nothing elsewhere."""
    link(origin, {"lib": ("../library.git", library.head)})
    outside = tmp_path / "outside"
    outside.mkdir()
    bench = make_workbench(origin.url)
    bench.run()
    (published(bench) / "lib" / "lib.txt").unlink()
    (published(bench) / "lib" / ".git").unlink()
    (published(bench) / "lib").rmdir()
    (published(bench) / "lib").symlink_to(outside)
    for number in range(3):
        origin.commit({"n": str(number)})
        bench.run()
    assert list(outside.iterdir()) == []
    assert_tree(library.path, published(bench) / "lib", library.head)


@pytest.mark.parametrize(
    ("url", "parent", "resolved"),
    [
        ("../b.git", "https://host/group/a.git", "https://host/group/b.git"),
        ("../../x/b", "https://host/group/a", "https://host/x/b"),
        ("./b", "https://host/a.git/", "https://host/a.git/b"),
        ("../b.git", "git@host:group/a.git", "git@host:group/b.git"),
        ("../b.git", "git@host:a.git", "git@host:b.git"),
        ("../b", "/srv/a", "/srv/b"),
        ("../b", "file:///srv/a", "file:///srv/b"),
        ("https://other/b", "https://host/a", "https://other/b"),
        ("git@other:b", "https://host/a", "git@other:b"),
        ("/srv/b", "/srv/a", "/srv/b"),
    ],
)
def test_relative_url(url: str, parent: str, resolved: str) -> None:
    """Relative URLs are resolved as git-submodule(1) says."""
    assert resolve_url(url, parent) == resolved


@pytest.mark.parametrize(
    ("url", "parent"),
    [
        ("--upload-pack=x", "https://host/a"),
        ("../../../b", "https://host/a"),
        ("/etc", "https://host/a"),
        ("file:///etc", "git@host:a"),
        ("a\nb", "https://host/a"),
        ("", "https://host/a"),
        ("https://host/\x1b[2J", "https://host/a"),
        pytest.param(f"https://host/{'a' * 4096}", "https://host/a", id="too long"),
    ],
)
def test_bad_url_is_refused(url: str, parent: str) -> None:
    """What could be an option, would lead to local files, or cannot be shown, is no URL for a submodule."""
    with pytest.raises(CheckoutError):
        resolve_url(url, parent)


def test_more_files_than_a_command_may_print(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit with very many files, and a submodule among them, is published, and healed when all of them are gone."""
    # In the place of some hundred thousand files.
    monkeypatch.setattr(process, "LARGEST", 64 * 1024)
    long = "directory-with-a-rather-long-name" * 6
    link(origin, {"lib": ("../library.git", library.head)}, extra={f"{long}/{number}": "" for number in range(500)})
    bench = make_workbench(origin.url)
    assert bench.run().failure is None
    assert (published(bench) / "lib" / "lib.txt").exists()
    shutil.rmtree(published(bench) / long)
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert len(list((published(bench) / long).iterdir())) == 500


def test_bomb_of_submodules_is_refused(bench: Workbench, origin: Origin, library: Origin) -> None:
    """A commit that names more submodules than any has fills no volume; it has a reason of its own."""
    before = bench.published()
    link(origin, {f"lib-{number}": ("../library.git", library.head) for number in range(1001)})
    failure = bench.run().failure
    assert failure is not None
    assert failure.reason == "too_many_submodules"
    assert bench.published() == before
