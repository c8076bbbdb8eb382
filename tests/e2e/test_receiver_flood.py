"""Promise: whoever floods the receiver, with the secret or without, keeps no probe, scrape or push waiting."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess, ask
from tests.support.eventually import AT_ONCE
from tests.support.origin import Origin
from tests.support.webhook import bearer, signed

SECRET = "s3cret-of-the-receiver"
LOOPBACK = "127.0.0.1"
LARGE = b'{"a":' * 500_000
IDLE = 2000
HEAD = b"POST /webhook HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def receiver(start_daemon: StartDaemon, origin: Origin, root: Path) -> DaemonProcess:
    """A daemon that has published, with a period of an hour and a receiver on the port of everything else."""
    daemon = start_daemon(origin.url, root, period="1h", environment={"GITSYNC_RECEIVER_SECRET": SECRET})
    daemon.wait_ready()
    return daemon


def assert_served(daemon: DaemonProcess, origin: Origin) -> None:
    """Fail unless probes and scrapes are answered, and a push gets through."""
    for path in ("/healthz", "/metrics", "/readyz"):
        assert daemon.get(path, timeout=AT_ONCE)[0] == 200
    commit = origin.commit({"index.html": "while it lasts\n"})
    assert daemon.post("/webhook", headers=bearer(SECRET))[0] == 202
    daemon.wait_published(commit)


@pytest.mark.parametrize(
    "said",
    [b"", HEAD, HEAD + b"Content-Length: 1000000\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"],
    ids=["idle", "slow headers", "slow body", "slow chunks"],
)
def test_connections_without_end(receiver: DaemonProcess, origin: Origin, said: bytes) -> None:
    """Given thousands of connections that never finish a request, then everything else goes on."""
    with contextlib.ExitStack() as held:
        for _ in range(IDLE):
            connection = held.enter_context(socket.create_connection((LOOPBACK, receiver.port), timeout=AT_ONCE))
            with contextlib.suppress(OSError):  # it may have been dropped already
                connection.sendall(said)
        assert_served(receiver, origin)


@contextlib.contextmanager
def flood(daemon: DaemonProcess, request: Callable[[HTTPConnection], object]) -> Iterator[None]:
    """Have four clients send a request again and again, as fast as they are answered."""
    stop = threading.Event()

    def client() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError), closing(HTTPConnection(LOOPBACK, daemon.port)) as connection:
                while not stop.is_set():
                    request(connection)

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("secret", [SECRET, "wrong"])
def test_large_requests_without_end(receiver: DaemonProcess, origin: Origin, secret: str) -> None:
    """Given clients that send as much as may be sent, deeply nested, then everything else goes on."""
    headers = signed(LARGE, secret)
    with flood(receiver, lambda connection: ask(connection, "POST", "/webhook", body=LARGE, headers=headers)):
        assert_served(receiver, origin)
    assert not receiver.logs("thread_ended")
