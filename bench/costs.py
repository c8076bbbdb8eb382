"""What processes cost: CPU time and memory of whole trees of them, as the kernel counts."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Short commands end before the first look, and are not slowed down by it.
_SAMPLE = 0.01


@dataclass(frozen=True)
class Cost:
    """Seconds that passed, seconds of processor time of a process and all that it has started, their most bytes."""

    wall: float
    cpu: float
    peak: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak))


def run(arguments: Sequence[str | Path], *, environment: Mapping[str, str], directory: Path | None = None) -> Cost:
    """Run a command to its end, which has to be a success; return what it cost. wait4(2)"""
    began = time.monotonic()
    process = subprocess.Popen(arguments, env=dict(environment), cwd=directory, stdout=subprocess.DEVNULL)
    with Peak(process.pid) as peak:
        # It reaps the process, so that Popen must not.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: exit code {process.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak.bytes)


def cpu_of(pid: int) -> float:
    """Return the seconds of processor time of a running process and of its children that have ended. proc(5)

    The kernel tells it in ticks, usually of 10 ms; so it is to be taken over many repetitions.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICK


def memory_of(pid: int) -> int:
    """Return the resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def has_children(pid: int) -> bool:
    """Say whether a process has children that have not ended."""
    return bool(_children(pid))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _family(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        found += _children(member)
    return found


class Peak:
    """Watches the resident memory of a process and all its descendants while the block runs.

    Pages that several of them share are counted in each, so it is an upper bound.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE):
            total = 0
            for member in _family(self._pid):
                with contextlib.suppress(OSError):
                    total += memory_of(member)
            self.bytes = max(self.bytes, total)
