"""Whatever is sent, a provider has one of the few answers that are written down, and never an accident."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitsync.base.errors import WebhookRejected
from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.providers.provider import Provider
from gitsync.receiver.relevance import relevance
from gitsync.receiver.request import Request
from gitsync.receiver.samples import push
from tests.unit.receiver.providers import payloads
from tests.unit.receiver.providers.strategies import BODIES, HEADERS, NAMES, VALUE, VALUES

NOW = 1_790_000_000.0
SECRET = b"correct-horse"
REAL = [payloads.hub(), payloads.gitlab(), payloads.bitbucket_several(), payloads.server(), payloads.azure()]


def check(delivery: Delivery) -> None:
    """Look at what was read: it has an end, and the types that it should have."""
    assert max(len(delivery.event), len(delivery.id)) <= 256
    assert (delivery.event + delivery.id).isprintable()
    for ref in delivery.refs or ():
        assert ref.startswith("refs/")
        assert ref.isprintable()
        assert len(ref) <= 256
    for name in (*(delivery.repositories or ()), delivery.default_branch or "x"):
        assert 0 < len(name) <= 2048
    for repo in ("https://git.example.test/acme/site.git", "git@host:site", "/srv/site"):
        for ref in ("HEAD", "main", "0" * 40):
            told = relevance(delivery, repo=repo, ref=ref, resolved="refs/heads/main")
            assert told in {"accepted", "ping", "other_ref", "other_repository"}


@given(provider=st.sampled_from(PROVIDERS), headers=HEADERS, body=st.binary(max_size=200))
def test_any_request_is_refused(provider: Provider, headers: dict[str, bytes], body: bytes) -> None:
    """Whoever does not know the secret is refused, with a text that has an end and nothing of what was sent in it."""
    sent = Request(headers=headers, body=body)
    assert provider.sends(sent) in {True, False}
    try:
        provider.verify(sent, [SECRET, b"", b"whsec_", b"whsec_AAAA"], NOW)
    except WebhookRejected as error:
        told = (error.status, error.reason, len(str(error)) < 300, str(error).isprintable())
    assert told == (401, "unauthorized", True, True)


@given(provider=st.sampled_from(PROVIDERS), headers=HEADERS, body=BODIES)
def test_any_payload_is_read(provider: Provider, headers: dict[str, bytes], body: bytes) -> None:
    """Of anything at all something is read, or nothing."""
    check(provider.read(Request(headers=headers, body=body)))


@given(provider=st.sampled_from(PROVIDERS), payload=st.sampled_from(REAL), data=st.data())
def test_any_part_of_a_payload_may_be_anything(
    provider: Provider, payload: dict[str, Any], data: st.DataObject
) -> None:
    """A real event in which one part, at any depth, is something else is read."""
    copied = json.loads(json.dumps(payload))
    place: Any = copied
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(VALUE)
        break
    event = push(provider.name, secret=SECRET, now=NOW, ref="refs/heads/main")
    check(provider.read(Request(headers=event.headers, body=json.dumps(copied).encode())))


@given(provider=st.sampled_from(PROVIDERS), header=st.sampled_from(NAMES), value=VALUES, data=st.data())
def test_one_changed_header(provider: Provider, header: str, value: bytes, data: st.DataObject) -> None:
    """A sample with one header of somebody else's is let in or refused, and its proof is none with a bit turned."""
    sample = push(provider.name, secret=SECRET, now=NOW, ref="refs/heads/main")
    sent = Request(headers={**sample.headers, header: value}, body=sample.body)
    try:
        provider.verify(sent, [SECRET], NOW)
    except WebhookRejected as error:
        assert error.status == 401  # noqa: PT017 (it may also be let in)
    check(provider.read(sent))
    proof = next(name for name in sample.headers if "signature" in name or name in {"authorization", "x-gitlab-token"})
    turned = bytearray(sample.headers[proof])
    turned[data.draw(st.integers(0, len(turned) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    if _means_something_else(provider, bytes(turned), sample.headers[proof]):
        bad = Request(headers={**sample.headers, proof: bytes(turned)}, body=sample.body)
        try:
            provider.verify(bad, [SECRET], NOW)
        except WebhookRejected:
            return
        raise AssertionError(bytes(turned))


def _means_something_else(provider: Provider, turned: bytes, proof: bytes) -> bool:
    """Say whether a change is one to a proof: letters of a digest and of a scheme have no size, a user no meaning."""
    return turned.lower() != proof.lower() and not proof.startswith(b"Basic")
