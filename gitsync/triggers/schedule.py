"""When the next pass is due. Pure functions of numbers."""

from gitsync.config import Schedule

_MOST_DOUBLINGS = 30


def backoff(first: float, *, failures: int, most: float) -> float:
    """Return the seconds to wait after so many failures in a row: doubled with each, up to `most` or `first` itself."""
    return min(first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), max(most, first))


def next_delay(schedule: Schedule, *, failures: int, succeeded: bool, random: float) -> float:
    """Return the seconds to wait after a pass.

    `failures` counts those in a row, `succeeded` says whether any pass has ever succeeded, `random` is from 0 to 1.
    """
    delay = schedule.period if succeeded else schedule.init_period
    if failures:
        delay = backoff(delay, failures=failures, most=schedule.max_backoff)
    return delay * (1 + schedule.jitter * (2 * random - 1))
