"""What /proc knows about processes: enough to find, freeze and end everything that a daemon started."""

import contextlib
import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.eventually import eventually

GONE = frozenset("ZX")
HALTED = frozenset("TtDZX")  # D: it waits in the kernel (for a frozen child that is about to exec) and cannot run on


@dataclass(frozen=True)
class Process:
    """One process at one moment."""

    pid: int
    parent: int
    state: str

    @property
    def arguments(self) -> list[str]:
        """Its command line."""
        return [part.decode(errors="replace") for part in _read(self.pid, "cmdline").split(b"\0") if part]

    @property
    def environment(self) -> bytes:
        """Its environment as it was at exec, NUL-separated."""
        return _read(self.pid, "environ")

    def __str__(self) -> str:
        return f"{self.pid} ({self.state}) {' '.join(self.arguments)}"


def processes() -> Iterator[Process]:
    """Yield every process that exists now, zombies too."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - thousands of calls in the crash tests
        if name.isdigit() and (content := _read(int(name), "stat")):
            state, parent = content.rpartition(b")")[2].split()[:2]
            yield Process(int(name), int(parent), state.decode())


def family(pid: int | None, marker: bytes) -> list[Process]:
    """Return the living descendants of a process, if it lives, and orphans that carry `marker` in their environment.

    Descendants of a process that died have another parent; what they inherited still tells whose they are.
    """
    alive = [process for process in processes() if process.state not in GONE]
    found = {process.pid: process for process in alive if process.pid != pid and marker in process.environment}
    ancestors: set[int | None] = {pid, *found}
    while new := [process for process in alive if process.parent in ancestors and process.pid not in {pid, *found}]:
        found.update((process.pid, process) for process in new)
        ancestors.update(process.pid for process in new)
    return sorted(found.values(), key=lambda process: process.pid)


def descendants(pid: int) -> list[int]:
    """Return the numbers of the living descendants of a process."""
    return [process.pid for process in family(pid, b"\0nobody has this in its environment\0")]


def kill_family(pid: int | None, marker: bytes) -> None:
    """SIGKILL a process and all of its family; all are frozen first, so that none starts another meanwhile."""
    frozen: set[int] = set()

    def all_frozen() -> bool:
        members = [process for process in processes() if process.pid == pid and process.state not in GONE]
        members += family(pid, marker)
        for process in members:
            if process.pid not in frozen:
                frozen.add(process.pid)
                _signal(process.pid, signal.SIGSTOP)
        return all(process.pid in frozen and process.state in HALTED for process in members)

    eventually(twice_in_a_row(all_frozen), interval=0.001)
    for member in frozen:
        _signal(member, signal.SIGKILL)
    eventually(lambda: not family(pid, marker), interval=0.002)


def signal_thread(pid: int, number: int, *, main: bool) -> None:
    """Send a signal so that one thread of a process takes it: the main thread, or one of the others.

    A signal that is sent to a process goes to any thread that does not block it; which one is the kernel's choice.
    """
    send = ctypes.CDLL(None, use_errno=True).tgkill
    others = sorted({int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()} - {pid})
    # A thread of a moment (one that reads a command's output) may be gone by now; the oldest are there to stay.
    if any(send(pid, thread, number) == 0 for thread in ([pid] if main else others)):
        return
    raise OSError(ctypes.get_errno(), f"no thread of process {pid} took signal {number}")


def twice_in_a_row(check: Callable[[], bool]) -> Callable[[], bool]:
    """Return a check that is true only if `check` was true on this call and on the one before."""
    results = [False]

    def checked() -> bool:
        results.append(check())
        return results[-1] and results[-2]

    return checked


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


class Repeating:
    """Calls a function every so many seconds, on a thread."""

    def __init__(self, call: Callable[[], None], *, interval: float) -> None:
        self._call = call
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._call()


class Sampler(Repeating):
    """Looks at a daemon's descendants all the time, and keeps what /proc shows of each."""

    def __init__(self, look: Callable[[], list[Process]]) -> None:
        super().__init__(self._sample, interval=0.001)
        self._look = look
        self.seen: set[tuple[int, str, bytes]] = set()

    def _sample(self) -> None:
        for process in self._look():
            self.seen.add((process.pid, " ".join(process.arguments), process.environment))
