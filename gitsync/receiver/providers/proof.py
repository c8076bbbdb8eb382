"""What proves that a sender knows a secret; the time that it takes does not depend on how much of it is right."""

import hashlib
import hmac
from collections.abc import Sequence

from gitsync.base.errors import WebhookRejected


def is_one_of(proof: bytes, expected: Sequence[bytes]) -> bool:
    """Say whether a proof is one of those expected, all of which are looked at."""
    # Of text compare_digest wants ASCII, and raises otherwise.
    return any([hmac.compare_digest(proof, each) for each in expected])


def hmac_sha256(secrets: Sequence[bytes], content: bytes) -> list[bytes]:
    """Return the signatures with these secrets, in hex. https://www.rfc-editor.org/rfc/rfc2104"""
    return [hmac.new(secret, content, hashlib.sha256).hexdigest().encode() for secret in secrets]


def refusal(message: str) -> WebhookRejected:
    """Return what refuses a request whose sender proves nothing."""
    return WebhookRejected(message, status=401, outcome="unauthorized")
