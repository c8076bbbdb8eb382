"""Runs a program of the system on the volume among the commands of git: with the lock and a deadline, making way."""

import subprocess
from collections.abc import Sequence
from typing import Final

from gitsync.programs.gitcmd import Git
from gitsync.programs.process import Process, Sinks, Whole

_OUTPUT_LIMIT: Final = 65536


def run_idle(
    git: Git, arguments: Sequence[str], *, deadline: float, idle: bool, descriptors: tuple[int, ...] = ()
) -> bytes:
    """Run it until the deadline (monotonic seconds) and return what it prints; `idle` lets `Git.interrupt` end it.

    `descriptors` are open files that it gets.

    Raises `OSError` if it cannot be started, and what `Children.run` raises. Called by the worker's thread.
    """

    def start() -> Process:
        # A child that outlives us must not do so without the lock.
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(*git.inherited, *descriptors),
        )

    return git.children.run(start, deadline=deadline, sinks=Sinks(output=Whole(_OUTPUT_LIMIT)), idle=idle).stdout
