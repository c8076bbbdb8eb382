"""What is long runs with --long only, and is not selected otherwise; what strikes at changes of the file system."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.figures import Figures, RecordProperty, note_areas
from tests.faults.preload import Board, compiled
from tests.integration.conftest import make_workbench

__all__ = ["make_workbench"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --long, which is there whenever this folder, or a part of it, is named."""
    parser.addoption("--long", action="store_true", help="run the long tests of tests/faults as well")
    parser.addoption("--write", action="store_true", help="write how much was made happen into docs/reliability.md")


def pytest_configure(config: pytest.Config) -> None:
    """Count, where that is asked for; workers only tell."""
    if config.getoption("--write", default=False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures("scripts/faults" + " --long" * config.getoption("--long")))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out; they are no skips, as nothing is missing for them but time."""
    note_areas(items)
    if config.getoption("--long", default=False):
        # The longest one is not to begin when all others are done.
        items.sort(key=_patience, reverse=True)
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def _patience(item: pytest.Item) -> float:
    """Return how many seconds a test may take, where it says that, else 0."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that strikes."""
    return compiled(tmp_path_factory.mktemp("preload"))


@pytest.fixture
def board(library: Path, tmp_path: Path, root: Path, record_property: RecordProperty) -> Iterator[Board]:
    """What says where it strikes."""
    with Board(library, tmp_path / "preload", root) as made:
        yield made
        if made.rounds:
            record_property("faults", made.rounds)
