"""The only polling loop of the suite: everything that a test waits for and cannot be told about goes through here."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT = 60.0  # Generous: a busy machine with two cores still passes, and a passing test never waits that long.
AT_ONCE = 20.0  # What may pass, on a busy machine too, where nothing is waited for; tests compare it with "for ever".
INTERVAL = 0.02


class GaveUpError(AssertionError):
    """Raised by the polled function to say that waiting longer is pointless (the process is gone, for example)."""


def eventually(fn: Callable[[], T | None], *, timeout: float = TIMEOUT, interval: float = INTERVAL) -> T:
    """Call `fn` until it returns something true, and return that; fail with the last value or exception."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        try:
            value = fn()
            if value:
                return value
            last = f"last value: {value!r}"
        except GaveUpError:
            raise
        except Exception as error:  # whatever it is, the next turn may do better; the last one is reported
            last = f"last error: {type(error).__name__}: {error}"
        if time.monotonic() >= deadline:
            raise AssertionError(f"not true within {timeout:g} s; {last}")
        pause.wait(interval)
