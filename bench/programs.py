"""Programs that take git-sync's flags, run as a user would: gitsync itself, and others to compare it with."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bench.costs import Peak, cpu_of, has_children, memory_of

_PATIENCE = 120.0
_LOOK = 0.001
_SELDOM = 1.0


@dataclass(frozen=True)
class Program:
    """A program: its name in the table, its command, and the flags that only it knows."""

    name: str
    command: tuple[str, ...]
    flags: tuple[str, ...] = ()
    ready_path: str = "/"
    # The flags with which it compares what is published with the commit all the time, if it can.
    comparing: tuple[str, ...] = ()

    @classmethod
    def gitsync(cls, python: Path | None) -> "Program":
        """Return gitsync, run by the Python of an environment that has nothing else, or by ours."""
        command = (str(python or sys.executable), "-m", "gitsync")
        # A comparison of files, or a random pause, in the middle of a measurement would blur it.
        return cls(
            "gitsync",
            command,
            flags=("--heal-period=0", "--jitter=0"),
            ready_path="/readyz",
            comparing=("--heal-period=250ms", "--jitter=0"),
        )

    @classmethod
    def peer(cls, command: str) -> "Program":
        """Return another program."""
        words = tuple(shlex.split(command))
        return cls(Path(words[0]).name, words)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(check: Callable[[], bool], *, what: str, every: float = _LOOK) -> None:
    """Wait until a check is true; raise `TimeoutError` if it does not become so."""
    deadline = time.monotonic() + _PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_PATIENCE:g} s for {what}")
        time.sleep(every)


@dataclass
class Running:
    """A program that runs."""

    program: Program
    process: subprocess.Popen[bytes]
    began: float
    link: Path
    port: int
    log: Path = field(repr=False)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def published(self) -> str:
        """Return the hash that the link names, empty without a link."""
        try:
            return os.readlink(self.link).rpartition("/")[2]
        except OSError:
            return ""

    def wait_published(self, commit: str) -> float:
        """Wait until the link names a commit; return the time, monotonic."""
        self._until(lambda: self.published() == commit, f"{commit} at {self.link}")
        return time.monotonic()

    def wait_ready(self) -> float:
        """Wait until the program says that it is ready; return the time, monotonic."""
        self._until(lambda: self._get(self.program.ready_path) is not None, "readiness")
        return time.monotonic()

    def trigger_and_wait(self, commit: str) -> tuple[float, float]:
        """Start a pass, and wait until a commit is published; return when it began and when it was, monotonic."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGHUP)
        return began, self.wait_published(commit)

    def peak(self) -> Peak:
        """Return what watches its memory, and that of all that it starts."""
        return Peak(self.pid)

    def sample(self, name: str, **labels: str) -> float:
        """Return a sample of /metrics, 0 if there is none."""
        for family in text_string_to_metric_families(self._get("/metrics") or ""):
            for each in family.samples:
                if each.name == name and labels.items() <= each.labels.items():
                    return float(each.value)
        return 0.0

    def wait_sample(self, more: int, name: str, **labels: str) -> float:
        """Wait until a sample has grown by at least so much; return by how much it has."""
        before = self.sample(name, **labels)
        # Each look costs the program as much as half a poll.
        self._until(lambda: self.sample(name, **labels) >= before + more, f"{more} more {name}", every=_SELDOM)
        return self.sample(name, **labels) - before

    def wait_idle_polls(self, more: int) -> float:
        """Wait for so many more polls that find nothing new; return how many there were."""
        return self.wait_sample(more, "git_sync_count_total", status="noop")

    def cpu(self) -> float:
        """Return the seconds of processor time used so far, of all its children that have ended too."""
        return cpu_of(self.pid)

    def cpu_when_quiet(self) -> float:
        """Return the same once no child runs any more."""
        self._until(lambda: not has_children(self.pid), "the end of its children", every=0.02)
        return self.cpu()

    def memory(self) -> int:
        """Return its resident bytes."""
        return memory_of(self.pid)

    def _get(self, path: str) -> str | None:
        address = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=10) as response:
                return str(response.read().decode())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def _until(self, check: Callable[[], bool], what: str, *, every: float = _LOOK) -> None:
        def checked() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.program.name} ended with {self.process.returncode}: {self.log.read_text()}")
            return check()

        try:
            until(checked, what=what, every=every)
        except TimeoutError as error:
            raise TimeoutError(f"{self.program.name}: {error}; its log: {self.log.read_text()}") from None


@contextlib.contextmanager
def running(
    program: Program, url: str, root: Path, *flags: str, stale: str = "0s", period: str = "1h"
) -> Iterator[Running]:
    """Run a program for a repository; end it, and wait for its end, after the block."""
    port = free_port()
    arguments = [
        *program.command,
        f"--repo={url}",
        "--ref=main",
        f"--root={root}",
        "--link=link",
        f"--period={period}",
        f"--stale-worktree-timeout={stale}",
        "--sync-on-signal=HUP",
        "--max-failures=-1",
        f"--http-bind=127.0.0.1:{port}",
        "--http-metrics=true",
        *program.flags,
        *flags,
    ]
    with tempfile.NamedTemporaryFile(dir=root.parent, prefix="log-", delete=False) as log:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(root.parent)}
        began = time.monotonic()
        process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    started = Running(program, process, began, root / "link", port, Path(log.name))
    try:
        yield started
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
