"""One message to many addresses: who has heard it, who has not and why, and that nothing of it lasts."""

import io
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gitsync.config import Place
from gitsync.receiver import fanout
from gitsync.receiver.addresses import is_local
from gitsync.receiver.fanout import FanOut
from gitsync.telling.metrics import Metrics
from tests.support.eventually import AT_ONCE, eventually
from tests.support.web import Asked, Reply, WebServer

NOWHERE = ("127.0.0.99", 1)


class Pods:
    """Servers at one port of several addresses of the loopback, and the name that all of them have."""

    def __init__(self) -> None:
        self.servers: list[WebServer] = []
        self.addresses: list[str] = []
        self.metrics = Metrics()
        self._stack = ExitStack()

    def __enter__(self) -> "Pods":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, status: int = 202, body: bytes = b"accepted\n", *, delay: float = 0.0) -> WebServer:
        """Start a server, which answers so."""

        def reply(asked: Asked) -> Reply:
            if delay:
                server.closing.wait(delay)
            return Reply(status, body)

        port = self.servers[0].port if self.servers else 0
        server = WebServer(reply, place=(f"127.0.0.{2 + len(self.servers)}", port))
        self._stack.enter_context(server)
        self.servers.append(server)
        self.addresses.append(f"127.0.0.{1 + len(self.servers)}")
        return server

    def fan_out(self) -> FanOut:
        """Return what sends to all of them."""
        return FanOut(Place("pods", self.servers[0].port), self.metrics.calls, resolve=self._resolve)

    def counted(self) -> dict[str, float]:
        """Return the outcomes that were counted."""
        text = self.metrics.render("")[0].decode()
        families = {family.name: family for family in text_string_to_metric_families(text)}
        return {
            sample.labels["outcome"]: sample.value for sample in families["gitsync_peers_told"].samples if sample.value
        }

    def _resolve(self, *_: object, **names: object) -> Sequence[tuple[Any, ...]]:
        return [(2, 1, 6, "", (address, 0)) for address in self.addresses]


@pytest.fixture
def pods() -> Iterator[Pods]:
    """A name without pods."""
    with Pods() as made:
        yield made


def test_all_are_told(pods: Pods) -> None:
    """The message is a POST to /webhook of every address, once, with the token and the name of what it is."""
    for _ in range(20):
        pods.add()
    pods.fan_out().send("TOKEN", NOWHERE, about="1")
    assert pods.counted() == {"told": 20}
    for server in pods.servers:
        (asked,) = server.asked
        assert (asked.method, asked.path, asked.body) == ("POST", "/webhook", b"")
        assert (asked.headers["Authorization"], asked.headers["Gitsync-Peer"]) == ("Bearer TOKEN", "1")


def test_own_address_is_left_out(pods: Pods) -> None:
    """Whoever sends a message does not send it to itself."""
    for _ in range(3):
        pods.add()
    pods.fan_out().send("TOKEN", ("127.0.0.3", pods.servers[0].port), about="1")
    assert [len(server.asked) for server in pods.servers] == [1, 0, 1]


