"""What is long runs with --long only, and is not selected otherwise."""

import pytest

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
