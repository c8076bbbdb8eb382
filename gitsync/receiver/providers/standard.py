"""Signatures of Standard Webhooks, which GitLab and many others make. Pure functions.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import re
from collections.abc import Sequence
from typing import Final

from gitsync.receiver.providers.proof import is_one_of, refusal
from gitsync.receiver.request import Request

# Seconds between the clock of the sender and ours, either way.
TOLERANCE: Final = 300

# What is no v1 is of a later version, or one with public keys (v1a).
_SIGNATURES: Final = re.compile(rb"v[0-9a-z]+,[A-Za-z0-9+/=]+(\s+v[0-9a-z]+,[A-Za-z0-9+/=]+)*")
_TIMESTAMP: Final = re.compile(rb"[0-9]{1,12}")
# A secret that begins with it is base64 of the key.
PREFIX: Final = b"whsec_"


def sign(identifier: bytes, timestamp: bytes, body: bytes, secret: bytes) -> bytes:
    """Return the signature of a message; a secret that begins with `whsec_` is base64, any other is the key itself."""
    signed = hmac.new(_key(secret), b"%b.%b." % (identifier, timestamp), "sha256")
    signed.update(body)
    return b"v1," + base64.b64encode(signed.digest())


def _key(secret: bytes) -> bytes:
    """Return the key that a secret is for; empty if it is none."""
    if not secret.startswith(PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        return b""


def standard(request: Request, secrets: Sequence[bytes], now: float) -> bool:
    """The proof by `webhook-signature`, which may hold several for several secrets (see `proof.Proof`).

    A message that was signed some time ago may be one that somebody has seen, and sends again.
    """
    given = request.header("webhook-signature")
    if not given:
        return False
    identifier, timestamp = request.header("webhook-id"), request.header("webhook-timestamp")
    if not identifier or not _TIMESTAMP.fullmatch(timestamp):
        raise refusal("a webhook-signature needs a webhook-id, and a webhook-timestamp in seconds, once each")
    if not _SIGNATURES.fullmatch(given):
        raise refusal("webhook-signature has to be v1, and base64, several with blanks between them, in one header")
    right = [sign(identifier, timestamp, request.body, secret) for secret in secrets if _key(secret)]
    # No short cut here either: each is compared with each.
    if not any([is_one_of(each, right) for each in given.split()]):
        raise refusal("webhook-signature does not match the secret")
    _check_age(now - int(timestamp))
    return True


def _check_age(age: float) -> None:
    if abs(age) > TOLERANCE:
        way = "behind" if age > 0 else "ahead of"
        raise refusal(
            f"webhook-timestamp is {abs(age):.0f} seconds {way} the clock here, and {TOLERANCE} are allowed: set both "
            "clocks right, or let the event be sent anew"
        )
