"""Signatures of Standard Webhooks, as GitLab and others make them."""

import base64
import re

import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.receiver.providers.standard import TOLERANCE, sign
from gitsync.receiver.request import Request
from tests.unit.receiver.providers.signatures import NOW, request, verify

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = b"msg_p5jXN8AQM9LWM0D4loKWxJek"
STAMP = b"1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

BOTH = pytest.mark.parametrize("name", ["gitlab", "generic"])


def message(
    signature: bytes = SIGNATURE, *, identifier: bytes = ID, stamp: bytes = STAMP, body: bytes = BODY
) -> Request:
    """Return the message of the specification's example, or one that is like it."""
    return request(body, webhook_id=identifier, webhook_timestamp=stamp, webhook_signature=signature)


def judged(name: str, sent: Request, *, secrets: tuple[bytes, ...] = (SECRET,), age: float = 0) -> str:
    """Return why a message is refused that many seconds after it was signed; empty if it is not."""
    try:
        verify(name, sent, *secrets, now=int(STAMP) + age)
    except WebhookRejected as error:
        return str(error)
    return ""


@BOTH
def test_official_vector(name: str) -> None:
    """The example of the specification is accepted, while it is young."""
    assert judged(name, message()) == ""


@BOTH
@pytest.mark.parametrize("way", ["behind", "ahead of"])
def test_age(name: str, way: str) -> None:
    """Five minutes are allowed either way; beyond them the refusal says how many seconds there are."""
    sign_of = 1 if way == "behind" else -1
    assert judged(name, message(), age=sign_of * TOLERANCE) == ""
    told = judged(name, message(), age=sign_of * (TOLERANCE + 1))
    assert f"is 301 seconds {way} the clock here" in told
    assert "set both clocks right" in told


@BOTH
@pytest.mark.parametrize(
    "signatures",
    [
        b"v1,AAAA " + SIGNATURE,
        SIGNATURE + b" v1,AAAA",
        b"v1a,AAAA v2,AAAA  " + SIGNATURE,
        b" ".join([SIGNATURE] * 500),
    ],
)
def test_several_signatures(name: str, signatures: bytes) -> None:
    """One of them is enough: a sender signs with the old secret and the new one, or in several ways."""
    assert judged(name, message(signatures)) == ""


@BOTH
def test_several_secrets(name: str) -> None:
    """Each of the secrets counts."""
    assert judged(name, message(), secrets=(b"other", SECRET)) == ""
    assert "does not match" in judged(name, message(), secrets=(b"other", b"whsec_AAAA"))


@BOTH
@pytest.mark.parametrize(
    "signature",
    [
        SIGNATURE.replace(b"g0hM", b"g0hN"),
        b"v1," + SIGNATURE.removeprefix(b"v1,").swapcase(),
        b"v2," + SIGNATURE.removeprefix(b"v1,"),
        b"v1,=",
    ],
)
def test_wrong_signature(name: str, signature: bytes) -> None:
    """Base64 has large and small letters, and another version is another signature."""
    assert "does not match the secret" in judged(name, message(signature))


@BOTH
@pytest.mark.parametrize(
    "signature",
    [
        SIGNATURE + b", " + SIGNATURE,
        SIGNATURE + b"," + SIGNATURE,
        SIGNATURE.removeprefix(b"v1,"),
        b"v1",
        b"v1,",
        b"\xff\xfe",
        b"v1,\xff",
        b", ,",
    ],
)
def test_malformed_signature(name: str, signature: bytes) -> None:
    """What is not written as the specification says is refused, and so is a header that comes twice."""
    assert "has to be v1, and base64" in judged(name, message(signature))


@BOTH
@pytest.mark.parametrize(
    "stamp", [b"", b"x", b"-1", b"1614265330.5", b"1e9", b"9" * 13, b"9" * 5000, b"1, 1", b"\xd9\xa0"]
)
def test_malformed_timestamp(name: str, stamp: bytes) -> None:
    """A time is some digits."""
    assert "needs a webhook-id, and a webhook-timestamp" in judged(name, message(stamp=stamp))


@BOTH
def test_each_part_is_signed(name: str) -> None:
    """Neither the id nor the time nor the body can be exchanged."""
    for other in (message(identifier=b"msg"), message(stamp=b"1614265331"), message(body=BODY + b" ")):
        assert "does not match the secret" in judged(name, other)
    assert "needs a webhook-id" in judged(name, message(identifier=b""))


@BOTH
@pytest.mark.parametrize("secret", [b"whsec_", b"whsec_!", b"whsec_a", b"whsec_\xff"])
def test_secret_that_is_no_key(name: str, secret: bytes) -> None:
    """What is no base64 is no key, least of all an empty one, with which anybody could sign."""
    forged = sign(ID, STAMP, BODY, b"")
    assert "does not match the secret" in judged(name, message(forged), secrets=(secret,))


@BOTH
def test_plain_secret(name: str) -> None:
    """A secret without the prefix is the key itself."""
    for key in (b"a plain secret", base64.b64encode(b"k" * 32)):
        stamp = str(int(NOW)).encode()
        verify(name, message(sign(ID, stamp, BODY, key), stamp=stamp), key, now=NOW)


def test_gitlabs_token_beside_a_signature() -> None:
    """GitLab may send both, of which one has to be right; without any it is told to enter one."""
    sent = dict(message().headers) | {"x-gitlab-token": b"a plain secret"}
    assert judged("gitlab", Request(headers=sent, body=BODY), secrets=(b"a plain secret",)) == ""
    assert judged("gitlab", Request(headers=sent, body=BODY)) == ""
    assert judged("gitlab", Request(headers=sent, body=BODY), age=1000, secrets=(b"a plain secret",)) == ""
    assert re.search("301 seconds", judged("gitlab", Request(headers=sent, body=BODY), age=301))
    assert "enter a signing token or the secret token" in judged("gitlab", request())
