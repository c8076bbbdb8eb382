"""A thread of its own ends in a result or an error, whether anybody still waits or not."""

from concurrent.futures import Future

import pytest

from gitsync.base.promise import fulfil


def fail() -> str:
    """Fail, in a way that nobody has thought of."""
    raise KeyError("nowhere")


def test_result() -> None:
    """Whoever waits has what the work returns."""
    future = Future[str]()
    fulfil(future, lambda: "done")
    assert future.result(0) == "done"


def test_error() -> None:
    """Whoever waits has the error that the work meets, or what is told in its place."""
    plain, told = Future[str](), Future[str]()
    fulfil(plain, fail)
    fulfil(told, fail, told=lambda error: ValueError(str(error)))
    assert isinstance(plain.exception(0), KeyError)
    with pytest.raises(ValueError, match="nowhere"):
        told.result(0)


def test_nobody_waits() -> None:
    """Neither is heard where the future was cancelled meanwhile, and nothing is raised."""
    future = Future[str]()
    future.cancel()
    fulfil(future, lambda: "done")
    fulfil(future, fail)
    assert future.cancelled()
