"""Runs a user's command in a tree: without a shell, in a group of its own, with a deadline and few variables.

`run` is called by the thread of the hook; `cancel` and `kill` by the main thread.
"""

import os.path
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gitsync.base.errors import HookError
from gitsync.base.redact import scrub
from gitsync.config import ExecHook
from gitsync.programs.process import CancelledError, Children, Ended, Process, Sinks, Tail

# Bytes.
_OUTPUT_LIMIT: Final = 64 * 1024
# Characters of the output that are told; its end says why a command failed.
_TAIL: Final = 2000


class Command:
    """A command of the configuration, and what runs of it."""

    def __init__(self, name: str, hook: ExecHook, environment: Mapping[str, str]) -> None:
        self.name = name
        self._hook = hook
        self._environment = dict(environment)
        self._children = Children()

    def run(self, commit: str, tree: Path, *, deadline: float | None = None) -> str:
        """Run the command in `tree` and return the end of its output; raise `HookError`.

        It has its own timeout, and less if `deadline` (monotonic seconds) comes earlier. Its reasons are `timeout`,
        `cancelled` and `hook`.
        """
        started = time.monotonic()
        own = started + self._hook.timeout
        until = own if deadline is None else min(own, deadline)
        try:
            ended = self._children.run(
                lambda: self._start(commit, tree), deadline=until, sinks=Sinks(output=Tail(_OUTPUT_LIMIT)), whole=False
            )
        except TimeoutError:
            waited = time.monotonic() - started
            message = f"{self.name}: not done after {waited:.1f}s, and ended with all that it had started"
            option = f"--{self.name}-timeout" if until == own else "--sync-timeout"
            raise HookError(message, reason="timeout", hint=f"raise {option} if it needs longer") from None
        except CancelledError:
            raise HookError(f"{self.name}: not run, as work on its repository is to end", reason="cancelled") from None
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            raise HookError(
                f"{self.name}: it cannot be started: {error.strerror}{where}",
                reason="hook",
                hint=f"check that --{self.name}-command names a program that is in the image and may be run",
            ) from None
        return self._outcome(ended)

    def cancel(self) -> None:
        """End the command if it runs, politely, and start it no more."""
        self._children.cancel()

    def kill(self) -> None:
        """End the command if it still runs, at once, with all that it has started."""
        self._children.kill()

    def _start(self, commit: str, tree: Path) -> Process:
        return subprocess.Popen(
            self._words(tree),
            cwd=tree,
            env={**self._environment, "GITSYNC_HASH": commit},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _words(self, tree: Path) -> list[str]:
        """Return program and arguments; git-sync takes all of it as the path of a program, which may hold spaces."""
        command = self._hook.command or ""
        # Path.is_file raises for a command that is too long to be a path.
        return [command] if os.path.isfile(tree / command) else shlex.split(command)  # noqa: PTH113

    def _outcome(self, ended: Ended) -> str:
        # What is secret has to go while it is whole.
        output = scrub(ended.stdout.decode(errors="replace").strip())
        tail = output[-_TAIL:]
        if ended.status == 0:
            return tail
        how = f"exit status {ended.status}" if ended.status > 0 else f"ended by signal {-ended.status}"
        told = f": {tail}" if tail else ", without a word"
        cancelled = self._children.cancelled
        raise HookError(f"{self.name}: {how}{told}", reason="cancelled" if cancelled else "hook")
