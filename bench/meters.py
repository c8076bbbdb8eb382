"""What a process and its children cost: time, CPU, memory, and how many processes of git there were."""

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import Repeating

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# How often memory is looked at, in seconds.
_SAMPLING = 0.005
_QUIET = 0.1


@dataclass(frozen=True)
class Spent:
    """What some commands took: seconds by the clock, and seconds of CPU with all children."""

    wall: float
    cpu: float


def spend(commands: Sequence[Sequence[str]], *, environment: Mapping[str, str], peak: "Peak | None" = None) -> Spent:
    """Run commands one after the other and return what they took; raise `OSError` if one fails."""
    wall = cpu = 0.0
    for command in commands:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if peak:
            peak.watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall += time.perf_counter() - started
        cpu += usage.ru_utime + usage.ru_stime
        # Popen has not seen the end, and would look for it.
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise OSError(f"{' '.join(command)} ended with {process.returncode}")
    return Spent(wall, cpu)


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU that a process, the children it has waited for and those that it has now have used.

    In steps of 10 ms each.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    used = sum(map(int, fields[11:15])) / _TICKS
    for child in children(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            used += cpu_of(child)
    return used


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still are, whichever thread of it did."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, (task / "children").read_text().split())
    return found


def staying(pid: int) -> list[int]:
    """Return the children of a process that stay while it rests: an ssh that holds a connection for others (`-M`)."""
    return [child for child in children(pid) if b"-M" in _command(child).split(b"\0")]


def memory_of(pid: int) -> int:
    """Return the resident bytes of one process, 0 if it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def own_memory_of(pid: int) -> int:
    """Return the resident bytes that are one process's own (anonymous), and no pages of files that others may share."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))
    return 0


def memory_of_tree(pid: int) -> int:
    """Return the resident bytes of a process and all below it; what they share counts in each.

    A child that has not become another program yet has its parent's memory, not one of its own.
    """
    command = _command(pid)
    own = [child for child in children(pid) if _command(child) != command]
    return memory_of(pid) + sum(map(memory_of_tree, own))


def _command(pid: int) -> bytes:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def settle(pid: int, *, timeout: float) -> float:
    """Wait until a process has no children but those that stay, and uses no CPU; return how much it has used."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    last, since = cpu_of(pid), time.monotonic()
    while time.monotonic() < deadline:
        now = cpu_of(pid)
        if now != last or len(children(pid)) > len(staying(pid)):
            last, since = now, time.monotonic()
        elif time.monotonic() - since >= _QUIET:
            return now
        pause.wait(_SAMPLING)
    raise TimeoutError(f"process {pid} does not come to rest within {timeout:g} s")


class Peak(Repeating):
    """Watches the memory of one tree of processes at a time, on a thread, and keeps the most bytes that it ever had."""

    def __init__(self) -> None:
        super().__init__(self._look, interval=_SAMPLING)
        self.bytes = 0
        self._pid = 0

    def watch(self, pid: int) -> None:
        """Look at this process and its children from now on."""
        self._pid = pid

    def _look(self) -> None:
        if self._pid:
            self.bytes = max(self.bytes, memory_of_tree(self._pid))


def until(check: Callable[[], object], *, timeout: float, interval: float = 0.001) -> float:
    """Call `check` every so many seconds until it is true; return when that was (`time.perf_counter`)."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not check():
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not done within {timeout:g} s")
        pause.wait(interval)
    return time.perf_counter()


def traced(directory: Path) -> tuple[int, int]:
    """Return how many processes of git have left a trace there (trace2), and how many of them no other git started."""
    identifiers = [json.loads(path.read_text().split("\n", 1)[0])["sid"] for path in directory.iterdir()]
    return len(identifiers), sum("/" not in identifier for identifier in identifiers)


def disk_usage(path: Path) -> int:
    """Return the bytes that are allocated below a directory."""
    printed = subprocess.run(["du", "-sk", "--", path], capture_output=True, check=True).stdout
    return int(printed.split()[0]) * 1024
