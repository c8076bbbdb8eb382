"""Promise: a webhook that one replica is given updates all of them, and a replica that it misses is late, not lost.

The period is an hour, but where a test is about it: nothing but an event can be the reason of an update.
"""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.receiver.tokens import PeerTokens
from tests.conftest import StartDaemon
from tests.support.daemon import LOOPBACK, DaemonProcess
from tests.support.eventually import eventually
from tests.support.git_http import GitHttpServer
from tests.support.names import NameServer
from tests.support.network import apart
from tests.support.origin import Origin
from tests.support.push import Pushing
from tests.support.replicas import PORT, SECRET, SERVICE, Replicas, heard, told
from tests.support.web import Asked, Reply, WebServer
from tests.support.webhook import bearer, signed

WEBHOOK = f"http://127.0.0.10:{PORT}/webhook"
PAYLOAD = b'{"ref": "refs/heads/main"}'


class Hanging(WebServer):
    """Takes requests, and answers none until its end."""

    def __init__(self, *, place: tuple[str, int]) -> None:
        super().__init__(self._hang, place=place)

    def _hang(self, asked: Asked) -> Reply:
        self.closing.wait()
        return Reply()


@apart
def test_twenty_replicas(start_daemon: StartDaemon, origin: Origin, tmp_path: Path) -> None:
    """Given 20 replicas, when one is given an event, then all that live are updated, and the names may change.

    One is gone, one is slow, one has another secret: they are counted, and hold nobody up.
    """
    gone, slow, wrong, new = "127.0.0.50", "127.0.0.51", "127.0.0.52", "127.0.0.53"
    addresses = [f"127.0.0.{number}" for number in range(10, 26)] + ["::1"]
    with (
        NameServer() as names,
        GitHttpServer(origin.path.parent) as server,
        Hanging(place=(slow, PORT)),
    ):
        url = server.url_of(origin.path)
        replicas = Replicas(start_daemon, url, tmp_path / "replicas")
        first, *others = live = replicas.start(addresses)
        (stranger,) = replicas.start([wrong], secret="another secret")
        names.names[SERVICE] = [*addresses, gone, slow, wrong]
        pushing = Pushing(origin, url, workdir=tmp_path)
        pushing.tells(WEBHOOK, SECRET)

        commit = pushing.push({"index.html": "second\n"})
        for replica in live:
            replica.wait_published(commit)
        first.wait_event("peers_told", told=len(others), of=len(others) + 3)
        assert told(first) == {"told": len(others), "unreachable": 1, "timeout": 1, "refused": 1}
        assert [(heard(replica), told(replica)) for replica in others] == [(1, {})] * len(others)
        assert heard(stranger, "unauthorized") == 1
        missed = first.wait_event("peers_missed")["missed"]
        assert sorted(line.partition(" (")[0] for line in missed) == [
            f"{gone}: unreachable",
            f"{slow}: timeout",
            f"{wrong}: refused",
        ]

        live += replicas.start([new])
        names.names[SERVICE] = [*addresses[:3], *addresses[4:], new]
        away = live.pop(3)
        commit = pushing.push({"index.html": "third\n"})
        for replica in live:
            replica.wait_published(commit)
        first.wait_event("peers_told", told=len(others), of=len(others))
        assert heard(away) == 1


@apart
def test_message_that_was_captured(start_daemon: StartDaemon, origin: Origin, tmp_path: Path) -> None:
    """Given a message that somebody has seen, when it is sent again, then nothing happens, and later it is refused."""
    with NameServer() as names, WebServer(place=("127.0.0.60", PORT)) as spy:
        names.names[SERVICE] = ["127.0.0.10", "127.0.0.11", "127.0.0.60"]
        first, other = Replicas(start_daemon, origin.url, tmp_path / "replicas").start(names.names[SERVICE][:2])
        assert first.post("/webhook", headers=bearer(SECRET))[0] == 202
        eventually(lambda: spy.asked)
        first.wait_event("peers_told")
        assert heard(other) == 1
        (asked,) = spy.asked
        for _ in range(2):
            assert other.post("/webhook", headers=asked.headers)[0] == 200
        assert other.metrics()['gitsync_receiver_requests_total{outcome="replayed",provider="peer"}'] == 2
        assert first.post("/webhook", headers=asked.headers)[0] == 200
        assert heard(first, "own") == 1
        assert heard(other) == 1
        # The token is not the secret, nor is the secret a token.
        token = asked.headers["Authorization"].removeprefix("Bearer ")
        assert other.post("/webhook", headers=bearer(token))[0] == 401
        assert other.post("/webhook", headers={**asked.headers, **bearer(SECRET)})[0] == 401
        assert asked.body == b""
    # Whoever has not heard it, by a clock that shows five minutes later.
    newcomer = PeerTokens(lambda: [origin.url])
    newcomer.verify(token.encode(), [SECRET.encode()], now=time.time())
    with pytest.raises(WebhookRejected, match="has expired"):
        newcomer.verify(token.encode(), [SECRET.encode()], now=time.time() + 300)


