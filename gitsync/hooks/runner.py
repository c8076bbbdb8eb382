"""Runs a hook after publications, on a thread of its own: the latest one wins.

There is one slot. A publication that comes while the hook runs or waits for another try takes the slot, so the hook is
run for what is published now and never for a queue of the past. A pass only puts into the slot, and never waits. When
a damaged tree is replaced, a hook that has succeeded for the commit is not run again.
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitsync.base.backoff import backoff
from gitsync.base.errors import EXIT_FAILURE, EXIT_OK, HookError
from gitsync.base.log import get_logger
from gitsync.telling.events import Event, Failure, Published
from gitsync.telling.metrics import Metrics


class Hook(Protocol):
    """Something to run for a commit and its published tree; `run` returns what there is to tell of it."""

    name: str

    def run(self, commit: str, tree: Path) -> str:
        """Run it, on the thread of the hook; raise `HookError`."""

    def cancel(self) -> None:
        """Ask what runs to end, and refuse to start again. Called by the main thread."""

    def kill(self) -> None:
        """End what still runs, at once. Called by the main thread."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The wait after a failure in seconds, which doubles up to `most`; `once` means one try for one publication."""

    first: float
    most: float
    once: bool = False

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row."""
        return backoff(self.first, failures=failures, most=self.most)


class HookRunner:
    """One hook and its slot. `notify` is called by the worker's thread, `stop` and `kill` by the main thread."""

    def __init__(self, hook: Hook, pace: Pace, *, repo: str, metrics: Metrics) -> None:
        self.name = hook.name
        self._hook = hook
        self._repo = repo
        self._pace = pace
        self._metrics = metrics
        self._log = get_logger(repo=repo, hook=hook.name)
        self._condition = threading.Condition()
        self._slot: Published | None = None
        self._stopping = False
        # Why it has failed last, None if it has succeeded since.
        self.failure: Failure | None = None
        metrics.calls.expect_hook(repo, hook.name)

    def notify(self, event: Event) -> None:
        """Put a publication into the slot; the first pass after a start tells of what it has found published."""
        if isinstance(event, Published):
            with self._condition:
                self._slot = event
                self._condition.notify()

    def run(self) -> int:
        """Run the hook for publications until `stop`, or for one of them; return what the process may end with.

        The body of the hook's thread. A `HookError` is logged, and the hook tried again unless `once`.
        """
        pending: Published | None = None
        failures, done = 0, ""
        while True:
            newer = self._wait(self._pace.delay(failures) if pending else None)
            if self._stopping:
                return EXIT_OK
            if newer and newer.again and newer.commit.hash == done:
                # A damaged tree was replaced. What has damaged it may be the hook.
                continue
            if newer:
                pending, failures = newer, 0
            if pending is None:
                continue
            if self._attempt(pending, failures):
                done = pending.commit.hash
                pending, failures = None, 0
            else:
                failures += 1
            if self._pace.once:
                return EXIT_FAILURE if failures and not self._stopping else EXIT_OK

    def stop(self) -> None:
        """Ask the hook that runs to end, and end the waiting."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._hook.cancel()

    def kill(self) -> None:
        """End what still runs, at once."""
        self._hook.kill()

    def _wait(self, timeout: float | None) -> Published | None:
        """Return the publication that is or comes into the slot, None after the timeout."""
        with self._condition:
            self._condition.wait_for(lambda: self._slot or self._stopping, timeout)
            newer, self._slot = self._slot, None
            return newer

    def _attempt(self, event: Published, failures: int) -> bool:
        started = time.monotonic()
        told: dict[str, object] = {"hash": event.commit.hash}
        try:
            output = self._hook.run(event.commit.hash, event.tree)
        except HookError as error:
            if self._stopping:
                return False
            self.failure = Failure(reason=error.reason, message=str(error), hint=error.hint)
            told |= {"duration": round(time.monotonic() - started, 3), "reason": error.reason}
            retry_in = None if self._pace.once else self._pace.delay(failures + 1)
            # Counted before it is told, so that whoever has read the line finds it in the metrics.
            self._metrics.calls.hook_ran(self._repo, self.name, success=False)
            self._log.error("hook_failed", **told, message=str(error), hint=error.hint, retry_in=retry_in)
            return False
        self.failure = None
        told["duration"] = round(time.monotonic() - started, 3)
        self._metrics.calls.hook_ran(self._repo, self.name, success=True)
        self._log.info("hook_finished", **told, output=output)
        return True
