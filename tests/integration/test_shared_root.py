"""Repositories that share a root: each works in a directory of its own there, and only the links lie side by side."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.config import REPOSITORIES_DIRECTORY
from tests.integration.conftest import MakeWorkbench
from tests.support.git_sync import TREES, write_root
from tests.support.origin import Origin
from tests.support.tree import assert_published


@pytest.fixture
def works(root: Path) -> Path:
    """Where the directories of all of them lie."""
    return root / REPOSITORIES_DIRECTORY


def test_side_by_side(make_workbench: MakeWorkbench, origin: Origin, root: Path, works: Path) -> None:
    """Two of one URL, at work at one time, publish and update each its own trees, and find them after a restart."""
    names = ("site", "docs")
    benches = [make_workbench(origin.url, link=name, work=works / name) for name in names]
    for content in ("second\n", "third\n", "fourth\n"):
        for bench in benches:
            assert bench.run().outcome == "updated"
            bench.do_chores()
            assert_published(origin.path, bench.repo.link)
        origin.commit({"index.html": content})
    assert {path.name for path in root.iterdir()} == {*names, REPOSITORIES_DIRECTORY}
    for name, bench in zip(names, benches, strict=True):
        assert {path.name for path in (works / name).iterdir()} == {".gitsync", ".worktrees"}
        assert (root / name).resolve().is_relative_to(works / name / ".worktrees")
        bench.close()
        again = make_workbench(origin.url, link=name, work=works / name)
        assert again.sync.adopt()
        assert again.run().outcome == "updated"
        assert_published(origin.path, again.repo.link)


def lead_away(path: Path, elsewhere: Path) -> None:
    """Put a link in the place of a directory."""
    shutil.rmtree(path)
    path.symlink_to(elsewhere)


def replace_by_file(path: Path, elsewhere: Path) -> None:
    """Put a file in the place of a directory."""
    shutil.rmtree(path)
    path.write_text("x")


@pytest.mark.parametrize("replace", [lead_away, replace_by_file], ids=["a link", "a file"])
@pytest.mark.parametrize("place", [".", "site"], ids=["of all", "of one"])
def test_what_others_put_there(
    make_workbench: MakeWorkbench,
    origin: Origin,
    works: Path,
    tmp_path: Path,
    place: str,
    replace: Callable[[Path, Path], None],
) -> None:
    """What stands in the place of the directories goes itself; where a link leads nothing is touched."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "site" / ".gitsync").mkdir(parents=True)
    (elsewhere / ".gitsync").mkdir()
    before = sorted(elsewhere.rglob("*"))
    bench = make_workbench(origin.url, link="site", work=works / "site")
    bench.run()
    replace(works / place, elsewhere)
    outcomes = [bench.run().outcome for _ in range(3)]
    assert outcomes[-1] == "unchanged", outcomes
    assert_published(origin.path, bench.repo.link)
    assert bench.repo.link.resolve().is_relative_to(works / "site" / ".worktrees")
    assert sorted(elsewhere.rglob("*")) == before


def test_left_overs_of_git_sync_stay(make_workbench: MakeWorkbench, origin: Origin, root: Path, works: Path) -> None:
    """Nobody knows which of them would have to take over, and when the readers of all are gone."""
    tree = write_root(root, origin, TREES["v3"])
    bench = make_workbench(origin.url, link="site", work=works / "site")
    for _ in range(2):
        assert bench.run().failure is None
        origin.commit({"index.html": "second\n"})
    assert tree.is_dir()
    assert (root / ".git").is_dir()
