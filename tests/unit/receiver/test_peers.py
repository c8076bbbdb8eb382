"""When an event is passed on, and that it is passed on once."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from gitsync.base.errors import CredentialError, GitSyncError, WebhookRejected
from gitsync.base.redact import Secret
from gitsync.receiver.delivery import Delivery
from gitsync.receiver.door import Door, Followed
from gitsync.receiver.peers import Peers, build_peers
from gitsync.receiver.providers.peer import HEADER
from gitsync.receiver.request import Request
from gitsync.receiver.tokens import PeerTokens
from gitsync.telling.metrics import Metrics
from tests.support.eventually import AT_ONCE, TIMEOUT, eventually
from tests.unit.conftest import Logs
from tests.unit.examples import config

SECRET = "s3cret-of-the-receiver"
REPO = "https://git.example.com/site.git"
BOUND = ("10.0.0.1", 9484)


def event(number: int) -> Delivery:
    """Return a push."""
    return Delivery(provider="github", event="push", id=str(number))


def push() -> Request:
    """Return a push of somebody who has the secret."""
    return Request(headers={"authorization": f"Bearer {SECRET}".encode()})


@dataclass
class FakeFanOut:
    """Notes what is sent, and holds it where a test wants that."""

    sent: list[tuple[str, str, tuple[str, int]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def send(self, token: str, bound: tuple[str, int], *, about: str) -> None:
        self.sent.append((about, token, bound))
        self.go_on.wait(TIMEOUT)

    def failed(self, error: GitSyncError, outcome: str) -> None:
        self.failures.append(outcome)

    def cancel(self) -> None:
        self.go_on.set()

    @property
    def ids(self) -> list[str]:
        """The ids of what was sent."""
        return [about for about, _, _ in self.sent]


class Running:
    """Peers with a thread."""

    def __init__(self, *, secrets: Callable[[], tuple[Secret, ...]] | None = None, spacing: float = 0.0) -> None:
        self.fan_out = FakeFanOut()
        known = secrets or (lambda: (Secret(SECRET),))
        self.peers = Peers(self.fan_out, PeerTokens(lambda: [REPO]), known, spacing=spacing)  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self.peers.run, args=[BOUND])

    def __enter__(self) -> "Running":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.peers.stop()
        self.thread.join(AT_ONCE)
        assert not self.thread.is_alive()

    @property
    def message(self) -> Request:
        """The one message that was sent, as another replica gets it."""
        ((_, token, _),) = self.fan_out.sent
        return Request(headers={HEADER.lower(): b"1", "authorization": f"Bearer {token}".encode()})


def test_event_is_passed_on() -> None:
    """An event is sent as a message that another replica lets in."""
    with Running() as one:
        one.peers.tell(event(1))
        eventually(lambda: one.fan_out.sent)
        ((_, token, bound),) = one.fan_out.sent
    assert bound == BOUND
    heard, woken = door(Running().peers)
    headers = {HEADER.lower(): b"1", "authorization": f"Bearer {token}".encode()}
    assert heard.receive(Request(headers=headers)).status == 202
    assert woken == ["site"]
    verdict = heard.receive(Request(headers=headers))
    assert (verdict.status, verdict.outcome) == (200, "replayed")
    assert woken == ["site"]


def test_storm_is_one_more_message() -> None:
    """Of the events that come while a message is sent, the last is passed on, and no other."""
    with Running() as one:
        one.peers.tell(event(0))
        eventually(lambda: one.fan_out.sent)
        for number in range(1, 101):
            one.peers.tell(event(number))
        one.fan_out.go_on.set()
        eventually(lambda: len(one.fan_out.sent) == 2)
    assert one.fan_out.ids == ["0", "100"]


def test_names_are_passed_on() -> None:
    """What is for some of several repositories is for these alone with other replicas, too."""
    with Running() as one:
        heard, woken = door(one.peers, "site", "docs", "shop")
        assert heard.receive(push(), only={"docs", "shop"}).status == 202
        eventually(lambda: one.fan_out.sent)
    assert woken == ["docs", "shop"]
    other, there = door(Running().peers, "site", "docs")
    assert other.receive(one.message).status == 202
    assert there == ["docs"]


def test_names_that_nobody_has() -> None:
    """Where no repository has such a name nothing is done, and nobody calls that a fault."""
    with Running() as one:
        door(one.peers, "site", "docs")[0].receive(push(), only={"docs"})
        eventually(lambda: one.fan_out.sent)
    other, there = door(Running().peers, "site", "guide")
    verdict = other.receive(one.message)
    assert (verdict.status, verdict.outcome, there) == (200, "other_repository", [])


def test_what_is_for_all_has_no_names() -> None:
    """Other replicas may call their repository otherwise."""
    with Running() as one:
        door(one.peers, "site")[0].receive(push(), only={"site"})
        eventually(lambda: one.fan_out.sent)
    other, there = door(Running().peers, "current")
    assert other.receive(one.message).status == 202
    assert there == ["current"]


@pytest.mark.parametrize(
    ("each", "only"),
    [([("a",), ("b", "a"), ("c",)], ("a", "b", "c")), ([("a",), None], None), ([None, ("a",)], None)],
    ids=["some", "all at the end", "all before"],
)
def test_names_of_events_that_wait_are_joined(each: list[tuple[str, ...] | None], only: tuple[str, ...] | None) -> None:
    """One message is for all repositories that any of them is for."""
    peers = Running().peers
    for number, names in enumerate(each):
        peers.tell(replace(event(number), only=names))
    assert peers._slot == replace(event(len(each) - 1), only=only)


def test_messages_keep_their_distance() -> None:
    """After a message the next event waits, and the end of the process does not wait for it."""
    with Running(spacing=3600) as one:
        one.fan_out.go_on.set()
        one.peers.tell(event(0))
        eventually(lambda: one.fan_out.sent)
        one.peers.tell(event(1))
    assert one.fan_out.ids == ["0"]


def test_message_of_a_replica_goes_no_further() -> None:
    """What another replica has told of is not passed on: a loop is impossible."""
    with Running() as one:
        one.peers.tell(event(1))
        eventually(lambda: one.fan_out.sent)
    other = Running().peers
    heard, woken = door(other)
    headers = {HEADER.lower(): b"1", "authorization": f"bearer {one.fan_out.sent[0][1]}".encode()}
    assert heard.receive(Request(headers=headers)).status == 202
    assert woken == ["site"]
    assert other._slot is None
    other.tell(event(2))
    assert other._slot == event(2)


def test_secret_that_cannot_be_read() -> None:
    """Without a secret nothing is sent, and nothing is let in."""

    def missing() -> tuple[Secret, ...]:
        raise CredentialError("--peers-secret-file=/x: it is empty")

    with Running(secrets=missing) as one:
        one.peers.tell(event(1))
        eventually(lambda: one.fan_out.failures)
    assert (one.fan_out.failures, one.fan_out.sent) == (["no_secret"], [])
    with pytest.raises(WebhookRejected) as caught:
        one.peers.provider.verify(Request(headers={HEADER.lower(): b"1"}), [], 0.0)
    assert (caught.value.status, caught.value.reason) == (503, "no_secret")
    assert "/x" not in str(caught.value)


@pytest.mark.parametrize("only", ["auto", "github"])
def test_door_lets_peers_in_whatever_the_provider(only: str, logs: Logs) -> None:
    """Where the provider of webhooks is given, replicas are heard nevertheless, and what is wrong is theirs."""
    heard, woken = door(Running().peers, only=only)
    headers = {HEADER.lower(): b"1", "authorization": f"Bearer {SECRET}".encode()}
    verdict = heard.receive(Request(headers=headers))
    assert (verdict.status, verdict.outcome) == (401, "unauthorized")
    assert [line["provider"] for line in logs.events("webhook_rejected")] == ["peer"]
    assert not woken


def test_message_is_no_bearer_token() -> None:
    """A message does not open the door as if it were the secret."""
    token = PeerTokens(lambda: [REPO]).sign(event(1), [SECRET.encode()], now=0.0)
    heard, woken = door(Running().peers)
    assert heard.receive(Request(headers={"authorization": f"Bearer {token}".encode()})).status == 401
    assert not woken


def test_no_peers() -> None:
    """Without --peers nothing of it is there."""
    assert build_peers(config().receiver, lambda: [], lambda: (), Metrics().calls) is None


def door(peers: Peers, *names: str, only: str = "auto") -> tuple[Door, list[str]]:
    """Return a door for repositories with these names, and the list of those that it wakes."""
    woken: list[str] = []
    followed = [
        Followed(repo=name, judge=lambda delivery: "accepted", wake=partial(woken.append, name))
        for name in names or ("site",)
    ]
    return Door(lambda: (Secret(SECRET),), lambda: followed, Metrics().calls, only=only, peers=peers), woken
