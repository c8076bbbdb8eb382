"""The pipes of a child: what it is to read is written, and what it prints is read, a little at a time.

Used by the thread that runs the child.
"""

import functools
import os
import select
import selectors
import subprocess
from collections.abc import Callable
from typing import IO, Final

_CHUNK: Final = 65536


def join(
    selector: selectors.BaseSelector,
    process: subprocess.Popen[bytes],
    *,
    feed: bytes,
    output: Callable[[bytes], None],
    errors: Callable[[bytes], None],
) -> None:
    """Have a selector tell when a pipe of the child is ready; `data` of its keys does the work, and says if it is done.

    `output` and `errors` are given what the child prints.
    """
    if process.stdin and feed:
        writer = _Writer(process.stdin, feed)
        selector.register(process.stdin.fileno(), selectors.EVENT_WRITE, writer.is_done)
    elif process.stdin:
        process.stdin.close()
    for stream, take in ((process.stdout, output), (process.stderr, errors)):
        if stream:
            selector.register(stream.fileno(), selectors.EVENT_READ, functools.partial(_read, stream, take))


def _read(stream: IO[bytes], take: Callable[[bytes], None]) -> bool:
    """Read some more; say whether there is no more."""
    part = os.read(stream.fileno(), _CHUNK)
    if part:
        take(part)
    return not part


class _Writer:
    """Writes what a child is to read."""

    def __init__(self, pipe: IO[bytes], feed: bytes) -> None:
        self._pipe = pipe
        self._rest = memoryview(feed)

    def is_done(self) -> bool:
        """Write some more; say whether that was all, or the child does not read on."""
        try:
            # So much a pipe takes at once where it takes anything. pipe(7)
            self._rest = self._rest[os.write(self._pipe.fileno(), self._rest[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            self._rest = self._rest[:0]
        if not self._rest:
            self._pipe.close()
        return not self._rest
