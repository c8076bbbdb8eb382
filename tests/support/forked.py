"""Does something in a child process that is killed before its N-th change of the file system, whoever asks for that.

It is quick, as nothing is started, so that a test can have all of the changes one after another.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any, Final

# https://docs.python.org/3/library/audit_events.html
_CHANGES: Final = {"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate", "os.utime"}


def killed_at(change: int, act: Callable[[], object]) -> bool:
    """Do something in a child process that is killed before its N-th change; say whether it came to that."""
    with warnings.catch_warnings():
        # The child does nothing but what is to be done, whatever other threads there are.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            sys.addaudithook(_Killer(change))
            act()
            os._exit(0)
        finally:
            os._exit(1)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {0, -signal.SIGKILL}, "it has failed"
    return ended != 0


class _Killer:
    """Counts the changes of this process, and ends it."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and arguments[2] & os.O_CREAT):
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
