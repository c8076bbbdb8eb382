"""Messages between replicas: who makes them, whom they are for, and how long they count."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jwt
import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.receiver import tokens
from gitsync.receiver.delivery import Delivery
from gitsync.receiver.tokens import PeerTokens

NOW = 1_800_000_000.0
REPO = "https://git.example.com/site.git"
SECRET = b"s3cret-of-the-receiver"
PUSH = Delivery(provider="github", event="push", id="72d3162e-cc78-11e3-81ab-4c9367dc0958")


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def replica(*repositories: str, clock: Clock | None = None) -> PeerTokens:
    """Return what makes and proves the messages of a replica."""
    return PeerTokens(lambda: repositories or (REPO,), clock=clock or Clock())


def message(secret: bytes = SECRET, *, now: float = NOW) -> bytes:
    """Return the message of another replica."""
    return replica().sign(PUSH, [secret], now=now).encode()


def outcome(token: bytes, *, secrets: tuple[bytes, ...] = (SECRET,), now: float = NOW) -> tuple[int, str]:
    """Return the status and outcome of a message that is refused by a replica that has heard of nothing yet."""
    with pytest.raises(WebhookRejected) as caught:
        replica().verify(token, secrets, now=now)
    return caught.value.status, caught.value.reason


def forged(claims: Mapping[str, Any], *, key: bytes | str = tokens._key(SECRET), algorithm: str = "HS256") -> bytes:
    """Return a token with other claims than a replica would make, by default with the right key."""
    plain: dict[str, Any] = jwt.decode(message(), options={"verify_signature": False})
    changed = {name: value for name, value in {**plain, **claims}.items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(changed).encode(), key, algorithm=algorithm).encode()


def test_message_is_heard() -> None:
    """A message of another replica is let in, and says which event it is about."""
    token, hearer = message(), replica()
    hearer.verify(token, [SECRET], now=NOW)
    assert hearer.read(token) == Delivery(provider="peer", event="push", id=PUSH.id)


def test_message_goes_by_the_first_secret_and_is_heard_by_any() -> None:
    """While a secret is changed, what is signed with the old or the new one is let in by whoever has both."""
    first = replica().sign(PUSH, [b"new", b"old"], now=NOW).encode()
    replica().verify(first, [b"new"], now=NOW)
    replica().verify(first, [b"other", b"new"], now=NOW)
    assert outcome(first, secrets=(b"old",)) == (401, "unauthorized")


def test_other_secret() -> None:
    """A message that was signed with another secret is refused."""
    assert outcome(message(b"another")) == (401, "unauthorized")
    assert outcome(message(), secrets=()) == (401, "unauthorized")


def test_other_repository() -> None:
    """A message of those who follow another repository with the same secret is refused."""
    token = replica("https://git.example.com/other.git").sign(PUSH, [SECRET], now=NOW).encode()
    assert outcome(token) == (401, "other_repository")


def test_one_of_several_repositories() -> None:
    """A message about several repositories is for whoever follows one of them."""
    token = replica(REPO, "https://git.example.com/other.git").sign(PUSH, [SECRET], now=NOW).encode()
    replica().verify(token, [SECRET], now=NOW)


def test_many_repositories() -> None:
    """However many there are, and however long their names, a message is not too large for whoever has the same."""
    urls = [f"https://git.example.com/{number}.git" for number in range(500)]
    push = replace(PUSH, only=tuple(f"{number:0200}" for number in range(400)))
    token = replica(*urls).sign(push, [SECRET], now=NOW).encode()
    hearer = replica(*urls)
    hearer.verify(token, [SECRET], now=NOW)
    assert hearer.read(token).only is None


@pytest.mark.parametrize("only", [(), ("site",), ("site", "h\u00e4ndbuch")])
def test_names(only: tuple[str, ...]) -> None:
    """A message says for which repositories it is, if it is not for all."""
    token = replica().sign(replace(PUSH, only=only), [SECRET], now=NOW).encode()
    assert replica().read(token).only == only


@pytest.mark.parametrize("claim", ["site", {"site": 1}, ["site", 1], 7])
def test_odd_names(claim: object) -> None:
    """What is no list of names says nothing."""
    assert replica().read(forged({"only": claim})).only is None


def test_repository_is_not_shown() -> None:
    """Whoever sees a message does not learn from it which repository it is about."""
    payload = message().split(b".")[1]
    assert b"example" not in base64.urlsafe_b64decode(payload + b"==")


@pytest.mark.parametrize("later", [-10, 0, 30, 70])
def test_clocks_may_differ(later: float) -> None:
    """A message counts for a minute, and clocks may differ by ten seconds."""
    replica().verify(message(), [SECRET], now=NOW + later)


@pytest.mark.parametrize("later", [71.0, 300.0, 86400.0])
def test_expired(later: float) -> None:
    """An old message is refused, and the refusal says how old it is."""
    assert outcome(message(), now=NOW + later) == (401, "expired")
    with pytest.raises(WebhookRejected, match=f"made {later:.0f}s ago .* clocks may differ by 10s"):
        replica().verify(message(), [SECRET], now=NOW + later)


def test_from_the_future() -> None:
    """A message of a clock that is far ahead is refused, and the refusal says how far."""
    assert outcome(message(now=NOW + 11)) == (401, "from_future")
    with pytest.raises(WebhookRejected, match="from 90s in the future"):
        replica().verify(message(now=NOW + 90), [SECRET], now=NOW)


def test_long_life_does_not_count() -> None:
    """Whatever a message says, it lives for a minute."""
    assert outcome(forged({"exp": int(NOW) + 10**6}), now=NOW + 300) == (401, "expired")


def test_seen_before() -> None:
    """A message is heard once; the next times it changes nothing."""
    token, hearer = message(), replica()
    hearer.verify(token, [SECRET], now=NOW)
    for _ in range(2):
        with pytest.raises(WebhookRejected, match="heard before") as caught:
            hearer.verify(token, [SECRET], now=NOW)
        assert (caught.value.status, caught.value.reason) == (200, "replayed")


def test_seen_before_a_clock_was_set_back() -> None:
    """A message that was heard is not heard again five minutes later, though the clock says it is the same minute."""
    token, clock = message(), Clock()
    hearer = replica(clock=clock)
    hearer.verify(token, [SECRET], now=NOW)
    clock.now += 300
    with pytest.raises(WebhookRejected, match="heard before"):
        hearer.verify(token, [SECRET], now=NOW)


def test_own() -> None:
    """A message that comes back to the replica that made it changes nothing there."""
    speaker = replica()
    with pytest.raises(WebhookRejected) as caught:
        speaker.verify(speaker.sign(PUSH, [SECRET], now=NOW).encode(), [SECRET], now=NOW)
    assert (caught.value.status, caught.value.reason) == (200, "own")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what was heard only the last is remembered, and nothing for ever."""
    monkeypatch.setattr(tokens, "_MOST_REMEMBERED", 10)
    clock = Clock()
    seen = tokens._Seen(clock)
    assert all(seen.add(str(number)) for number in range(100))
    assert not seen.add("99")
    assert len(seen._times) == 10
    clock.now += 10_000
    assert seen.add("99")
    assert len(seen._times) == 1


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(SECRET, "HS256"), (tokens._key(SECRET), "HS384"), (tokens._key(SECRET), "HS512"), ("", "none")],
    ids=["the secret itself", "HS384", "HS512", "none"],
)
@pytest.mark.filterwarnings("ignore:The HMAC key")
def test_other_algorithm_or_key(key: bytes | str, algorithm: str) -> None:
    """Neither the secret as the key, nor another algorithm with the right one, nor no signature at all will do."""
    assert outcome(forged({}, key=key, algorithm=algorithm)) == (401, "unauthorized")


