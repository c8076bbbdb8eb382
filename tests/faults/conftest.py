"""What is long runs with --long only, and is not selected otherwise; what strikes at changes of the file system."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.preload import Board, compiled
from tests.integration.conftest import make_workbench

__all__ = ["make_workbench"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --long, which is there whenever this folder, or a part of it, is named."""
    parser.addoption("--long", action="store_true", help="run the long tests of tests/faults as well")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out; they are no skips, as nothing is missing for them but time."""
    if config.getoption("--long", default=False):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that strikes."""
    return compiled(tmp_path_factory.mktemp("preload"))


@pytest.fixture
def board(library: Path, tmp_path: Path, root: Path) -> Iterator[Board]:
    """What says where it strikes."""
    with Board(library, tmp_path / "preload", root) as made:
        yield made
