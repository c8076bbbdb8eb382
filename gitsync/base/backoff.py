"""How long to wait after failures. Pure functions of numbers, called by any thread."""

from typing import Final

_MOST_DOUBLINGS: Final = 30


def backoff(first: float, *, failures: int, most: float) -> float:
    """Return the seconds to wait after so many failures in a row: doubled with each, up to `most` or `first` itself."""
    return min(first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), max(most, first))
