"""What cannot be removed from a tree that was published holds nothing up."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gitsync.config import TREES_DIRECTORY
from gitsync.telling.events import Undeletable
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.origin import Gitlink, Origin
from tests.support.tree import assert_published
from tests.support.volumes import let_go, mount, mounts

Hold = Callable[[Path], None]

# So many directories of this name in each other have a path that is longer than the system takes.
_LONG = "d" * 200
_MANY = 25


@pytest.fixture
def hold(root: Path) -> Iterator[Hold]:
    """Return a function that makes a directory which nobody can remove, as if it were another user's."""
    yield mount
    let_go(root)


def counts(bench: Workbench) -> list[int]:
    """Return what was told of directories that resist."""
    return [event.count for event in bench.recorder.events if isinstance(event, Undeletable)]


def update(bench: Workbench, origin: Origin, content: str) -> Path:
    """Publish another commit, do all that can wait, and return where it is."""
    commit = origin.commit({"a": content})
    assert bench.run().failure is None
    assert bench.published() == commit
    bench.do_chores()
    current = bench.publisher.current()
    assert current
    return current


@pytest.mark.parametrize("place", ["__pycache__", "docs/cache"])
def test_updates_go_on(make_workbench: MakeWorkbench, origin: Origin, hold: Hold, place: str) -> None:
    """The tree is put aside with what cannot go, and that is said; all else of it goes, and other trees come."""
    bench = make_workbench(origin.url)
    for number in range(4):
        hold(update(bench, origin, str(number)) / place)
    update(bench, origin, "last")
    assert_published(origin.path, bench.repo.link)
    trees = bench.repo.root / TREES_DIRECTORY
    aside = [path for path in trees.iterdir() if path.name.startswith(".gone-")]
    assert len(aside) == len(mounts(trees)) - 1 == counts(bench)[-1]
    for path in aside:
        assert [str(held.relative_to(path)) for held in path.rglob("*") if not any(held.glob("*"))] == [place]
    assert len(list(trees.iterdir())) == len(aside) + 2


def test_it_is_said_once(make_workbench: MakeWorkbench, origin: Origin, hold: Hold) -> None:
    """There is one warning, with the place and who decides about it, however often it is met."""
    bench = make_workbench(origin.url)
    with capture_logs() as lines:
        for number in range(5):
            hold(update(bench, origin, str(number)) / "cache")
    (line,) = [line for line in lines if line["log_level"] == "warning"]
    assert line["event"] == "undeletable"
    assert line["path"].endswith("/cache")
    assert line["owner"] == 0


def test_next_process_goes_on(make_workbench: MakeWorkbench, origin: Origin, hold: Hold, root: Path) -> None:
    """A later process says so as well, and removes what can be removed by then."""
    bench = make_workbench(origin.url)
    for number in range(3):
        hold(update(bench, origin, str(number)) / "cache")
    bench.close()
    again = make_workbench(origin.url)
    assert again.sync.adopt()
    update(again, origin, "4")
    assert counts(again)
    again.close()
    let_go(root)
    last = make_workbench(origin.url)
    update(last, origin, "5")
    assert not counts(last)
    assert not [path for path in (root / TREES_DIRECTORY).iterdir() if path.name.startswith(".gone-")]


def test_what_others_have_removed_counts_no_more(
    make_workbench: MakeWorkbench, origin: Origin, hold: Hold, root: Path
) -> None:
    """When its owner has removed it after all, the number falls."""
    bench = make_workbench(origin.url)
    for number in range(3):
        hold(update(bench, origin, str(number)) / "cache")
    assert counts(bench)[-1] > 0
    for path in [path for path in mounts(root) if ".gone-" in str(path)]:
        subprocess.run(["umount", str(path)], check=True)
        path.rmdir()
        path.parent.rmdir()
    update(bench, origin, "more")
    assert counts(bench)[-1] == len(mounts(root)) - 1


def test_submodule(
    make_workbench: MakeWorkbench, origin: Origin, make_origin: Callable[[str], Origin], hold: Hold
) -> None:
    """The same in the tree of a submodule."""
    library = make_origin("library.git")
    commit = library.commit({"lib.txt": "lib\n"})
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {library.url}\n'
    origin.commit({".gitmodules": modules, "lib": Gitlink(commit)})
    bench = make_workbench(origin.url)
    for number in range(4):
        submodule = update(bench, origin, str(number)) / "lib"
        assert {path.name for path in submodule.iterdir()} == {".git", "lib.txt"}
        hold(submodule / "cache")
    assert counts(bench)


def test_tree_that_cannot_be_renamed(make_workbench: MakeWorkbench, origin: Origin, hold: Hold) -> None:
    """A tree that nobody can move is emptied, and the others are retired all the same."""
    bench = make_workbench(origin.url)
    first = update(bench, origin, "0")
    held = first.parent / ("0" * 40)
    hold(held)
    (held / "file").touch()
    for number in range(1, 4):
        update(bench, origin, str(number))
    assert not first.exists()
    assert list(held.iterdir()) == []
    assert counts(bench) == [1]


def test_directories_too_deep_for_git(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What git cannot remove, as its path is too long, keeps no update either, and is removed in the end."""
    bench = make_workbench(origin.url)
    for number in range(4):
        directory = os.open(update(bench, origin, str(number)), os.O_RDONLY)
        for _ in range(_MANY):
            os.mkdir(_LONG, dir_fd=directory)
            inner = os.open(_LONG, os.O_RDONLY, dir_fd=directory)
            os.close(directory)
            directory = inner
        os.close(directory)
    update(bench, origin, "last")
    assert_published(origin.path, bench.repo.link)
    assert not counts(bench)
