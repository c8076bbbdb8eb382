"""For how long a server wants to be left alone: the header Retry-After. A pure function, called by any thread.

https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
"""

import contextlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# More digits than a time has that anybody waits.
_LONGEST: Final = 9


def seconds_until(written: str, *, date: str) -> float | None:
    """Return the seconds that a Retry-After means, None if it is none; `date` is the header Date of that answer.

    A time is one of the server's clock, so it is compared with that, if the answer has told it.
    """
    if written.isascii() and written.isdigit():
        return float(written) if len(written) <= _LONGEST else 10.0**_LONGEST
    later = _moment(written)
    if later is None:
        return None
    return max(0.0, (later - (_moment(date) or datetime.now(UTC))).total_seconds())


def _moment(written: str) -> datetime | None:
    with contextlib.suppress(ValueError, OverflowError):
        found = parsedate_to_datetime(written)
        # Without a zone, or with -0000, it is meant so.
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None