@apart
def test_replica_that_hears_nothing(start_daemon: StartDaemon, origin: Origin, tmp_path: Path) -> None:
    """Given a short period, when an event is lost, a replica hangs, or nobody can be found, then the poll brings it."""
    with NameServer() as names, GitHttpServer(origin.path.parent) as server:
        url = server.url_of(origin.path)
        names.names[SERVICE] = ["127.0.0.10", "127.0.0.11", "127.0.0.12"]
        live = Replicas(start_daemon, url, tmp_path / "replicas").start(names.names[SERVICE], period="3s")
        first, other, third = live
        pushing = Pushing(origin, url, workdir=tmp_path)

        pushing.tells(None, SECRET)
        _all_publish(live, pushing.push({"index.html": "the event is lost\n"}))
        assert [heard(replica) for replica in live] == [0, 0, 0]

        pushing.tells(WEBHOOK, SECRET)
        other.signal(signal.SIGSTOP)
        commit = pushing.push({"index.html": "one hangs\n"})
        _all_publish([first, third], commit)
        first.wait_event("peers_told", told=1, of=2)
        assert told(first) == {"told": 1, "timeout": 1}
        other.signal(signal.SIGCONT)
        _all_publish([other], commit)
        before = [heard(replica) for replica in live]

        del names.names[SERVICE]
        _all_publish(live, pushing.push({"index.html": "nobody is found\n"}))
        first.wait_event("peers_missed", outcome="unresolved")
        names.silent = True
        _all_publish(live, pushing.push({"index.html": "the name server is silent\n"}))
        first.wait_events("peers_missed", count=2, outcome="unresolved")
        assert [heard(replica) for replica in live] == before

        names.silent = False
        names.names[SERVICE] = ["127.0.0.10", "127.0.0.12"]
        _all_publish(live, pushing.push({"index.html": "one is cut off\n"}))
        first.wait_event("peers_told", told=1, of=1)
        assert heard(other) == before[1]
        assert heard(third) == before[2] + 1
        assert told(other) == {}


@apart
def test_end_during_a_message(start_daemon: StartDaemon, origin: Origin, tmp_path: Path) -> None:
    """Given a replica that waits for others, when it is to end, then it does so at once and leaves no thread."""
    with NameServer() as names, Hanging(place=("127.0.0.60", PORT)) as slow:
        names.names[SERVICE] = ["127.0.0.10", "127.0.0.60"]
        (first,) = Replicas(start_daemon, origin.url, tmp_path / "replicas").start(["127.0.0.10"])
        started = time.monotonic()
        assert first.post("/webhook", headers=bearer(SECRET))[0] == 202
        assert time.monotonic() - started < 3, "the answer has waited for other replicas"
        eventually(lambda: slow.asked)
        assert first.terminate() == 0
    names.silent = True
    assert not first.logs("thread_left")
    assert not first.logs("peers_missed")


@apart
def test_replica_that_listens_everywhere(start_daemon: StartDaemon, origin: Origin, tmp_path: Path) -> None:
    """Given a replica at all addresses of its pod, when it tells others, then not itself, or in vain."""
    with NameServer() as names:
        everywhere = "0.0.0.0"  # noqa: S104 (of a network that nobody else is in)
        (only,) = Replicas(start_daemon, origin.url, tmp_path / "replicas").start([everywhere])
        names.names[SERVICE] = [LOOPBACK]
        assert only.post("/webhook", headers=bearer(SECRET))[0] == 202
        only.wait_event("peers_told", told=0, of=0)
        # The loopback has more addresses than the system tells of.
        names.names[SERVICE] = [LOOPBACK, "127.0.0.2"]
        assert only.post("/webhook", headers=bearer(SECRET))[0] == 202
        only.wait_event("peers_told", told=1, of=1)
        assert heard(only, "own") == 1
        assert heard(only) == 0


def test_two_replicas(start_daemon: StartDaemon, origin: Origin, tmp_path: Path) -> None:
    """Given two replicas at addresses of the loopback, when one is given an event, then the other one hears it once."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    options: dict[str, Any] = {"period": "1h", "receiver_secret_file": file}
    other = start_daemon(origin.url, tmp_path / "b", "-v1", http_bind="127.0.0.3:0", peers="peers.invalid:1", **options)
    other.wait_ready()
    first = start_daemon(
        origin.url, tmp_path / "a", "-v1", http_bind="127.0.0.2:0", peers=f"127.0.0.3:{other.port}", **options
    )
    first.wait_ready()
    assert first.post("/webhook", body=PAYLOAD, headers=signed(PAYLOAD, SECRET))[0] == 202
    first.wait_event("peers_told", told=1, of=1)
    given, heard_of = first.wait_event("webhook_accepted"), other.wait_event("webhook_accepted", provider="peer")
    assert [heard_of[name] for name in ("event_name", "delivery")] == [given["event_name"], given["delivery"]]
    assert (told(first), told(other)) == ({"told": 1}, {})


def _all_publish(live: list[DaemonProcess], commit: str) -> None:
    for replica in live:
        replica.wait_published(commit)
