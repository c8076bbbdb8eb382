"""The programs under test: gitsync, and a peer that takes the same flags; run as a user would run them."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.meters import cpu_of, until
from tests.support.processes import kill_family

# No step of any measurement takes so long, in seconds.
TIMEOUT = 180.0
# So long that no pass starts by itself.
NEVER = "3600s"
PEER = "peer"
# As the image has it.
INTERPRETER = {"PYTHONOPTIMIZE": "2", "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536"}


@dataclass(frozen=True)
class Program:
    """A program that takes git-sync's flags; `flags` are those that only it knows."""

    name: str
    command: tuple[str, ...]
    flags: tuple[str, ...] = ()
    ready_path: str = "/"
    compares: bool = False

    @property
    def is_peer(self) -> bool:
        """Whether it is not gitsync."""
        return self.name == PEER


@dataclass(frozen=True)
class Place:
    """Where a program finds its repository, with which flags and variables, and where it publishes it."""

    url: str
    root: Path
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def link(self) -> Path:
        """The link that is published."""
        return self.root / "current"

    def published(self) -> str:
        """Return the last part of the link's target, nothing if there is no link."""
        try:
            return os.readlink(self.link).rpartition("/")[2]
        except OSError:
            return ""


class Daemon:
    """One run of a program; its log is in `log`."""

    def __init__(self, program: Program, place: Place, workdir: Path, flags: Sequence[str] = ()) -> None:
        self.program, self.place, self.port = program, place, _free_port()
        self.log = workdir / "log"
        home = workdir / "home"
        home.mkdir(parents=True)
        # Its path is short, as in a pod: a socket's may have 107 bytes.
        self._tmpdir = tempfile.TemporaryDirectory(prefix="b-")
        tmpdir = Path(self._tmpdir.name)
        self._marker = f"TMPDIR={tmpdir}\0".encode()
        arguments = [
            *("--repo", place.url, "--root", str(place.root), "--link", "current", "--ref", "main", "--depth", "1"),
            *("--sync-on-signal=HUP", "--max-failures=-1", "--http-metrics=true"),
            f"--http-bind=127.0.0.1:{self.port}",
        ]
        with self.log.open("wb") as log:
            self.started = time.perf_counter()
            self._process = subprocess.Popen(
                [*program.command, *arguments, *program.flags, *place.flags, *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**_environment(home, tmpdir), **place.environment},
                cwd=workdir,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            kill_family(self.pid, self._marker)
            self._process.wait()
        self._tmpdir.cleanup()

    @property
    def cpu(self) -> float:
        """The CPU seconds of the program and of all its children."""
        return cpu_of(self.pid)

    def get(self, path: str) -> tuple[int, str]:
        """GET a path; return status and body, 0 if nobody listens yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return response.status, response.read().decode()
            except OSError:
                return 0, ""

    def metric(self, name: str) -> float:
        """Return the sum of the samples of a name, or of those that have a label as in `name{label="value"}`."""
        series, _, label = name.rstrip("}").partition("{")
        pattern = re.escape(series) + r"(?:\{[^}]*" + re.escape(label) + r"[^}]*\})? (\S+)"
        return sum(float(match[1]) for match in re.finditer(rf"(?m)^{pattern}$", self.get("/metrics")[1]))

    def passes(self) -> int:
        """Return how many passes there were."""
        return int(self.metric("git_sync_count_total"))

    def wait_published(self, commit: str = "") -> float:
        """Wait for the link to lead to a commit, or to any; return when that was (`time.perf_counter`)."""

        def published() -> bool:
            name = self.place.published()
            return bool(name) if not commit else name == commit

        return self._until(published)

    def wait_ready(self, *, timeout: float = TIMEOUT) -> float:
        """Wait until the program says that it serves content; return when that was."""
        return self._until(lambda: self.get(self.program.ready_path)[0] == 200, timeout=timeout)

    def wait_pass(self, count: int) -> None:
        """Wait until there were so many passes."""
        self._until(lambda: self.passes() >= count, interval=0.02)

    def hangup(self) -> None:
        """Start a pass."""
        os.kill(self.pid, signal.SIGHUP)

    def _until(self, check: Callable[[], object], *, timeout: float = TIMEOUT, interval: float = 0.001) -> float:
        def checked() -> object:
            if self._process.poll() is not None:
                raise ChildProcessError(f"{self.program.name} has ended:\n{self.log.read_text()[-3000:]}")
            return check()

        return until(checked, timeout=timeout, interval=interval)


def _free_port() -> int:
    """Return a port that nobody uses now: not every program can say which one it has been given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(home: Path, tmpdir: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TMPDIR": str(tmpdir), **INTERPRETER}
