"""What one pass costs the server: requests, bytes on the wire in both directions, and processor time of git."""

import resource
import signal
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.pods import pod
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.stall import CHUNK, LOOPBACK, TcpServer

# Seconds between polls, which is long enough to look at what they cost in between.
_PERIOD = 0.5
# Polls that are refused, as each one comes later than the one before.
_REFUSED = 3


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
    with GitHttpServer(origins) as server, Meter(server.port) as meter:
        url = server.url_of(origin.path, port=meter.port)
        with pod(url, directory / "polling", "-v1", f"--period={_PERIOD}s", "--jitter=0") as daemon:
            # The first one makes the connection that the others go over.
            _polls(daemon, server, meter, outcome="unchanged", count=2)
            idle = _polls(daemon, server, meter, outcome="unchanged", count=passes)
            server.fail_with = 503
            _polls(daemon, server, meter, outcome="failed", count=1)
            refused = _polls(daemon, server, meter, outcome="failed", count=_REFUSED)
            server.fail_with = None
        with pod(url, directory / "told", "-v1", "--period=1h", "--sync-on-signal=HUP") as daemon:
            daemon.wait_event("ready")
            costs = []
            for number in range(passes):
                origin.commit({"page-0.html": f"changed {number}\n"})
                costs.append(_update(daemon, server, meter))
        return {
            "idle poll": _mean(idle, passes),
            "update": _mean(_sum(costs), passes),
            "refused poll": _mean(refused, _REFUSED),
        }


def _mean(costs: Sequence[float], count: int) -> Traffic:
    return Traffic(*(cost / count for cost in costs))


def _sum(costs: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) for column in zip(*costs, strict=True)]


def _polls(daemon: DaemonProcess, server: GitHttpServer, meter: Meter, *, outcome: str, count: int) -> list[float]:
    """Return what so many polls cost together that come by themselves."""
    mark, first = daemon.mark(), _counters(server, meter)
    daemon.wait_events("sync_finished", count=count, since=mark, outcome=outcome)
    return [last - before for last, before in zip(_counters(server, meter), first, strict=True)]


def _update(daemon: DaemonProcess, server: GitHttpServer, meter: Meter) -> list[float]:
    mark, first = daemon.mark(), _counters(server, meter)
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("sync_finished", since=mark, outcome="updated")
    return [last - before for last, before in zip(_counters(server, meter), first, strict=True)]


def _counters(server: GitHttpServer, meter: Meter) -> tuple[float, ...]:
    # The server's children are ours, and the daemon is not counted before it has ended.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (len(server.requests), sum(meter.sent), sum(meter.received), used.ru_utime + used.ru_stime)
