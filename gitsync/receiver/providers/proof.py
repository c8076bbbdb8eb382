"""What proves that a sender knows a secret: a signature, a token, a password. Pure functions of bytes.

A header is whatever its sender likes: no value of one is shown, none raises anything but `WebhookRejected`, and the
time that a comparison takes does not depend on how much of it is right. A header that a request has twice arrives as
one with a comma in it, and is no proof.
"""

import base64
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gitsync.base.errors import WebhookRejected
from gitsync.receiver.request import Request

# Given the request, the secrets and the time (Unix seconds): True if one of the secrets is proved, False if the request
# has no such proof; raises `WebhookRejected` if it has one that is wrong.
Proof = Callable[[Request, Sequence[bytes], float], bool]

_DIGEST: Final = re.compile(rb"[0-9A-Fa-f]{64}")
_SHA1: Final = b"sha1="


def refusal(message: str) -> WebhookRejected:
    """Return the refusal of a sender who has not proved anything."""
    return WebhookRejected(message, status=401, outcome="unauthorized")


def one_of(*proofs: Proof, missing: str) -> Callable[[Request, Sequence[bytes], float], None]:
    """Return what raises `WebhookRejected` unless one of the proofs holds; `missing` is for a request without any."""

    def verify(request: Request, secrets: Sequence[bytes], now: float) -> None:
        found = []
        for proof in proofs:
            try:
                if proof(request, secrets, now):
                    return
            except WebhookRejected as error:
                found.append(error)
        raise found[0] if found else refusal(missing)

    return verify


def is_one_of(given: bytes, expected: Iterable[bytes]) -> bool:
    """Say whether a proof is one of those that would be right; all of them are compared."""
    return any([hmac.compare_digest(given, each) for each in expected])


def signature(
    header: str, *, prefix: str = "sha256=", signed: Callable[[Request], bytes] = lambda request: request.body
) -> Proof:
    """Return the proof by HMAC-SHA256 in hexadecimal digits, large or small; `signed` says what it is computed over.

    Some providers send the header without a digest where they have no secret: then there is no proof.
    """

    def proof(request: Request, secrets: Sequence[bytes], now: float) -> bool:
        given = request.header(header)
        if given in {b"", prefix.encode(), _SHA1}:
            return False
        if given.startswith(_SHA1):
            raise _weak(header)
        digest = given.removeprefix(prefix.encode())
        if not given.startswith(prefix.encode()) or not _DIGEST.fullmatch(digest):
            form = f"{prefix} and 64 hexadecimal digits" if prefix else "64 hexadecimal digits"
            raise refusal(f"{header} has to be {form}, and to be there once")
        content = signed(request)
        # Whoever knows nothing could sign with an empty key.
        right = [hmac.digest(secret, content, "sha256") for secret in secrets if secret]
        if not is_one_of(bytes.fromhex(digest.decode()), right):
            raise refusal(f"{header} does not match the secret")
        return True

    return proof


def sha1_only(header: str) -> Proof:
    """Return what tells a sender whose only signature is one of SHA-1 what to do; it proves nothing."""

    def proof(request: Request, secrets: Sequence[bytes], now: float) -> bool:
        given = request.header(header)
        if given.startswith(_SHA1) and given != _SHA1:
            raise _weak(header)
        return False

    return proof


def _weak(header: str) -> WebhookRejected:
    return refusal(f"{header} is a signature with SHA-1, which counts for nothing: let the sender sign with SHA-256")


def token(header: str) -> Proof:
    """Return the proof by a header that is the secret itself."""

    def proof(request: Request, secrets: Sequence[bytes], now: float) -> bool:
        return _same(header, request.header(header), secrets)

    return proof


def bearer(request: Request, secrets: Sequence[bytes], now: float) -> bool:
    """The proof by `Authorization: Bearer SECRET`. https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""
    return _same("Authorization", _authorization(request, b"bearer"), secrets)


def basic(request: Request, secrets: Sequence[bytes], now: float) -> bool:
    """The proof by basic authentication: the password is the secret, the user may have any name.

    https://www.rfc-editor.org/rfc/rfc7617#section-2
    """
    encoded = _authorization(request, b"basic")
    try:
        _user, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except ValueError:
        raise refusal("Authorization is no basic authentication: what follows Basic is not base64") from None
    if encoded and not password:
        raise refusal("Authorization has no password: enter the secret as the password")
    return _same("Authorization", password, secrets)


def _authorization(request: Request, scheme: bytes) -> bytes:
    """Return what `Authorization` says in this scheme, whose letters may be large or small; empty if it has another."""
    given, _, rest = request.header("Authorization").partition(b" ")
    return rest.strip() if given.lower() == scheme else b""


def _same(header: str, given: bytes, secrets: Sequence[bytes]) -> bool:
    if given and not is_one_of(given, secrets):
        raise refusal(f"{header} does not match the secret")
    return bool(given)
