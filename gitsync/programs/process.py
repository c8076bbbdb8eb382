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
from dataclasses import dataclass
from typing import Final

# Between TERM and KILL: git removes its lock files on TERM, which takes it milliseconds.
_GRACE: Final = 0.4
_LOOK_AGAIN: Final = 0.01
_CHUNK: Final = 65536
_IDLE_PRIORITY: Final = 15

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
        self, start: Callable[[], Process], *, deadline: float, limit: int, whole: bool = True, idle: bool = False
    ) -> Ended:
        """Start a child, in a session of its own, and wait for its end until the deadline (monotonic seconds).

        `whole` means that its output is what we want: all of it is waited for, and more than `limit` bytes raise
        `OverflowError`. Without it the child's own end counts, what it leaves running is killed, and the last bytes of
        its output are returned. `idle` gives it a low priority, and lets `interrupt` end it, which raises
        `MadeWayError`. Raises `TimeoutError`, `CancelledError`, and what `start` raises.
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
            stdout, stderr = _communicate(process, deadline, limit=limit, whole=whole)
        finally:
            interrupted = self._finish(process, idle=idle)
        if interrupted:
            raise MadeWayError
        return Ended(stdout, stderr, process.returncode)

    def interrupt(self) -> None:
        """End what runs at low priority, politely."""
        with self._guard:
            for group in self._idle:
                _signal_group(group, signal.SIGTERM)
            self._idle.clear()

    def cancel(self) -> None:
        """End what runs, politely, and refuse to start more."""
        with self._guard:
            self._cancelled = True
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End what still runs, at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, signum: signal.Signals) -> None:
        with self._guard:
            for group in self._groups:
                _signal_group(group, signum)

    def _finish(self, process: Process, *, idle: bool) -> bool:
        """Make sure that it has ended; say whether it was interrupted."""
        if process.poll() is None:
            _end_group(process)
        with self._guard:
            self._groups.discard(process.pid)
            interrupted = idle and process.pid not in self._idle
            self._idle.discard(process.pid)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
        return interrupted


def _communicate(process: Process, deadline: float, *, limit: int, whole: bool) -> tuple[bytes, bytes]:
    """Read until the end; raise `TimeoutError` at the deadline, `OverflowError` for too much output."""
    buffers = {stream.fileno(): bytearray() for stream in (process.stdout, process.stderr) if stream}
    end = None if whole else _end_descriptor(process)
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for descriptor in buffers:
            selector.register(descriptor, selectors.EVENT_READ)
        if end is not None:
            stack.callback(os.close, end)
            selector.register(end, selectors.EVENT_READ)
        until, ended = deadline, False
        while selector.get_map():
            ready = selector.select(max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                if ended:
                    break  # somebody who has left the group still holds the pipe
                raise TimeoutError
            for key, _ in ready:
                if key.fd == end:
                    # Nobody has waited for the process yet, so the number still is that of its group.
                    _signal_group(process.pid, signal.SIGKILL)
                    selector.unregister(end)
                    until, ended = min(until, time.monotonic() + _GRACE), True
                elif not _read(key.fd, buffers[key.fd], limit=limit, whole=whole):
                    selector.unregister(key.fd)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    stdout, stderr = (bytes(buffers[stream.fileno()]) if stream else b"" for stream in (process.stdout, process.stderr))
    return stdout, stderr


def _read(descriptor: int, buffer: bytearray, *, limit: int, whole: bool) -> bool:
    """Add what can be read; return False at the end of the stream."""
    chunk = os.read(descriptor, _CHUNK)
    buffer += chunk
    if len(buffer) > limit:
        if whole:
            raise OverflowError
        del buffer[:-limit]
    return bool(chunk)


def _end_descriptor(process: Process) -> int | None:
    """Return a descriptor that becomes readable at the end of the process, None where the system has none such."""
    try:
        return os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        return None


def _signal_group(group: int, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)


def _end_group(process: Process) -> None:
    """End a child and all that it has started: ask first, so that lock files are removed, then do not ask."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    # Helpers that outlived the child itself are gone as soon as their new parent has noticed.
    _signal_group(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + _GRACE
    while _group_exists(process.pid) and time.monotonic() < deadline:
        threading.Event().wait(_LOOK_AGAIN)


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
