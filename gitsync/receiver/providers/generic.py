"""Whoever has the secret itself as a token. https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""

from collections.abc import Sequence
from typing import Final

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers.proof import is_one_of, refusal
from gitsync.receiver.providers.provider import Provider
from gitsync.receiver.request import Request


def verify_bearer(request: Request, secrets: Sequence[bytes]) -> None:
    """Raise `WebhookRejected` unless the request has one of the secrets as its token."""
    scheme, _, token = request.header("Authorization").partition(b" ")
    if scheme.lower() != b"bearer" or not is_one_of(token.strip(), secrets):
        raise refusal("Authorization does not match the secret")


def _verify(request: Request, secrets: Sequence[bytes], now: float) -> None:
    verify_bearer(request, secrets)


def _read(request: Request) -> Delivery:
    return Delivery(provider="generic")


GENERIC: Final = Provider("generic", lambda request: bool(request.header("Authorization")), _verify, _read)
