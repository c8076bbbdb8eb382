"""What one pass costs the server: requests, bytes on the wire in both directions, and processor time of git."""

import resource
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.pods import pod
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.stall import CHUNK, LOOPBACK, TcpServer


@dataclass(frozen=True)
class Traffic:
    """Means for one pass: bytes include HTTP's headers, `cpu` is seconds of `git http-backend` and what it starts."""

    requests: float
    sent: float
    received: float
    cpu: float


class Meter(TcpServer):
    """Forwards to a port, and counts what the clients send and receive."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target
        # Appending is atomic, so no thread has to wait for another.
        self.sent: list[int] = []
        self.received: list[int] = []

    def serve(self, connection: socket.socket) -> None:
        """Copy both directions until both sides have ended."""
        with socket.create_connection((LOOPBACK, self._target)) as upstream:
            self.track(upstream)
            sender = threading.Thread(target=_copy, args=(connection, upstream, self.sent), daemon=True)
            sender.start()
            _copy(upstream, connection, self.received)
            sender.join()
            self.forget(upstream)


def _copy(source: socket.socket, target: socket.socket, counted: list[int]) -> None:
    while block := source.recv(CHUNK):
        counted.append(len(block))
        target.sendall(block)
    target.shutdown(socket.SHUT_WR)


def measure(directory: Path, *, passes: int, refs: int) -> dict[str, Traffic]:
    """Return the traffic of a poll that finds nothing, of an update, and of a poll that the server refuses."""
    origins = directory / "origins"
    origins.mkdir(parents=True)
    origin = Origin(origins / "site.git")
    origin.commit({f"page-{number}.html": f"{number}\n" * 20 for number in range(20)})
    for number in range(refs - 1):
        origin.branch(f"branch-{number}")
    numbers = iter(range(passes))
    options = ("-v1", "--period=1h", "--jitter=0", "--sync-on-signal=HUP")
    with GitHttpServer(origins) as server, Meter(server.port) as meter:
        url = server.url_of(origin.path, port=meter.port)
        with pod(url, directory / "pod", *options) as daemon:
            daemon.wait_event("ready")

            def cost_of(outcome: str, before: Callable[[], object]) -> Traffic:
                costs = [_pass(daemon, server, meter, outcome, before) for _ in range(passes)]
                return Traffic(*(sum(column) / passes for column in zip(*costs, strict=True)))

            def refuse() -> None:
                server.fail_with = 503

            idle = cost_of("unchanged", lambda: None)
            update = cost_of("updated", lambda: origin.commit({"page-0.html": f"changed {next(numbers)}\n"}))
            return {"idle poll": idle, "update": update, "refused poll": cost_of("failed", refuse)}


def _pass(
    daemon: DaemonProcess, server: GitHttpServer, meter: Meter, outcome: str, before: Callable[[], object]
) -> tuple[float, float, float, float]:
    before()
    mark, first = daemon.mark(), _counters(server, meter)
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("sync_finished", since=mark, outcome=outcome)
    last = _counters(server, meter)
    return (last[0] - first[0], last[1] - first[1], last[2] - first[2], last[3] - first[3])


def _counters(server: GitHttpServer, meter: Meter) -> tuple[float, float, float, float]:
    # The server's children are ours, and the daemon is not counted before it has ended.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (len(server.requests), sum(meter.sent), sum(meter.received), used.ru_utime + used.ru_stime)
