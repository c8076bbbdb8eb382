"""The real program as a process: started in a clean environment, observed by its log, its HTTP port and /proc."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar, cast

from prometheus_client.parser import text_string_to_metric_families

from tests.support.eventually import AT_ONCE, TIMEOUT, GaveUpError, eventually
from tests.support.processes import Process, family, kill_family
from tests.support.tree import published_hash

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
LOG_LINES_SHOWN = 150
LOOPBACK = "127.0.0.1"
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with

Event = dict[str, Any]
T = TypeVar("T")


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    *,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Send one HTTP request; return status and body."""
    connection.request(method, path, body=body, headers=dict(headers or {}))
    response = connection.getresponse()
    return response.status, response.read().decode()


class DaemonProcess:
    """`python -m gitsync …` with JSON logs, in a session and a temporary directory of its own."""

    def __init__(
        self,
        *arguments: str,
        workdir: Path,
        environment: Mapping[str, str] | None = None,
        launcher: Sequence[str] = (),
    ) -> None:
        """Start it, by another program if there is a launcher."""
        self.arguments = [*launcher, sys.executable, "-m", "gitsync", *arguments]
        self.tmpdir = Path((environment or {}).get("TMPDIR", workdir / "tmp"))
        self.home = workdir / "home"
        self.link: Path | None = None
        for directory in (self.tmpdir, self.home):
            directory.mkdir(parents=True, exist_ok=True)
        # The program hands TMPDIR on to its children, so this unique value marks them even when they are orphans.
        self._marker = f"TMPDIR={self.tmpdir}\0".encode()
        self._news = threading.Condition()
        self._lines: list[str] = []
        self._events: list[Event] = []
        self._ended = False
        self._port = 0
        with (workdir / "stdout").open("ab") as stdout:
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                env=self._environment(environment or {}),
                cwd=workdir,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "TMPDIR": str(self.tmpdir),
            "PYTHONPATH": str(PACKAGE_ROOT),
            **coverage,
            **extra,
        }

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    # --- the log ---

    def _read(self) -> None:
        for raw in cast(IO[bytes], self.process.stderr):
            line = raw.decode(errors="replace").rstrip("\n")
            event: Event | None = None
            with contextlib.suppress(ValueError):
                event = json.loads(line)
            with self._news:
                self._lines.append(line)
                if isinstance(event, dict):
                    self._events.append(event)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def log_text(self) -> str:
        """Return everything written to stderr so far."""
        with self._news:
            return "\n".join(self._lines)

    def logs(self, event: str | None = None, *, since: int = 0, **fields: object) -> list[Event]:
        """Return the log's JSON lines from a mark on, all or those of one event with these values."""
        with self._news:
            return [line for line in self._events[since:] if _fits(line, event, fields)]

    def mark(self) -> int:
        """Return a position in the log: `since` for what comes later."""
        with self._news:
            return len(self._events)

    def wait_event(self, event: str, *, timeout: float = TIMEOUT, since: int = 0, **fields: object) -> Event:
        """Wait for a log line of this event with these values, and return it."""
        return self.wait_events(event, count=1, timeout=timeout, since=since, **fields)[0]

    def wait_events(
        self, event: str, *, count: int, timeout: float = TIMEOUT, since: int = 0, **fields: object
    ) -> list[Event]:
        """Wait for `count` log lines of this event with these values, and return them all."""
        with self._news:
            self._news.wait_for(lambda: self._ended or len(self.logs(event, since=since, **fields)) >= count, timeout)
            found = self.logs(event, since=since, **fields)
        if len(found) < count:
            state = f"the process ended with {self.process.poll()}" if self._ended else f"waited {timeout:g} s"
            self.fail(f"{len(found)} of {count} log lines {event} {fields or ''}: {state}")
        return found

    def fail(self, message: str) -> None:
        """Fail with a message and the end of the log."""
        raise GaveUpError(f"{message}\n{self.describe()}")

    def describe(self) -> str:
        """Return the command, its state and the end of its log."""
        shown = "\n".join(self.log_text().splitlines()[-LOG_LINES_SHOWN:])
        return (
            f"$ {' '.join(self.arguments)}\nexit code: {self.process.poll()}\n--- log ---\n{shown}\n--- end of log ---"
        )

    # --- HTTP ---

    @property
    def port(self) -> int:
        """The port that the program listens on, as its log says."""
        if not self._port:
            self._port = int(self.wait_event("http_listening")["port"])
        return self._port

    @property
    def host(self) -> str:
        """The address that the program listens on, or one of them, as its log says."""
        address = str(self.wait_event("http_listening")["address"])
        return LOOPBACK if address in EVERYWHERE else address

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> tuple[int, str]:
        """Send one HTTP request; return status and body."""
        with contextlib.closing(http.client.HTTPConnection(self.host, self.port, timeout=timeout)) as connection:
            return ask(connection, method, path, body=body, headers=headers)

    def get(self, path: str, *, timeout: float = TIMEOUT) -> tuple[int, str]:
        """GET a path; return status and body."""
        return self.request("GET", path, timeout=timeout)

    def post(self, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """POST a body; return status and body."""
        return self.request("POST", path, body=body, headers=headers)

    def status(self) -> dict[str, Any]:
        """Return the one repository's part of /status."""
        return cast(dict[str, Any], json.loads(self.get("/status")[1])["repos"][0])

    def metrics(self, repo: str | None = None) -> dict[str, float]:
        """Return every sample of /metrics; names are written `name{label="value",…}`, labels sorted.

        The label `repo` is left out: where there are several repositories, those of one are returned.
        """
        found = {}
        for metric in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in metric.samples:
                labels = dict(sample.labels)
                if labels.pop("repo", repo) == repo or repo is None:
                    found[name_sample(sample.name, labels)] = float(sample.value)
        return found

    def threads(self) -> dict[str, int]:
        """Return the identities of the threads by their names (needs --http-pprof)."""
        lines = self.get("/debug/pprof/")[1].splitlines()
        heads = [line for line in lines if line.endswith(")") and not line.startswith(" ")]
        return {name: int(ident.rstrip(")")) for name, ident in (head.rsplit(" (", 1) for head in heads)}

    def wait_ready(self, *, timeout: float = TIMEOUT) -> None:
        """Wait until /readyz answers 200, and the log has told of the pass that it is due to, if it is due to one."""
        self.until(lambda: self.get("/readyz")[0] == 200, timeout=timeout)
        if self.status()["last_success"]:
            self.wait_event("ready", timeout=timeout)

    def until(self, check: Callable[[], T | None], *, timeout: float = TIMEOUT) -> T:
        """Poll as `eventually` does, but fail at once when the process has ended, and show the log."""

        def checked() -> T | None:
            ended = self.process.poll() is not None  # asked first: what it did last still counts
            value = check()
            if not value and ended:
                self.fail("the process has ended")
            return value

        try:
            return eventually(checked, timeout=timeout)
        except GaveUpError:
            raise
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.describe()}") from None

    def wait_published(self, commit: str, *, timeout: float = TIMEOUT) -> None:
        """Wait until the link names this commit."""
        link = cast(Path, self.link)
        self.until(lambda: link.is_symlink() and published_hash(link) == commit, timeout=timeout)

    def sync_by_signal(self) -> Event:
        """Start a pass by SIGHUP, wait for its end, and return its log line (needs --sync-on-signal=HUP).

        A push to a local repository starts passes, too: the signal may share one with it, or come when all is done.
        Without -v1 a pass that changed nothing has no line.
        """
        series = 'gitsync_triggers_total{source="signal"}'
        self.until(self._between_passes)
        mark, before = self.mark(), self.metrics()
        self.signal(signal.SIGHUP)
        self.until(lambda: self.metrics()[series] > before[series] and self._between_passes())
        lines = self.logs("sync_finished", since=mark)
        by_signal = [line for line in lines if "signal" in line["trigger"].split(",")]
        return by_signal[-1] if by_signal else {"event": "sync_finished", "outcome": "unchanged"}

    def sync_to(self, commit: str) -> None:
        """Start a pass by SIGHUP; it, or one that a watched file has started before it, has to publish a commit."""
        event = self.sync_by_signal()
        assert event["outcome"] != "failed", self.describe()
        self.wait_published(commit)

    def _between_passes(self) -> bool:
        """Tell whether no pass runs, and the log has told of all that have; that comes last."""
        if self.status()["next_pass"] is None:
            return False
        talkative = any(argument.startswith("-v") for argument in self.arguments)
        quiet = set() if talkative else {'git_sync_count_total{status="noop"}'}
        counted = {name: value for name, value in self.metrics().items() if name.startswith("git_sync_count_total{")}
        return len(self.logs("sync_finished")) == sum(counted[name] for name in counted.keys() - quiet)

    # --- the end ---

    def signal(self, number: int) -> None:
        """Send a signal to the daemon alone."""
        os.kill(self.pid, number)

    def terminate(self, *, timeout: float = TIMEOUT) -> int:
        """Send SIGTERM and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_exit(timeout=timeout)

    def wait_exit(self, *, timeout: float = TIMEOUT) -> int:
        """Wait for the end and return the exit code (negative: killed by that signal)."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end within {timeout:g} s")
            raise
        self._reader.join(timeout=AT_ONCE)  # an orphan that holds stderr open must not hold the test
        return code

    def descendants(self) -> list[Process]:
        """Return the living processes that the daemon started, orphans too."""
        return family(self._living, self._marker)

    @property
    def _living(self) -> int | None:
        """The number of the process; once it has been waited for, that may be another's."""
        return self.pid if self.process.poll() is None else None

    def check_nothing_runs(self) -> None:
        """Fail unless all that the daemon started is gone; what was just killed has a while to go."""
        try:
            eventually(lambda: not self.descendants(), timeout=AT_ONCE)
        except AssertionError:
            self.fail("left running: " + "; ".join(map(str, self.descendants())))

    def kill_tree(self) -> None:
        """SIGKILL the daemon and everything it started; nothing escapes."""
        if self.process.poll() is None or self.descendants():
            kill_family(self._living, self._marker)
        self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)

    def close(self) -> None:
        """End everything, whatever state it is in; print the log, which pytest shows if the test failed."""
        self.kill_tree()
        cast(IO[bytes], self.process.stderr).close()
        print(self.describe())


def name_sample(name: str, labels: Mapping[str, str]) -> str:
    """Write a sample's name with its labels sorted, as the keys of `metrics()` are."""
    listed = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{listed}}}" if listed else name


def _fits(line: Event, event: str | None, fields: Mapping[str, object]) -> bool:
    return (event is None or line.get("event") == event) and all(
        line.get(name) == value for name, value in fields.items()
    )
