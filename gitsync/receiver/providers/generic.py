"""Everybody else: a pipeline, a script, a service that signs in one of the ways that have names. Pure functions."""

from collections.abc import Sequence
from typing import Final

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers.payload import label, parse, refs, text
from gitsync.receiver.providers.proof import bearer, one_of, refusal, signature
from gitsync.receiver.providers.provider import Provider, has
from gitsync.receiver.providers.standard import standard
from gitsync.receiver.request import Request


def verify_bearer(request: Request, secrets: Sequence[bytes]) -> None:
    """Raise `WebhookRejected` unless the request has one of the secrets as its token."""
    if not bearer(request, secrets, 0):
        raise refusal("the request needs Authorization: Bearer and the secret")


def _read(request: Request) -> Delivery:
    """Read an event: it may say `{"ref": "refs/heads/main"}`, and need not say anything."""
    return Delivery(
        provider="generic",
        id=label(request.header("webhook-id")),
        refs=refs([text(parse(request), "ref")]),
    )


GENERIC: Final = Provider(
    name="generic",
    sends=has("webhook-signature", "X-Signature", "Authorization"),
    verify=one_of(
        standard,
        signature("X-Signature"),
        bearer,
        missing="the request needs Authorization: Bearer and the secret, or X-Signature, or webhook-signature",
    ),
    read=_read,
)
