"""Verifies inbound webhooks. Pure functions over headers, body and secret; the payload itself is never looked at.

A verified request only says that it is worth to ask the remote now, so nothing in it can choose what is fetched.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

from gitsync.base.errors import WebhookRejected
from gitsync.base.redact import Secret

# Bytes. GitHub does not send payloads over 25 MB; a push whose payload is larger than this is found by the next period.
BODY_LIMIT: Final = 3 * 1024 * 1024

Verifier = Callable[[str, bytes, bytes], bool]


def _github(signature: str, body: bytes, secret: bytes) -> bool:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return _equal(signature, expected.encode())


def _bearer(authorization: str, body: bytes, secret: bytes) -> bool:
    """https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""
    scheme, _, token = authorization.partition(" ")
    return scheme.lower() == "bearer" and _equal(token.strip(), secret)


def _equal(proof: str, expected: bytes) -> bool:
    # WSGI hands headers over as Latin-1 text; compare_digest refuses text that is not ASCII.
    return hmac.compare_digest(proof.encode("latin-1", errors="replace"), expected)


# By the header that carries the proof, the first one that a request has decides.
_VERIFIERS: Final[Mapping[str, tuple[str, Verifier]]] = {
    "X-Hub-Signature-256": ("github", _github),
    "Authorization": ("bearer", _bearer),
}


def provider_of(headers: Mapping[str, str]) -> str:
    """Return who the request seems to be from: one of a few words, fit to be the label of a metric."""
    return next((name for header, (name, _) in _VERIFIERS.items() if headers.get(header)), "unknown")


def verify(headers: Mapping[str, str], body: bytes, secret: Secret) -> None:
    """Raise `WebhookRejected`, which has the HTTP status, unless the sender has proved that it knows the secret.

    The time that it takes does not depend on how much of the proof is right.
    """
    for header, (_, verifier) in _VERIFIERS.items():
        if proof := headers.get(header):
            if verifier(proof, body, secret.reveal().encode()):
                return
            raise WebhookRejected(f"{header} does not match the secret", status=401, outcome="unauthorized")
    names = " or ".join(_VERIFIERS)
    raise WebhookRejected(f"the request needs {names}", status=401, outcome="unauthorized")
