"""Stands between a server of git and whoever asks it, and changes the words of both, where they talk by a stream.

As a program it runs a command, and has as arguments before that a pattern and a replacement for what is asked, and
the same for what is told.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
from typing import IO

CHUNK = 65536
# A pattern, and what comes in the place of whatever it finds.
Change = tuple[bytes, bytes]
NONE: Change = (rb"(?!)", b"")


def through(asked: Change, told: Change) -> list[str]:
    """Return the words that go before the command of a server."""
    return [sys.executable, "-I", __file__, *(word.decode() for word in (*asked, *told))]


def main(arguments: list[str]) -> int:
    """Run the command until it ends."""
    asked, wanted, told, instead = (argument.encode() for argument in arguments[:4])
    with subprocess.Popen(arguments[4:], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin
        assert server.stdout
        threading.Thread(target=_copy, args=(0, server.stdin, (asked, wanted)), daemon=True).start()
        _copy(server.stdout.fileno(), sys.stdout.buffer, (told, instead))
    return server.returncode


def _copy(source: int, target: IO[bytes], change: Change) -> None:
    """Copy until the end; a line of git's comes as a whole."""
    with contextlib.suppress(BrokenPipeError), target:
        while block := os.read(source, CHUNK):
            target.write(re.sub(*change, block))
            target.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
