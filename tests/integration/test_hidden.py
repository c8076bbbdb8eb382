"""Trees without `.git`: consumers find nothing but the files of the commit, also where submodules are nested."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base import swap
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.integration.test_submodules import link
from tests.support.git import run_git
from tests.support.origin import Origin
from tests.support.tree import assert_tree

MakeOrigin = Callable[..., Origin]
INNER = Path("lib/deep/inner")


@pytest.fixture
def inner(make_origin: MakeOrigin) -> Origin:
    """The submodule of the submodule."""
    made = make_origin("inner.git")
    made.commit({"inner.txt": "one\n", "dir/more.txt": "more\n"})
    return made


@pytest.fixture
def library(make_origin: MakeOrigin, inner: Origin) -> Origin:
    """The submodule."""
    made = make_origin("library.git")
    made.commit({"lib.txt": "one\n"})
    link(made, {"deep/inner": ("../inner.git", inner.head)})
    return made


@pytest.fixture
def make(make_workbench: MakeWorkbench, origin: Origin, library: Origin) -> Callable[..., Workbench]:
    """Return a function that builds the parts of a repository with two levels of submodules."""
    link(origin, {"lib": ("../library.git", library.head)})
    return lambda **options: make_workbench(origin.url, **{"git_dir": "hide", **options})


def again(bench: Workbench, make: Callable[..., Workbench], **options: object) -> Workbench:
    """Return the parts of a process that comes after this one, as its first pass finds them."""
    bench.close()
    made = make(**options)
    made.sync.adopt()
    return made


def pointers(top: Path) -> list[str]:
    """Return where there is a `.git` in a tree."""
    return sorted(str(path.relative_to(top).parent) for path in top.rglob(".git"))


def assert_whole(bench: Workbench, origin: Origin, library: Origin, inner: Origin, *, hidden: bool = True) -> None:
    """What is published has the files of all three, with a `.git` for each or none, and is not damaged."""
    top = bench.repo.link.resolve()
    assert pointers(top) == ([] if hidden else [".", "lib", str(INNER)])
    assert (top / "index.html").read_bytes() == run_git(origin.path, "show", "HEAD:index.html")
    assert (top / "lib" / "lib.txt").read_bytes() == run_git(library.path, "show", "HEAD:lib.txt")
    assert_tree(inner.path, top / INNER, inner.head)


def change(number: int, origin: Origin, library: Origin, inner: Origin) -> None:
    """Commit to all three, the outer ones to what the inner ones are now."""
    inner.commit({"inner.txt": f"{number}\n", f"dir/{number}.txt": "x"})
    library.commit({"lib.txt": f"{number}\n"})
    link(library, {"deep/inner": ("../inner.git", inner.head)})
    origin.commit({"index.html": f"{number}\n"})
    link(origin, {"lib": ("../library.git", library.head)})


@pytest.mark.parametrize("form", ["symlink", "exchange"])
def test_updates(make: Callable[..., Workbench], origin: Origin, library: Origin, inner: Origin, form: str) -> None:
    """Trees are used again as ever, with what is in the submodules' places, and no pass finds damage."""
    bench = make(publish=form)
    inodes = set()
    for number in range(5):
        change(number, origin, library, inner)
        assert bench.run().outcome == "updated"
        assert_whole(bench, origin, library, inner)
        assert not bench.sync.heal(deadline=soon())
        assert bench.run().outcome == "unchanged"
        bench.do_chores()
        inodes.add((bench.repo.link / INNER).stat().st_ino)
        bench = again(bench, make, publish=form)
        assert bench.run().outcome == "unchanged"
    assert len(inodes) == 2


@pytest.mark.parametrize("place", [".", "lib", str(INNER)])
@pytest.mark.parametrize("kind", ["file", "directory", "repository"])
def test_what_consumers_put_there_is_damage(
    make: Callable[..., Workbench], origin: Origin, library: Origin, inner: Origin, place: str, kind: str
) -> None:
    """A `.git` of somebody else is found, and gone, in the tree that replaces this one and in the one after that."""
    bench = make()
    assert bench.run().failure is None
    planted = bench.repo.link.resolve() / place
    if kind == "repository":
        run_git(None, "init", "--quiet", str(planted))
    elif kind == "directory":
        (planted / ".git").mkdir()
    else:
        (planted / ".git").write_text("gitdir: /elsewhere\n")
    assert bench.run().outcome == "repaired" if place == "." else bench.sync.heal(deadline=soon())
    assert bench.run().failure is None
    assert_whole(bench, origin, library, inner)
    for number in range(3):
        change(number, origin, library, inner)
        assert bench.run().outcome == "updated"
        assert_whole(bench, origin, library, inner)


@pytest.mark.parametrize("form", ["symlink", "exchange"])
def test_option_changes(
    make: Callable[..., Workbench], origin: Origin, library: Origin, inner: Origin, form: str
) -> None:
    """A start with another value publishes the commit anew, from what is there, though the remote is gone."""
    bench = make(publish=form, git_dir="keep")
    assert bench.run().failure is None
    for number, wanted in enumerate(["hide", "keep", "hide"]):
        bench = again(bench, make, publish=form, git_dir=wanted)
        if number == 0:
            origin.path.rename(origin.path.with_name("gone"))
            assert bench.run().failure
            assert pointers(bench.repo.link.resolve()) == []
            origin.path.with_name("gone").rename(origin.path)
        assert bench.run().failure is None
        assert_whole(bench, origin, library, inner, hidden=wanted == "hide")
        assert not bench.sync.heal(deadline=soon())


def test_directory_that_could_not_be_recognised(
    make: Callable[..., Workbench], origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without times of birth nothing would prove that the directory is ours, so it is not put there."""
    monkeypatch.setattr(swap, "is_lasting", lambda identity: False)
    bench = make(publish="exchange")
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "no_exchange"
    assert "--git-dir=keep" in (result.failure.hint or "")
    assert not bench.repo.link.exists()
    kept = again(bench, make, publish="exchange", git_dir="keep")
    assert kept.run().outcome == "updated"
