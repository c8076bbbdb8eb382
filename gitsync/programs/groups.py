"""Ends a process with all that it has started: its group. Used by whoever runs it."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from typing import Final

# Between TERM and KILL: git removes its lock files on TERM, which takes it milliseconds.
GRACE: Final = 0.4
_LOOK_AGAIN: Final = 0.01


def signal_group(group: int, signum: signal.Signals) -> None:
    """Send a signal to whatever is left of a group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a child and all that it has started: ask first, so that lock files are removed, then do not ask."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        signal_group(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    # Helpers that outlived the child itself are gone as soon as their new parent has noticed.
    signal_group(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + GRACE
    while _exists(process.pid) and time.monotonic() < deadline:
        threading.Event().wait(_LOOK_AGAIN)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
