"""Probes are answered, whoever holds connections open, and nobody is waited for without end."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPConnection

import pytest

from gitsync.config import Bind
from gitsync.server import connections, http
from gitsync.server.http import HttpServer
from gitsync.server.pages import Pages
from gitsync.server.routes import STEP_ASIDE, Environ, Route, Site, StartResponse
from gitsync.telling.metrics import Metrics
from tests.support.eventually import AT_ONCE, eventually
from tests.unit.examples import board

LOOPBACK = "127.0.0.1"
# A kubelet gives a probe one second; here others use the machine as well.
PROBE = AT_ONCE
LARGE = 8 * 1024 * 1024
WAYS = {
    "says nothing": b"",
    "has asked before": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "is at its headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
    "is at its body": b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{",
    "sends chunks": b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "asks without end": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000,
    "takes no answer": b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
}


class Talkative(Site):
    """Has one answer that is larger than what the system keeps for a peer that does not read, and one that waits."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        super().__init__(routes)
        self.over = threading.Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == "/wait":
            may = environ[STEP_ASIDE]() and self.over.wait(AT_ONCE)
            start_response("200 OK" if may else "503 Service Unavailable", [("Content-Length", "2")])
            return [b"ok"]
        if environ["PATH_INFO"] != "/large":
            return super().__call__(environ, start_response)
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return [bytes(LARGE)]


class Served:
    """A server, and those who hold connections to it."""

    def __init__(self) -> None:
        pages = Pages(board=board(act_by=time.monotonic() + 1000), metrics=Metrics(), git_version=lambda: "2.39.0")
        self.site = Talkative(pages.routes())
        self.server = HttpServer(Bind(LOOPBACK, 0), self.site)
        self.port: int = self.server._socket.getsockname()[1]
        self.held: list[socket.socket] = []
        self._shut = False
        self._thread = threading.Thread(target=self.server.serve)
        self._thread.start()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self.server._server.active_channels)

    def hold(self, said: bytes, *, address: str = LOOPBACK) -> socket.socket:
        """Connect, say something and hold the connection open."""
        connection = socket.create_connection((LOOPBACK, self.port), timeout=AT_ONCE, source_address=(address, 0))
        self.held.append(connection)
        with contextlib.suppress(OSError):  # it may have been dropped already
            connection.sendall(said)
        return connection

    def probe(self) -> int:
        """Ask as a kubelet does."""
        asking = HTTPConnection(LOOPBACK, self.port, timeout=PROBE)
        try:
            asking.request("GET", "/healthz")
            return asking.getresponse().status
        finally:
            asking.close()

    def shut(self) -> None:
        """Close the server, which is done once."""
        if not self._shut:
            self._shut = True
            self.server.close()

    def close(self) -> None:
        """End all."""
        for connection in self.held:
            connection.close()
        self.shut()
        self._thread.join(AT_ONCE)
        assert not self._thread.is_alive()


@pytest.fixture
def served() -> Iterator[Served]:
    """A server on the loopback."""
    running = Served()
    yield running
    running.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for everybody for so long that whoever is in the way stays there."""
    monkeypatch.setattr(connections, "PATIENCE", dict.fromkeys(connections.PATIENCE, 1000.0))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nobody for more than a moment."""
    monkeypatch.setattr(connections, "PATIENCE", dict.fromkeys(connections.PATIENCE, 0.3))
    monkeypatch.setattr(http, "_LOOK", 0.05)


