"""Runs child processes, each in a group of its own that ends whole: at its deadline, or when we end.

A `Children` belongs to one part of the program. `run` is called by the thread that does that part's work; `cancel` and
`kill` by the main thread; `interrupt` by any.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from gitsync.programs.groups import GRACE, end_group, signal_group
from gitsync.programs.pipes import join

# What went wrong is said at the end, and a program may complain of each of very many files.
_ERRORS: Final = 262144
# Few outputs are larger that are kept whole.
LARGEST: Final = 16 * 1024 * 1024
# No path, and no line about one, is this long.
_LONGEST_RECORD: Final = 1024 * 1024
_IDLE_PRIORITY: Final = 15
# A selector counts milliseconds in 31 bits.
_LONGEST_LOOK: Final = 86400.0

Process = subprocess.Popen[bytes]


class CancelledError(Exception):
    """The child was not started, because the process shuts down."""


class MadeWayError(Exception):
    """The child was ended, because there is something more urgent to do."""


@dataclass(frozen=True)
class Ended:
    """What a child has printed, and the status that it ended with."""

    stdout: bytes
    stderr: bytes
    status: int


class Sink(Protocol):
    """Where the output of a child goes. Used by the thread that runs it."""

    def add(self, part: bytes) -> None:
        """Take the next part; raise `OverflowError` if that is too much."""

    def kept(self) -> bytes:
        """Return what was kept of it."""


class Whole:
    """Keeps all of an output that has a known measure; more than `limit` bytes raise `OverflowError`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def add(self, part: bytes) -> None:
        """Take the next part."""
        self._bytes += part
        if len(self._bytes) > self._limit:
            raise OverflowError

    def kept(self) -> bytes:
        """Return all of it."""
        return bytes(self._bytes)


class Head:
    """Keeps the first `limit` bytes of an output, however long it is."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = b""

    def add(self, part: bytes) -> None:
        """Take the next part."""
        self._bytes += part[: self._limit - len(self._bytes)]

    def kept(self) -> bytes:
        """Return the beginning of it."""
        return self._bytes


class Tail:
    """Keeps the last `limit` bytes of an output."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def add(self, part: bytes) -> None:
        """Take the next part."""
        self._bytes += part
        del self._bytes[: -self._limit]

    def kept(self) -> bytes:
        """Return the end of it."""
        return bytes(self._bytes)


@dataclass(frozen=True, kw_only=True)
class Sinks:
    """Where what a child prints goes, and what it complains of: by default all of the one, and the end of the other.

    `feed` is what it is given to read, if it reads.
    """

    output: Sink = field(default_factory=lambda: Whole(LARGEST))
    errors: Sink = field(default_factory=lambda: Tail(_ERRORS))
    feed: bytes = b""


class Records:
    """Keeps the records of an output that are wanted, however long it is; `most` of them, and `count` says how many.

    Those that are kept have `largest` bytes together at most; more raise `OverflowError`.
    """

    def __init__(self, separator: bytes, *, most: int, wanted: bytes = b"", largest: int = LARGEST) -> None:
        """Want the records that start with `wanted`; each ends with `separator`."""
        self._separator = separator
        self._most = most
        self._wanted = wanted
        self._room = largest
        self._rest = b""
        self._found: list[bytes] = []
        self.count = 0

    def add(self, part: bytes) -> None:
        """Take the next part; records that are too long, one alone or together, raise `OverflowError`."""
        *records, self._rest = (self._rest + part).split(self._separator)
        if len(self._rest) > _LONGEST_RECORD:
            raise OverflowError
        wanted = [record for record in records if record.startswith(self._wanted)]
        self.count += len(wanted)
        kept = wanted[: max(0, self._most - len(self._found))]
        self._room -= sum(map(len, kept))
        if self._room < 0:
            raise OverflowError
        self._found += kept

    def kept(self) -> bytes:
        """Return the records with their separators."""
        return b"".join(record + self._separator for record in self._found)


class Children:
    """The children of one part of the program that have not ended yet."""

    def __init__(self) -> None:
        # The handler of a second signal may interrupt the main thread while it holds it.
        self._guard = threading.RLock()
        self._groups: set[int] = set()
        self._idle: set[int] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether no more children are to be started."""
        return self._cancelled

    def run(
        self, start: Callable[[], Process], *, deadline: float, sinks: Sinks, whole: bool = True, idle: bool = False
    ) -> Ended:
        """Start a child, in a session of its own, and wait for its end until the deadline (monotonic seconds).

        What it prints goes to `sinks`. `whole` means that all of it is waited for. Without it the child's own end
        counts, and what it leaves running is killed. `idle` gives it a low priority, and lets `interrupt` end it,
        which raises `MadeWayError`. Raises `TimeoutError`, `CancelledError`, `OverflowError` as a sink does, and what
        `start` raises.
        """
        with self._guard:
            if self._cancelled:
                raise CancelledError
            process = start()
            self._groups.add(process.pid)
            if idle:
                self._idle.add(process.pid)
        try:
            if idle:
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PGRP, process.pid, _IDLE_PRIORITY)
            _communicate(process, deadline, sinks=sinks, whole=whole)
        finally:
            interrupted = self._finish(process, idle=idle)
        if interrupted:
            raise MadeWayError
        return Ended(sinks.output.kept(), sinks.errors.kept(), process.returncode)

    def interrupt(self) -> None:
        """End what runs at low priority, politely."""
        with self._guard:
            for group in self._idle:
                signal_group(group, signal.SIGTERM)
            self._idle.clear()

    def cancel(self) -> None:
        """End what runs, politely, and refuse to start more."""
        self._refuse_and_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End what still runs, at once, and refuse to start more: a second signal may come before `cancel`."""
        self._refuse_and_signal(signal.SIGKILL)

    def _refuse_and_signal(self, signum: signal.Signals) -> None:
        with self._guard:
            self._cancelled = True
            for group in self._groups:
                signal_group(group, signum)

    def _finish(self, process: Process, *, idle: bool) -> bool:
        """Make sure that it has ended; say whether it was interrupted."""
        if process.poll() is None:
            end_group(process)
        with self._guard:
            self._groups.discard(process.pid)
            interrupted = idle and process.pid not in self._idle
            self._idle.discard(process.pid)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
        return interrupted


def _communicate(process: Process, deadline: float, *, sinks: Sinks, whole: bool) -> None:
    """Give it what it is to read, and read until the end; raise `TimeoutError` at the deadline."""
    end = None if whole else _end_descriptor(process)
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        join(selector, process, feed=sinks.feed, output=sinks.output.add, errors=sinks.errors.add)
        if end is not None:
            stack.callback(os.close, end)
            selector.register(end, selectors.EVENT_READ)
        until, ended = deadline, False
        while selector.get_map():
            ready = selector.select(min(max(0.0, until - time.monotonic()), _LONGEST_LOOK))
            if time.monotonic() >= until:
                if ended:
                    break  # somebody who has left the group still holds the pipe
                raise TimeoutError
            for key, _ in ready:
                if key.fd == end:
                    # Nobody has waited for the process yet, so the number still is that of its group.
                    signal_group(process.pid, signal.SIGKILL)
                    selector.unregister(end)
                    until, ended = min(until, time.monotonic() + GRACE), True
                elif key.data():
                    selector.unregister(key.fd)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None


def _end_descriptor(process: Process) -> int | None:
    """Return a descriptor that becomes readable at the end of the process, None where the system has none such."""
    try:
        return os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        return None
