"""How often what is published had to be repaired, and when it may be again: who damages it may not stop doing so."""

import time
from dataclasses import dataclass
from typing import Final

from gitsync.base.backoff import backoff

_LONGEST: Final = 3600.0
# Damage that comes later than this after the last repair has nothing to do with it.
_CALM: Final = 4 * _LONGEST


@dataclass(frozen=True, kw_only=True)
class Repairs:
    """The repairs of one commit's files in a row; times are monotonic seconds."""

    count: int = 0
    last: float = 0.0
    due_at: float = 0.0

    @property
    def wait(self) -> float:
        """The seconds that are left until the next one."""
        return max(0.0, self.due_at - time.monotonic())

    def after_another(self, first: float) -> "Repairs":
        """Return them with one more that was just made; `first` is the seconds to the next one, doubled with each."""
        now = time.monotonic()
        count = self.count + 1 if self.count and now - self.last < _CALM else 1
        return Repairs(count=count, last=now, due_at=now + backoff(first, failures=count, most=_LONGEST))