def is_closed(connection: socket.socket) -> bool:
    """Say whether the other end has closed a connection; what it has answered before is passed over."""
    connection.settimeout(0.01)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize(
    "said",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"G\xff /\xff HTTP/1.1\r\n\r\n",
        b"GET http://[x/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    ],
)
def test_what_is_no_request(served: Served, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is answered as such, as by any server, and is no matter for the log."""
    assert served.hold(said).recv(65536).split(b" ")[1] == b"400"
    assert served.probe() == 200
    assert not caplog.records


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("said", WAYS.values(), ids=WAYS)
def test_probe_is_answered_whoever_else_is_connected(served: Served, said: bytes) -> None:
    """With more connections than there may be, each next one is answered in time, and there are not more of them."""
    for _ in range(connections.MOST + 50):
        served.hold(said)
    for _ in range(5):
        assert served.probe() == 200
    assert served.open <= connections.MOST + 1


def test_whoever_has_most_connections_loses_them(served: Served) -> None:
    """Another client's connection is not the one that makes room for a crowd, although it was there before."""
    other = served.hold(b"", address="127.0.0.2")
    for _ in range(connections.MOST + 50):
        served.hold(b"")
    assert served.probe() == 200
    assert not is_closed(other)


def test_few_bodies_are_on_their_way(served: Served) -> None:
    """What is kept of requests that are not complete is bounded."""
    for _ in range(connections.MOST // 2):
        served.hold(WAYS["is at its body"])
    assert served.probe() == 200
    eventually(lambda: served.open <= connections.MOST_BODIES + 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("said", WAYS.values(), ids=WAYS)
def test_nobody_is_waited_for_without_end(served: Served, said: bytes) -> None:
    """Whatever is still to come from a peer, its connection is closed some time."""
    connection = served.hold(said)
    eventually(lambda: is_closed(connection))
    eventually(lambda: not served.open)


@pytest.mark.usefixtures("impatient")
def test_answer_that_nobody_takes_is_not_kept(served: Served) -> None:
    """Who does not read what was asked for loses the connection, and the answer is gone."""
    served.hold(WAYS["takes no answer"])
    eventually(lambda: served.open)
    eventually(lambda: not served.open)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", ["is at its headers", "is at its body"])
def test_byte_now_and_then_keeps_no_connection(served: Served, way: str) -> None:
    """A request that comes drop by drop is not waited for longer than one that does not come."""
    connection = served.hold(WAYS[way])
    stop = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not stop.wait(0.05):
                connection.send(b"a")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        eventually(lambda: not served.open)
    finally:
        stop.set()
        thread.join()


@pytest.mark.usefixtures("impatient")
def test_connection_that_is_used_stays(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks again and again over one connection is never late."""
    patience = 2.0
    monkeypatch.setattr(connections, "PATIENCE", dict.fromkeys(connections.PATIENCE, patience))
    asking = HTTPConnection(LOOPBACK, served.port, timeout=AT_ONCE)
    pause, began = threading.Event(), time.monotonic()
    try:
        while time.monotonic() < began + 1.25 * patience:
            asking.request("GET", "/metrics")
            assert asking.getresponse().read()
            pause.wait(0.05)
        assert served.open == 1
    finally:
        asking.close()


def test_head_of_any_length_is_refused(served: Served) -> None:
    """A request whose headers never end is answered before they do."""
    connection = served.hold(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000)
    connection.settimeout(AT_ONCE)
    assert b" 431 " in connection.recv(100)


WAIT = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"


def answer_of(connection: socket.socket) -> bytes:
    """Return the first line of an answer."""
    return connection.recv(4096).partition(b"\r\n")[0]


def test_who_waits_is_in_nobodys_way(served: Served) -> None:
    """With as many requests waiting as may, others are answered, and one more is not let wait."""
    threads = len(served.server._queue.threads)
    waiting = [served.hold(WAIT) for _ in range(connections.MOST_WAITS)]
    eventually(lambda: len(served.server._queue.threads) == threads + connections.MOST_WAITS)
    assert served.probe() == 200
    assert answer_of(served.hold(WAIT)) == b"HTTP/1.1 503 Service Unavailable"
    served.site.over.set()
    assert [answer_of(connection) for connection in waiting] == [b"HTTP/1.1 200 OK"] * len(waiting)
    # Their threads go with them, and their places are free.
    eventually(lambda: len(served.server._queue.threads) == threads)
    assert answer_of(served.hold(WAIT)) == b"HTTP/1.1 200 OK"
    assert served.probe() == 200


def test_who_waits_is_answered_at_the_end(served: Served) -> None:
    """A server that closes lets the answers out of those whose wait is over, and lets nobody wait any more."""
    waiting = [served.hold(WAIT) for _ in range(5)]
    eventually(lambda: len(served.server._queue._aside) == len(waiting))
    closing = threading.Thread(target=served.shut)
    closing.start()
    eventually(lambda: served.server._queue._ending)
    assert answer_of(served.hold(WAIT)) == b"HTTP/1.1 503 Service Unavailable"
    served.site.over.set()
    assert [answer_of(connection) for connection in waiting] == [b"HTTP/1.1 200 OK"] * len(waiting)
    closing.join(AT_ONCE)


def test_who_waits_does_not_keep_a_server(served: Served) -> None:
    """A server that closes is closed, whoever waits on."""
    served.hold(WAIT)
    eventually(lambda: served.server._queue._aside)
    served.shut()
    eventually(lambda: not served.server._open)
    served.site.over.set()
