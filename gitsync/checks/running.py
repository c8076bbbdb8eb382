"""Makes checks in their order, each within its time."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final

from gitsync.base.errors import GitSyncError, from_os_error
from gitsync.base.promise import fulfil
from gitsync.checks.check import Check, Found, NotNeededError, Result, Subject

# Seconds that a check has to end after its deadline, at which it should have ended by itself.
_GRACE: Final = 2.0
_SLOW: Final = "what it asks does not answer: the volume, the name server or whatever the message before this one names"


def run(checks: Sequence[Check], subject: Subject) -> Iterator[Result]:
    """Make the checks, and yield what each has found as soon as that is known; raises nothing of theirs."""
    # What a check that needs one of these would only say again.
    missing: dict[str, str] = {}
    for check in checks:
        if failed := next((missing[name] for name in check.needs if name in missing), None):
            missing[check.name] = failed
            yield Result(name=check.name, outcome="skipped", message=f"not tried, as {failed!r} has failed")
            continue
        result = _make(check, subject)
        if result.outcome == "failed":
            missing[check.name] = check.name
        yield result


def _make(check: Check, subject: Subject) -> Result:
    started = time.monotonic()
    future = Future[Found]()
    work = partial(fulfil, future, partial(check.run, subject, started + check.patience))
    # Neither a volume nor a name server that hangs knows a deadline; the thread is left behind then.
    threading.Thread(target=work, name=f"check {check.name}", daemon=True).start()
    try:
        met = future.exception(check.patience + _GRACE)
    except TimeoutError as error:
        met = error
    if met:
        return _failed(check, met, time.monotonic() - started)
    found = future.result()
    return Result(
        name=check.name,
        outcome="warning" if found.cure else "ok",
        message=found.message,
        cure=found.cure,
        seconds=time.monotonic() - started,
    )


def _failed(check: Check, error: BaseException, seconds: float) -> Result:
    if isinstance(error, NotNeededError):
        return Result(name=check.name, outcome="skipped", message=str(error), seconds=seconds)
    # One of the future's, and one that the check has met, are the same class.
    if isinstance(error, TimeoutError) and not error.errno:
        message = f"not done after {check.patience:g}s"
        return Result(name=check.name, outcome="failed", message=message, cure=_SLOW, seconds=seconds)
    if isinstance(error, OSError):
        error = from_os_error(error, doing=check.name)
    cure = error.hint if isinstance(error, GitSyncError) else None
    reason = f"{error.reason}: " if isinstance(error, GitSyncError) else f"{type(error).__name__}: "
    return Result(name=check.name, outcome="failed", message=f"{reason}{error}", cure=cure, seconds=seconds)
