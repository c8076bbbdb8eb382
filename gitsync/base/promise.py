"""What a thread of its own does for somebody who may wait no longer: it gives a result or an error, and raises nothing.

Safe to call from any thread.
"""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import TypeVar

T = TypeVar("T")


def fulfil(
    future: Future[T], work: Callable[[], T], *, told: Callable[[Exception], BaseException] = lambda error: error
) -> None:
    """Do the work, and give the future its result, or what is `told` of the error that it meets; raise nothing."""
    try:
        tell = partial(future.set_result, work())
    except Exception as error:
        tell = partial(future.set_exception, told(error))
    with contextlib.suppress(InvalidStateError):  # nobody waits any more
        tell()
