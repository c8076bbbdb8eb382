"""The hook before publication: what it refuses is not published.

An observer of the worker's events, on its thread: the pass waits for it. A commit that was refused is remembered and
not staged again before its backoff has passed; any other commit is tried at once.
"""

import time
from typing import Final, NoReturn

from gitsync.base.errors import HINTS, GitSyncError, HookError, PublishVetoed
from gitsync.base.log import get_logger
from gitsync.base.refusals import Refusals
from gitsync.hooks.command import Command
from gitsync.hooks.runner import Pace
from gitsync.telling.events import BeforePublish, BeforeStage, Event
from gitsync.telling.metrics import Metrics

_SHOWN_FILES: Final = 5


class Gate:
    """Runs the command in the staged tree, and refuses the tree if it fails."""

    def __init__(self, command: Command, pace: Pace, *, repo: str, metrics: Metrics) -> None:
        self._command = command
        self._repo = repo
        self._metrics = metrics
        self._log = get_logger(repo=repo, hook=command.name)
        self._refusals = Refusals(pace.delay)
        metrics.calls.expect_hook(repo, command.name)

    def notify(self, event: Event) -> None:
        """Raise `PublishVetoed` for a commit that is refused."""
        match event:
            case BeforeStage():
                self._refusals.check(event.hash)
            case BeforePublish():
                # The remote may have moved between the two.
                self._refusals.check(event.commit.hash)
                self._try(event)
            case _:
                pass

    def cancel(self) -> None:
        """End what runs, politely, and start nothing more. Called by the main thread."""
        self._command.cancel()

    def kill(self) -> None:
        """End what still runs, at once. Called by the main thread."""
        self._command.kill()

    def _try(self, event: BeforePublish) -> None:
        commit, started = event.commit.hash, time.monotonic()
        try:
            output = self._command.run(commit, event.tree, deadline=event.deadline)
        except HookError as error:
            if error.reason == "cancelled":
                raise PublishVetoed(str(error), reason="cancelled") from None
            # What it says of a hook in general is not about one that decides.
            hint = None if error.hint == HINTS["hook"] else error.hint
            self._refuse(commit, PublishVetoed(str(error), reason="gate", hint=hint))
        duration = round(time.monotonic() - started, 3)
        try:
            changed = event.changed()
        except GitSyncError as error:
            # Any other error than a veto would let the tree pass.
            raise PublishVetoed(str(error), reason=error.reason, hint=error.hint) from error
        if changed:
            names = ", ".join(changed[:_SHOWN_FILES]) + (", …" if len(changed) > _SHOWN_FILES else "")
            # A tree that is not of its commit would be taken for a damaged one, and be replaced again and again.
            message = f"{self._command.name}: it has changed files of the commit: {names}"
            self._refuse(commit, PublishVetoed(message, reason="gate_changed_files"))
        # Counted before it is told, as in the runner.
        self._metrics.calls.hook_ran(self._repo, self._command.name, success=True)
        self._log.info("hook_finished", hash=commit, duration=duration, output=output)
        self._refusals.forget(commit)

    def _refuse(self, commit: str, error: PublishVetoed) -> NoReturn:
        veto = self._refusals.add(commit, error)
        told = {"reason": veto.reason, "message": str(veto), "hint": veto.hint, "retry_in": veto.retry_in}
        self._metrics.calls.hook_ran(self._repo, self._command.name, success=False)
        self._log.error("hook_failed", hash=commit, **told)
        raise veto
