"""A pytest plugin: whoever leaves a file or a socket open fails, and not some later test that the collector runs in."""

import gc
import os
from collections.abc import Generator

import pytest

from tests.support.eventually import AT_ONCE, eventually

# Seconds that the threads of a server have to end.
patience = AT_ONCE
# Their fixtures of other scopes last longer than a test.
_LASTING = ("container", "shared")
_BEFORE = pytest.StashKey[frozenset[tuple[int, str]]]()


def _open() -> frozenset[tuple[int, str]]:
    """Return what this process has open: number and target of each descriptor."""
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - twice for each of some thousand tests
        try:
            found.add((int(name), os.readlink(f"/proc/self/fd/{name}")))
        except FileNotFoundError:  # the directory's own, or closed meanwhile by a thread
            continue
    return frozenset(found)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Remember what was open before the test."""
    item.stash[_BEFORE] = _open()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Fail if more is open when all fixtures have cleaned up; threads of servers have a moment to end."""
    yield
    if _left(item) and not any(map(item.get_closest_marker, _LASTING)):
        gc.collect()
        try:
            eventually(lambda: not _left(item), timeout=patience)
        except AssertionError:
            pytest.fail(f"left open: {sorted(_left(item))}", pytrace=False)


def _left(item: pytest.Item) -> frozenset[tuple[int, str]]:
    before = item.stash[_BEFORE]
    return _open() - before
