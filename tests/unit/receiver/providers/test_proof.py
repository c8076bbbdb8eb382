"""Who may ask for a pass: whoever proves that it knows a secret, in the way of its provider."""

import base64
from urllib.parse import quote_plus

import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.receiver.request import Request
from tests.unit.receiver.providers.signatures import BODY, SECRET, SIGNED, digest, request, verify

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
GITHUB = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
GITHUB_SHA1 = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"
# https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
BITBUCKET = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


def refusal(name: str, sent: Request, *secrets: bytes) -> str:
    """Return why a provider refuses a request; nothing that was sent or is secret may be in it."""
    with pytest.raises(WebhookRejected) as caught:
        verify(name, sent, *secrets)
    message = str(caught.value)
    assert (caught.value.status, caught.value.reason) == (401, "unauthorized")
    assert len(message) < 300
    assert message.isprintable()
    assert digest() not in message
    assert all(secret.decode(errors="replace") not in message for secret in (SECRET, *secrets) if secret)
    return message


def signed(name: str, value: str | bytes, body: bytes = BODY) -> Request:
    """Return a request with this signature; where there are digits they stand behind what the provider writes first."""
    header, _ = SIGNED[name]
    return request(body, **{header: value})


def test_official_vectors() -> None:
    """The examples of the providers' own pages are accepted."""
    verify("github", request(X_Hub_Signature_256=GITHUB))
    verify("github", request(X_Hub_Signature_256=GITHUB, X_Hub_Signature=GITHUB_SHA1))
    verify("bitbucket", request(b"Hello World!", X_Hub_Signature=BITBUCKET))


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)), b"x" * 100_000], ids=["empty", "json", "all", "long"])
def test_signed(name: str, body: bytes) -> None:
    """The signature covers the raw bytes of the body, whatever they are; hexadecimal digits have no size."""
    prefix = SIGNED[name][1]
    for digits in (digest(body), digest(body).upper()):
        verify(name, signed(name, prefix + digits, body))


@pytest.mark.parametrize("name", SIGNED)
def test_several_secrets(name: str) -> None:
    """While a secret is changed, each of them counts, and no third one."""
    sent = signed(name, SIGNED[name][1] + digest())
    verify(name, sent, b"another", SECRET)
    verify(name, sent, SECRET, b"another")
    assert "does not match the secret" in refusal(name, sent, b"another", b"third")


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("secret", [b"", SECRET])
def test_empty_secret_proves_nothing(name: str, secret: bytes) -> None:
    """Anybody can sign with an empty key; that is a proof to nobody, whatever the secrets are."""
    sent = signed(name, SIGNED[name][1] + digest(secret=b""))
    assert "does not match the secret" in refusal(name, sent, secret)


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    "digits",
    [
        digest(secret=b"another"),
        digest(b"another body"),
        digest()[:-1] + "g",
        digest()[:-1],
        digest() + "0",
        "0",
        "0" * 64,
        f"{digest()},{digest()}",
        f"{digest()}, {digest()}",
        f"{digest()[:32]} {digest()[32:]}",
        "x" * 100_000,
        "é",
        "\u2603" * 21,
        "\u0660" * 64,
        base64.b64encode(bytes.fromhex(digest())).decode(),
    ],
    ids=range(15),
)
def test_wrong_digits(name: str, digits: str) -> None:
    """What is not the one signature of this body with this secret is refused, whatever letters it is made of."""
    refusal(name, signed(name, SIGNED[name][1] + digits))


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    "prefix", ["sha256", "sha256:", "sha512=", "md5=", "SHA256=", "sha256=sha256=", "=", "v1,", "\xff\xfe"]
)
def test_wrong_algorithm(name: str, prefix: str) -> None:
    """What is written in another way than the provider's is refused, and the sender told which way that is."""
    assert "64 hexadecimal digits" in refusal(name, signed(name, prefix + digest()))


@pytest.mark.parametrize("name", [name for name, (_, prefix) in SIGNED.items() if prefix])
def test_digits_alone(name: str) -> None:
    """The digits need the name of their algorithm before them where the provider writes that."""
    assert "has to be sha256= and 64 hexadecimal digits" in refusal(name, signed(name, digest()))


@pytest.mark.parametrize("name", SIGNED)
def test_bytes_that_are_no_text(name: str) -> None:
    """A header may hold any byte (peers raise TypeError for what is not ASCII)."""
    for value in (bytes(range(128, 256)), SIGNED[name][1].encode() + b"\xff" * 64):
        refusal(name, signed(name, value))


@pytest.mark.parametrize("name", SIGNED)
def test_no_signature(name: str) -> None:
    """Without a signature the sender is told where to enter the secret; one without digits is none (peers crash)."""
    header, prefix = SIGNED[name]
    for sent in (request(), *(signed(name, value) for value in ("", " ", prefix, f" {prefix} ", "sha1="))):
        assert header in refusal(name, sent)
        assert "enter the secret" in refusal(name, sent) or name == "generic"
        assert "64 hexadecimal digits" not in refusal(name, sent)
    neither = request(X_Hub_Signature_256="sha256=", X_Hub_Signature="sha1=")
    assert "SHA-1" not in refusal("github", neither)


@pytest.mark.parametrize("name", ["github", "bitbucket", "bitbucket-server"])
def test_sha1(name: str) -> None:
    """A signature with SHA-1 is refused even if it is right, and the sender told what to do."""
    assert "let the sender sign with SHA-256" in refusal(name, request(X_Hub_Signature=GITHUB_SHA1))
    assert "let the sender sign with SHA-256" in refusal(name, request(X_Hub_Signature="sha1=junk"))


