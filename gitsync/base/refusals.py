"""Commits that were refused, and until when: the same one is not tried again at every pass, any other at once.

Belongs to one thread.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gitsync.base.errors import GitSyncError, PublishVetoed

# Seconds.
LONG: Final = 3600.0
# What is too large stays so, and to find that out again may cost as much as a transfer may; a link leads where it does.
_AT_LEAST: Final = {"link_escapes": LONG, "too_large": LONG}
# A remote that turns between bad commits does not make us forget any of them, nor remember them for ever.
_REMEMBERED: Final = 16


@dataclass(frozen=True)
class _Refusal:
    error: GitSyncError
    failures: int
    until: float


class Refusals:
    """The commits that were refused for one reason or another; `delay` gives the seconds after so many tries."""

    def __init__(self, delay: Callable[[int], float]) -> None:
        self._delay = delay
        self._refused: dict[str, _Refusal] = {}

    def add(self, commit: str, error: GitSyncError, *, at_least: float = 0.0) -> PublishVetoed:
        """Note why a commit was refused; return the error to raise, which says when it is worth another try.

        `at_least` is the fewest seconds until then.
        """
        before = self._refused.pop(commit, None)
        failures = before.failures + 1 if before else 1
        delay = max(self._delay(failures), at_least, _AT_LEAST.get(error.reason, 0.0))
        self._refused[commit] = _Refusal(error, failures, time.monotonic() + delay)
        for forgotten in list(self._refused)[:-_REMEMBERED]:
            del self._refused[forgotten]
        return _veto(error, retry_in=delay)

    @property
    def waiting(self) -> bool:
        """Whether there is a commit whose time has not come."""
        return any(refusal.until > time.monotonic() for refusal in self._refused.values())

    def forget(self, commit: str) -> None:
        """Note that a commit is good after all."""
        self._refused.pop(commit, None)

    def lift(self, reason: str) -> None:
        """Forget what was refused for a reason that may not hold any more."""
        self._refused = {commit: each for commit, each in self._refused.items() if each.error.reason != reason}

    def check(self, commit: str) -> None:
        """Raise `PublishVetoed` for a commit whose time has not come."""
        refusal = self._refused.get(commit)
        remaining = refusal.until - time.monotonic() if refusal else 0
        if refusal and remaining > 0:
            raise _veto(refusal.error, retry_in=remaining)


def _veto(error: GitSyncError, *, retry_in: float) -> PublishVetoed:
    return PublishVetoed(str(error), reason=error.reason, hint=error.hint, retry_in=retry_in)