def test_those_that_are_not_told(pods: Pods, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is slow, one refuses, one is gone: the others are told, and these counted and told of with the reason."""
    monkeypatch.setattr(fanout, "_ONE", 0.5)
    pods.add()
    pods.add(delay=AT_ONCE)
    pods.add(401, b"the token is not signed with the secret\n\x1b[31m")
    pods.addresses.append("127.0.0.90")
    pods.add(200)
    pods.fan_out().send("TOKEN", NOWHERE, about="72d3162e")
    assert pods.counted() == {"told": 2, "timeout": 1, "refused": 1, "unreachable": 1}
    told, missed = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert (told["event"], told["delivery"], told["told"], told["of"]) == ("peers_told", "72d3162e", 2, 5)
    port = pods.servers[0].port
    assert missed["message"] == "3 of 5 replicas were not told"
    assert sorted(missed["missed"]) == [
        f"127.0.0.3: timeout (http://127.0.0.3:{port}/webhook: no answer within 0.5s)",
        "127.0.0.4: refused (status 401: the token is not signed with the secret\\n\\x1b[31m)",
        f"127.0.0.90: unreachable (http://127.0.0.90:{port}/webhook: Connection refused)",
    ]
    assert "TOKEN" not in logged.getvalue()


def test_log_is_bounded(pods: Pods, logged: io.StringIO) -> None:
    """However many cannot be reached, the log names a few."""
    pods.add()
    pods.addresses += [f"127.0.1.{number}" for number in range(1, 201)]
    pods.fan_out().send("TOKEN", NOWHERE, about="1")
    (missed,) = [json.loads(line) for line in logged.getvalue().splitlines() if "peers_missed" in line]
    assert missed["message"] == "200 of 201 replicas were not told"
    assert len(missed["missed"]) == 5
    assert pods.counted() == {"told": 1, "unreachable": 200}


def test_threads_and_addresses_are_bounded(pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many are told at a time, and at most so many of one event."""
    monkeypatch.setattr(fanout, "_AT_ONCE", 4)
    monkeypatch.setattr(fanout, "_MOST", 10)
    guard, now, most = threading.Lock(), [0], [0]

    def reply(asked: Asked) -> Reply:
        with guard:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.02)
        with guard:
            now[0] -= 1
        return Reply(202)

    for _ in range(15):
        pods.add().reply = reply
    pods.fan_out().send("TOKEN", NOWHERE, about="1")
    assert pods.counted() == {"told": 10}
    assert most[0] <= 4


def test_time_is_bounded(pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is over, nobody else is told."""
    monkeypatch.setattr(fanout, "_AT_ONCE", 1)
    monkeypatch.setattr(fanout, "_ALL", 0.5)
    for _ in range(3):
        pods.add(delay=AT_ONCE)
    pods.fan_out().send("TOKEN", NOWHERE, about="1")
    assert pods.counted() == {"timeout": 3}
    assert [len(server.asked) for server in pods.servers].count(1) == 1


def test_end_of_the_process_ends_it(pods: Pods, logged: io.StringIO) -> None:
    """A message that is under way ends at once, and nothing is told of it."""
    pods.add(delay=3600)
    fan_out = pods.fan_out()
    thread = threading.Thread(target=fan_out.send, args=("TOKEN", NOWHERE), kwargs={"about": "1"})
    started = time.monotonic()
    thread.start()
    eventually(lambda: pods.servers[0].asked)
    fan_out.cancel()
    thread.join(AT_ONCE)
    assert not thread.is_alive()
    assert time.monotonic() - started < fanout._ONE
    assert (pods.counted(), logged.getvalue()) == ({}, "")


def test_name_that_does_not_resolve(pods: Pods, logged: io.StringIO) -> None:
    """Nobody is told, and that is counted and told of."""
    place = Place("gitsync-peers.invalid.", 9484)
    FanOut(place, pods.metrics.calls).send("TOKEN", NOWHERE, about="1")
    assert pods.counted() == {"unresolved": 1}
    (missed,) = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert missed["message"].startswith("--peers=gitsync-peers.invalid.:9484: ")
    assert "headless Service" in missed["hint"]


def test_no_thread_is_left(pods: Pods, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives no more threads, that is counted and told of, and the next message finds some."""

    def refuse(*_: object, **names: object) -> None:
        raise RuntimeError("can't start new thread")

    pods.add()
    fan_out = pods.fan_out()
    with monkeypatch.context() as patch:
        patch.setattr(fanout, "ThreadPoolExecutor", refuse)
        fan_out.send("TOKEN", NOWHERE, about="1")
    fan_out.send("TOKEN", NOWHERE, about="1")
    assert pods.counted() == {"no_thread": 1, "told": 1}
    assert "limit of processes" in logged.getvalue()


def test_loopback_is_local() -> None:
    """The loopback is this machine's; an address that is nobody's is not."""
    assert is_local("127.0.0.1")
    assert not is_local("192.0.2.1")
    assert not is_local("2001:db8::1")