def test_wrong_signature_beside_sha1() -> None:
    """What is told is what is wrong with the signature that counts."""
    sent = request(X_Hub_Signature_256=GITHUB[:-1] + "8", X_Hub_Signature=GITHUB_SHA1)
    assert "X-Hub-Signature-256 does not match the secret" in refusal("github", sent)


@pytest.mark.parametrize("name", ["gitea", "forgejo", "gogs"])
def test_githubs_signature_is_not_theirs(name: str) -> None:
    """They are known by their own header, and have to prove themselves with it."""
    assert f"X-{name.capitalize()}-Signature" in refusal(name, request(X_Hub_Signature_256=GITHUB))


def test_form() -> None:
    """GitHub signs a form as it is sent, and the others what is in it."""
    payload = b'{"ref": "refs/heads/main", "a": "&+=% \xc3\xa9"}'
    form = b"payload=" + quote_plus(payload).encode()
    kind = "application/x-www-form-urlencoded"
    for name, (header, prefix) in SIGNED.items():
        right, wrong = (payload, form) if name in {"gitea", "forgejo", "gogs"} else (form, payload)
        verify(name, request(form, Content_Type=kind, **{header: prefix + digest(right)}))
        refusal(name, request(form, Content_Type=kind, **{header: prefix + digest(wrong)}))
        # Without the type it is no form.
        verify(name, request(form, **{header: prefix + digest(form)}))


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_bearer(scheme: str) -> None:
    """The secret itself is accepted as a token; the scheme may be written as one likes."""
    verify("generic", request(Authorization=scheme + SECRET.decode()))


def basic(login: bytes, scheme: str = "Basic") -> Request:
    """Return a request with basic authentication."""
    return request(Authorization=f"{scheme} {base64.b64encode(login).decode()}")


@pytest.mark.parametrize("name", ["azure", "bitbucket-server"])
@pytest.mark.parametrize("user", [b"", b"gitsync", b"\xff"])
def test_basic(name: str, user: bytes) -> None:
    """The password is the secret, which may have colons in it; whose it is does not matter."""
    verify(name, basic(user + b":" + SECRET))
    verify(name, basic(user + b":" + SECRET, scheme="BASIC"))
    verify(name, basic(user + b":a:b:"), b"a:b:")
    assert "does not match the secret" in refusal(name, basic(user + b":wrong"))
    assert "has no password" in refusal(name, basic(user + b":"))
    assert "has no password" in refusal(name, basic(user + b"x"))


@pytest.mark.parametrize("name", ["azure", "bitbucket-server"])
@pytest.mark.parametrize("encoded", ["!", "a", "a===", "é", "Og==, Og==", "*" * 10_000, "\xff"])
def test_no_base64(name: str, encoded: str) -> None:
    """What cannot be read is refused and not an accident."""
    assert "is not base64" in refusal(name, request(Authorization=f"Basic {encoded}"))


@pytest.mark.parametrize("name", ["generic", "azure", "gitlab", "bitbucket-server"])
@pytest.mark.parametrize("authorization", ["", "Basic", "Bearer", "Bearer ", "Digest x", SECRET, b"\xff", "Negotiate "])
def test_no_authorization(name: str, authorization: str | bytes) -> None:
    """A request that proves nothing is told what it needs."""
    assert "the request" in refusal(name, request(Authorization=authorization))


@pytest.mark.parametrize("token", ["wrong", SECRET + b"x", SECRET[:-1], SECRET.upper(), b"\xff\xfe", b"x" * 100_000])
def test_wrong_token(token: str | bytes) -> None:
    """A token is the whole secret and nothing else; one that comes twice is neither."""
    value = token.encode() if isinstance(token, str) else token
    assert "does not match the secret" in refusal("generic", request(Authorization=b"Bearer " + value))
    assert "does not match the secret" in refusal("gitlab", request(X_Gitlab_Token=value))
    twice = SECRET + b", " + SECRET
    assert "does not match the secret" in refusal("gitlab", request(X_Gitlab_Token=twice))
    assert "does not match the secret" in refusal("generic", request(Authorization=b"Bearer " + twice))


def test_secret_outside_of_ascii() -> None:
    """A secret may hold any letters, as the bytes that they are sent as."""
    for secret in ("schlüssel-é\u2603".encode(), b"\xff\xfe\xfd\xfc"):
        verify("generic", request(Authorization=b"Bearer " + secret), secret)
        verify("gitlab", request(X_Gitlab_Token=secret), secret)
        verify("azure", basic(b"user:" + secret), secret)
        verify("github", request(X_Hub_Signature_256="sha256=" + digest(secret=secret)), secret)


def test_one_right_proof_is_enough() -> None:
    """Who proves the secret in one way may have a wrong proof of another; the first wrong one is told of."""
    verify("generic", request(X_Signature="sha256=0", Authorization=b"Bearer " + SECRET))
    told = refusal("generic", request(X_Signature="sha256=" + digest(b"x"), Authorization="Bearer wrong"))
    assert "X-Signature does not match" in told


@pytest.mark.parametrize("name", ["github", "gitea", "azure"])
def test_token_is_no_proof_to_those_who_sign(name: str) -> None:
    """A proof counts in the way of the provider only."""
    refusal(name, request(Authorization=b"Bearer " + SECRET))
