"""What git says of a fetch while it goes on, for logs and pages. Used by the worker's thread.

The remote writes some of it, in any amount: so of each part that is read only the end is looked at, only lines of
exactly git's forms count, and what comes of them is a few numbers.
"""

import re
import time
from collections.abc import Callable
from typing import Final, cast

from gitsync.base.log import Logger
from gitsync.programs.process import Sink, Sinks
from gitsync.telling.progress import Phase, Progress

# Seconds between lines of the log.
_PERIOD: Final = 10.0
# More than git writes between two looks; a line of its progress is shorter than 100.
_LOOKED_AT: Final = 4096
_ENDS: Final = re.compile(rb"[\r\n]")
# https://git-scm.com/docs/pack-protocol#_packfile_data for what the remote says, with spaces behind it that wipe a line
# out; the forms are those of git's progress.c and strbuf.c.
_LINE: Final = re.compile(
    rb"(?:remote: (?P<theirs>Enumerating|Counting|Compressing)|(?P<ours>Receiving|Unpacking|Resolving))"
    rb" (?:objects|deltas): {1,4}"
    rb"(?:(?P<alone>\d{1,12})|\d{1,3}% \((?P<objects>\d{1,12})/(?P<of>\d{1,12})\))"
    rb"(?:, (?P<size>\d{1,9}(?:\.\d\d)? (?:bytes?|[KMG]iB)) \| (?P<rate>\d{1,9}(?:\.\d\d)? (?:bytes?|[KMG]iB))/s)?"
    rb"(?:, done\.|, completed with \d{1,12} local objects?\.)? {0,16}"
)
_UNITS: Final = {b"byte": 1, b"bytes": 1, b"KiB": 2**10, b"MiB": 2**20, b"GiB": 2**30}


class Overheard:
    """Listens to the error output of one fetch: `tell` is called with what is new, and the log hears of it."""

    def __init__(self, tell: Callable[[Progress], None], log: Logger, *, period: float = _PERIOD) -> None:
        self._tell = tell
        self._log = log
        self._period = period
        self._kept: Sink = Sinks().errors
        self._rest = b""
        self._logged_at = time.monotonic()
        self.last: Progress | None = None

    def add(self, part: bytes) -> None:
        """Take the next part."""
        self._kept.add(part)
        said = self._rest + part
        *lines, self._rest = _ENDS.split(said[-_LOOKED_AT:])
        if len(said) > _LOOKED_AT:
            # The end of a line may look like another one.
            del lines[:1]
        found = next(filter(None, map(_LINE.fullmatch, reversed(lines))), None)
        if found:
            self._heard(_read(found))

    def kept(self) -> bytes:
        """Return the end of all that was said."""
        return self._kept.kept()

    def _heard(self, progress: Progress) -> None:
        if progress == self.last:
            return
        self.last = progress
        self._tell(progress)
        now = time.monotonic()
        if now - self._logged_at >= self._period:
            self._logged_at = now
            self._log.info("fetch_progress", **progress.shown())


def _read(found: re.Match[bytes]) -> Progress:
    phase = (found["theirs"] or found["ours"]).decode().lower()
    of = found["of"]
    return Progress(
        phase=cast(Phase, phase),
        objects=int(found["alone"] or found["objects"]),
        of=int(of) if of else None,
        size=_bytes(found["size"]),
        rate=_bytes(found["rate"]),
    )


def _bytes(written: bytes | None) -> int | None:
    if written is None:
        return None
    count, _, unit = written.partition(b" ")
    return round(float(count) * _UNITS[unit])
