"""GitHub. https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""

from collections.abc import Sequence
from typing import Final

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers.proof import hmac_sha256, is_one_of, refusal
from gitsync.receiver.providers.provider import Provider
from gitsync.receiver.request import Request

_SIGNATURE: Final = "X-Hub-Signature-256"


def _verify(request: Request, secrets: Sequence[bytes], now: float) -> None:
    expected = [b"sha256=" + signature for signature in hmac_sha256(secrets, request.body)]
    if not is_one_of(request.header(_SIGNATURE), expected):
        raise refusal(f"{_SIGNATURE} does not match the secret")


def _read(request: Request) -> Delivery:
    return Delivery(provider="github")


GITHUB: Final = Provider("github", lambda request: bool(request.header(_SIGNATURE)), _verify, _read)
