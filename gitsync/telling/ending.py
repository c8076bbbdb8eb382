"""What the process ends with, and the message that it leaves of an error: `kubectl describe pod` shows it.

https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/

Used by the main thread, when all others are gone.
"""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import HINTS
from gitsync.base.printable import printable
from gitsync.base.redact import scrub
from gitsync.telling.events import Failure

# Where the kubelet looks unless the manifest says something else, and the bytes of it that it reads.
TERMINATION_LOG: Final = Path("/dev/termination-log")
_MOST: Final = 4096
_IN_PLACE: Final = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class End:
    """An exit code, and where that is no success, what has failed."""

    code: int
    failures: tuple[Failure, ...] = ()


def leave_message(path: Path, failures: Sequence[Failure]) -> None:
    """Write what has failed into a file that is there already; raise `OSError`.

    It is written in place, as it is mounted by itself, and only if it is a file that no link leads to.
    """
    with nolinks.opened(path.parent) as directory:
        descriptor = os.open(path.name, _IN_PLACE, dir_fd=directory)
    with os.fdopen(descriptor, "wb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        file.truncate()
        file.write(message(failures))


def message(failures: Sequence[Failure]) -> bytes:
    """Return reason, message and hint of each, in as many bytes as are read; where it is too much, messages are cut."""
    whole = b"".join(_told(failure, _MOST) for failure in failures)
    if len(whole) <= _MOST:
        return whole
    share = _MOST // len(failures)
    return b"".join(_told(failure, share) for failure in failures)[:_MOST].decode(errors="ignore").encode()


def _told(failure: Failure, most: int) -> bytes:
    """Return what there is to say of one, in so many bytes if reason and hint leave room for its message."""
    hint = failure.hint or HINTS.get(failure.reason)
    reason, rest = f"{failure.reason}: ".encode(), f"\nWhat to do: {hint}\n".encode() if hint else b"\n"
    said = printable(scrub(failure.message)).encode()
    return reason + said[: max(0, most - len(reason) - len(rest))].decode(errors="ignore").encode() + rest