@pytest.mark.parametrize("name", ["aud", "iat", "exp", "jti"])
@pytest.mark.parametrize("value", [None, 7, [], {}, [1], 1e400, True], ids=repr)
def test_odd_claims(name: str, value: object) -> None:
    """A claim that is missing or odd makes a refusal at most, even where the key is right."""
    assert outcome(forged({name: value}))[0] == 401


def _head(content: str) -> bytes:
    return base64.urlsafe_b64encode(content.encode()).rstrip(b"=") + b".e30.AAAA"


@pytest.mark.parametrize(
    "token",
    [
        *(b"", b".", b"..", b"a.b.c", b"\xff\xfe", SECRET, b"x" * 100_000, message()[:-1], b"." + message()),
        _head("[" * 4000),
        _head('{"alg":"HS256","x":' + "9" * 5000 + "}"),
        _head('{"alg":null}'),
        _head('{"alg":"HS256","crit":["x"],"kid":{}}'),
        _head('{"alg":"HS256","b64":false,"crit":["b64"]}'),
    ],
    ids=lambda token: repr(token[:20]),
)
def test_nonsense(token: bytes) -> None:
    """What is no token is refused, and reading it does no harm either."""
    assert outcome(token) == (401, "unauthorized")
    assert replica().read(token).provider == "peer"


def test_token_is_no_secret() -> None:
    """Nothing of the secret is in a message."""
    token = message()
    parts = [base64.urlsafe_b64decode(part + b"==") for part in token.split(b".")]
    assert not any(SECRET in part for part in (token, *parts))


def test_hostile_event() -> None:
    """What a sender calls its event goes into a message in part, and comes out of it as it was."""
    odd = Delivery(provider="github", event="\ud800\x00" * 1000, id="é" * 1000)
    token, hearer = replica().sign(odd, [SECRET], now=NOW).encode(), replica()
    hearer.verify(token, [SECRET], now=NOW)
    assert hearer.read(token) == Delivery(provider="peer", event=odd.event[:255], id=odd.id[:255])


def test_claims_are_json_of_ours() -> None:
    """A message has the claims that other versions rely on."""
    claims = json.loads(base64.urlsafe_b64decode(message().split(b".")[1] + b"=="))
    assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "event", "delivery"}
    assert claims["exp"] - claims["iat"] == 60
