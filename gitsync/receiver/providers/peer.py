"""Another replica, which passes an event on: it is made for the secrets of one process, so it is in no table."""

from collections.abc import Sequence
from typing import Final

from gitsync.base.errors import CredentialError, WebhookRejected
from gitsync.base.log import get_logger
from gitsync.base.seldom import Seldom
from gitsync.receiver.providers.provider import Provider
from gitsync.receiver.request import Request
from gitsync.receiver.secret import Secrets, revealed
from gitsync.receiver.tokens import PEER, PeerTokens

# Says that the token of a request is a replica's.
HEADER: Final = "Gitsync-Peer"


def peer(tokens: PeerTokens, secrets: Secrets) -> Provider:
    """Return what recognises, proves and reads the messages of replicas that have one of these secrets."""

    seldom = Seldom()

    def verify(request: Request, _: Sequence[bytes], now: float) -> None:
        try:
            known = revealed(secrets)
        except CredentialError as error:
            if (unseen := seldom.ask("secret")) is not None:
                get_logger().warning("peers_secret_missing", message=str(error), hint=error.hint, unseen=unseen)
            raise WebhookRejected("the secret cannot be read", status=503, outcome="no_secret") from None
        tokens.verify(_token(request), known, now=now)

    return Provider(
        PEER,
        sends=lambda request: bool(request.header(HEADER)),
        verify=verify,
        read=lambda request: tokens.read(_token(request)),
    )


def _token(request: Request) -> bytes:
    """Return the token of a request. https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""
    scheme, _, token = request.header("Authorization").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""
