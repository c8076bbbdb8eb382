"""One ssh that holds a connection to a server, which the ssh of each git command then uses.

Used by the worker's thread; `kill` also by the main thread. https://man.openbsd.org/ssh_config#ControlMaster
"""

import contextlib
import functools
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final

# So many seconds it may take to answer on this machine; it does nothing else.
_PATIENCE: Final = 2.0
_LOOK_AGAIN: Final = 0.02
# https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.mux: hello in version 4, "are you alive?", and "yes".
_HELLO: Final = struct.pack(">II", 1, 4)
_QUESTION: Final = struct.pack(">II", 0x10000004, 1)
_ANSWER: Final = struct.pack(">II", 0x80000005, 1)
_LONGEST: Final = 4096


class Master:
    """It ends with the thread that has made it, even if nobody has the time to end it."""

    def __init__(self, command: str, *, sockets: Path) -> None:
        """Start it with a command for the shell that has it listen in a directory of ours; raise `OSError`."""
        self._sockets = sockets
        self._others = set(_sockets_in(sockets))
        self._socket: Path | None = None
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            # The command may begin with variables.
            [*_bound_to_us(), "sh", "-c", f"exec env {command}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # What is wrong with a server is told by git, which is tried before and after it.
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def age(self) -> float:
        """For how many seconds it has been there."""
        return time.monotonic() - self._started_at

    def wait(self, *, deadline: float, cancelled: Callable[[], bool]) -> bool:
        """Wait until it is connected, and say whether it is; not longer than to the deadline (monotonic seconds)."""
        while time.monotonic() < deadline and not cancelled() and not self._has_ended():
            made = next((path for path in _sockets_in(self._sockets) if path not in self._others), None)
            if made:
                self._socket = made
                return self.answers()
            Event().wait(_LOOK_AGAIN)
        return False

    def answers(self) -> bool:
        """Say whether it is there and listens: a client that finds one which was stopped would wait for ever."""
        if self._socket is None:
            return False
        with contextlib.suppress(OSError, struct.error), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(str(self._socket))
            connection.sendall(b"".join(struct.pack(">I", len(part)) + part for part in (_HELLO, _QUESTION)))
            with connection.makefile("rb") as stream:
                told = [stream.read(min(_LONGEST, *struct.unpack(">I", stream.read(4)))) for _ in range(2)]
            return told[0].startswith(_HELLO) and told[1].startswith(_ANSWER)
        return False

    def kill(self) -> None:
        """End it at once, with what it has started; nobody loses anything but a connection."""
        # Until somebody waits for it, which `end` does, the number is that of its group.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End it, and remove what it leaves."""
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.unlink(missing_ok=True)

    def _has_ended(self) -> bool:
        """Say whether it has ended, and leave its number taken."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _sockets_in(directory: Path) -> list[Path]:
    """Return the sockets of masters; while one is being made its name has a dot."""
    return [path for path in directory.iterdir() if "." not in path.name]


@functools.cache
def _bound_to_us() -> tuple[str, ...]:
    """Return the words before a command that has to end with the thread which starts it: prctl(2), PR_SET_PDEATHSIG.

    Python cannot ask for it without running code between fork and exec. Nothing where the program is not there, or is
    that of busybox, which does not know how.
    """
    found = shutil.which("setpriv")
    return (found, "--pdeathsig", "KILL") if found and Path(found).resolve().name == "setpriv" else ()
