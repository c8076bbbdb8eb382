"""For how long a server wants to be left alone."""

import pytest

from gitsync.base.retryafter import seconds_until

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 400, 1e9),
        ("Sun, 06 Nov 1994 08:51:37 GMT", 120.0),
        ("Sunday, 06-Nov-94 08:51:37 GMT", 120.0),
        ("Sun Nov  6 08:51:37 1994", 120.0),
        ("Sun, 06 Nov 1994 10:51:37 +0200", 120.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        *((odd, None) for odd in ("", "-1", "1.5", "soon", "\u0663", "Sun, 99 Nov 1994 08:51:37 GMT", "120 s", "1e3")),
    ],
)
def test_seconds(written: str, seconds: float | None) -> None:
    """Digits are seconds, and a time is one of the server's clock; what is neither is nothing."""
    assert seconds_until(written, date=DATE) == seconds


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_our_clock(date: str) -> None:
    """Where the server has not told its time, ours has to do."""
    assert seconds_until(DATE, date=date) == 0.0
    assert (seconds_until("Sat, 06 Nov 2094 08:49:37 GMT", date=date) or 0) > 1e9
