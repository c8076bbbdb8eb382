"""Who may ask for a pass through the webhook."""

import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.base.redact import Secret
from gitsync.receiver.verify import provider_of, verify
from tests.support.webhook import signed

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def header(value: str) -> dict[str, str]:
    """Return the header with GitHub's signature."""
    return {"X-Hub-Signature-256": value}


def test_official_vector() -> None:
    """The signature of GitHub's own example is accepted."""
    verify(header(SIGNATURE), BODY, Secret(SECRET))


@pytest.mark.parametrize(
    "body", [b"", b"{}", bytes(range(256)), b"x" * 100_000], ids=["empty", "json", "bytes", "long"]
)
def test_signed(body: bytes) -> None:
    """The signature covers the raw bytes of the body, whatever they are."""
    verify(signed(body, SECRET), body, Secret(SECRET))


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {SECRET}", f"bearer {SECRET}", f"BEARER  {SECRET} "],
    ids=["usual", "lower-case", "blanks"],
)
def test_bearer(authorization: str) -> None:
    """The secret itself is accepted as a token; the scheme may be written as one likes."""
    verify({"Authorization": authorization}, BODY, Secret(SECRET))


def test_secret_outside_of_ascii() -> None:
    """A secret may hold any letters: a server hands the UTF-8 bytes of a header over as Latin-1."""
    verify({"Authorization": "Bearer schlüssel-é".encode().decode("latin-1")}, b"", Secret("schlüssel-é"))


@pytest.mark.parametrize(
    "headers",
    [
        header(SIGNATURE[:-1] + "8"),
        header(SIGNATURE[:-1]),
        header(SIGNATURE + "0"),
        header(SIGNATURE.removeprefix("sha256=")),
        header(SIGNATURE.replace("sha256", "sha1")),
        header("sha256="),
        header("sha256=é"),
        header("sha256=\u2603"),
        header("x"),
        header(signed(BODY, "another secret")["X-Hub-Signature-256"]),
        header(signed(b"another body", SECRET)["X-Hub-Signature-256"]),
        header(signed(BODY, "")["X-Hub-Signature-256"]),
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": f"Bearer {SECRET[:-1]}"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": SECRET},
        {"Authorization": "Bearer é\u2603"},
        {"X-Hub-Signature-256": "sha256=0", "Authorization": f"Bearer {SECRET}"},
    ],
    ids=range(21),
)
def test_refused(headers: dict[str, str]) -> None:
    """Whatever does not prove knowledge of the secret is refused, without an accident and without showing anything."""
    with pytest.raises(WebhookRejected, match="does not match the secret") as caught:
        verify(headers, BODY, Secret(SECRET))
    assert (caught.value.status, caught.value.reason) == (401, "unauthorized")
    assert SECRET not in str(caught.value)
    assert not any(value in str(caught.value) for value in headers.values())


@pytest.mark.parametrize(
    "headers", [{}, {"X-Hub-Signature-256": "", "Authorization": ""}, {"X-Hub-Signature": "sha1="}]
)
def test_no_proof(headers: dict[str, str]) -> None:
    """A request without proof is refused, and its sender is told what it needs."""
    with pytest.raises(WebhookRejected, match="needs X-Hub-Signature-256 or Authorization") as caught:
        verify(headers, BODY, Secret(SECRET))
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("headers", "provider"),
    [
        (header("x"), "github"),
        ({"Authorization": "x"}, "bearer"),
        ({"Authorization": "x", **header("x")}, "github"),
        ({"Authorization": "x", **header("")}, "bearer"),
        ({"X-Anything": "x"}, "unknown"),
        ({}, "unknown"),
    ],
    ids=["github", "bearer", "both", "empty", "other", "none"],
)
def test_provider(headers: dict[str, str], provider: str) -> None:
    """The provider is one of a few words, never a text of the sender's."""
    assert provider_of(headers) == provider
