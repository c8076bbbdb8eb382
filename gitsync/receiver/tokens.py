"""The messages between replicas: tokens that live for a minute, and that only those who know the secret can make.

A message is a JSON Web Token (https://www.rfc-editor.org/rfc/rfc7519) and nothing else: it names the repositories that
something has happened to, and nothing of it decides more than *now*. Called by the HTTP server's threads and by that of
the fan-out.
"""

import functools
import hashlib
import hmac
import math
import secrets
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

from gitsync.base.errors import WebhookRejected
from gitsync.receiver.delivery import Delivery

PEER: Final = "peer"
# The only one that is made and taken, whatever a token says of itself. https://www.rfc-editor.org/rfc/rfc8725#section-3.1
_ALGORITHM: Final = "HS256"
_LABEL: Final = b"gitsync: messages between replicas"
# Seconds.
_LIFE: Final = 60
_LEEWAY: Final = 10
# Longer than a message lives, so that a clock that is set back by some minutes lets none in again.
_REMEMBERED_FOR: Final = 900.0
_MOST_REMEMBERED: Final = 8192
# Characters of what an event says of itself, and bytes of a token, with room for their escapes.
_LONGEST_TEXT: Final = 255
_LONGEST_TOKEN: Final = 8192
# Of several repositories: how many a message is addressed to by their URLs, where one is enough for a replica with the
# same file; and the characters of the names of those that it is for, beyond which it is for all.
_MOST_ADDRESSED: Final = 32
_LONGEST_NAMES: Final = 2048


class PeerTokens:
    """Makes and proves the messages of one process; the secrets are given each time, as they change while it runs."""

    def __init__(self, urls: Callable[[], Sequence[str]], *, clock: Callable[[], float] = time.monotonic) -> None:
        """`urls` returns those of the repositories that are followed. Called by the main thread, before others are."""
        self._urls = urls
        self._instance = f"{socket.gethostname()[:64]}-{secrets.token_hex(8)}"
        self._jwt = _library()
        self._seen = _Seen(clock)

    def _audience(self) -> list[str]:
        return list(dict.fromkeys(_audience(url) for url in self._urls()))

    def sign(self, delivery: Delivery, secrets_: Sequence[bytes], *, now: float) -> str:
        """Return a message about an event, signed with the first of the secrets; `now` is in Unix seconds."""
        claims = {
            "iss": self._instance,
            "aud": self._audience()[:_MOST_ADDRESSED],
            "iat": int(now),
            "exp": int(now) + _LIFE,
            "jti": secrets.token_hex(16),
            "event": delivery.event[:_LONGEST_TEXT],
            "delivery": delivery.id[:_LONGEST_TEXT],
        }
        if delivery.only is not None and sum(map(len, delivery.only)) <= _LONGEST_NAMES:
            claims["only"] = list(delivery.only)
        return str(self._jwt.encode(claims, _key(secrets_[0]), algorithm=_ALGORITHM))

    def verify(self, token: bytes, secrets_: Sequence[bytes], *, now: float) -> None:
        """Raise `WebhookRejected` unless a replica that knows one of the secrets has made the token, just now, for us.

        One that is genuine and brings nothing new (our own, or seen before) is refused with the status 200, because
        with addresses of two families a replica hears everything twice.
        """
        claims = self._claims(token, secrets_)
        issued, expires = _seconds(claims["iat"]), _seconds(claims["exp"])
        if issued > now + _LEEWAY:
            raise _refusal(f"the message is from {issued - now:.0f}s in the future", "from_future")
        if min(expires, issued + _LIFE) + _LEEWAY < now:
            raise _refusal(f"the message was made {now - issued:.0f}s ago and has expired", "expired")
        if claims["iss"] == self._instance:
            raise WebhookRejected("the message is our own", status=200, outcome="own")
        if not self._seen.add(claims["jti"][:_LONGEST_TEXT]):
            raise WebhookRejected("the message was heard before", status=200, outcome="replayed")

    def read(self, token: bytes) -> Delivery:
        """Return what a token says that was verified; raise nothing."""
        try:
            claims: dict[str, Any] = self._jwt.decode(token, options={"verify_signature": False})
        except (self._jwt.PyJWTError, ValueError, RecursionError):
            claims = {}
        event, id_ = _text(claims.get("event")), _text(claims.get("delivery"))
        return Delivery(provider=PEER, event=event, id=id_, only=_names(claims.get("only")))

    def _claims(self, token: bytes, secrets_: Sequence[bytes]) -> dict[str, Any]:
        """Return what a token says, whatever the time; raise `WebhookRejected` unless it is meant for us."""
        unknown = WebhookRejected("the token is not signed with the secret", status=401, outcome="unauthorized")
        if len(token) > _LONGEST_TOKEN:
            raise unknown
        # The times are looked at by `verify`, by a clock that is given.
        times = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf"), False)
        options = {"require": ["iss", "aud", "iat", "exp", "jti"], **times}
        for secret in secrets_:
            try:
                claims: dict[str, Any] = self._jwt.decode(
                    token, _key(secret), algorithms=[_ALGORITHM], audience=self._audience(), options=options
                )
            except self._jwt.InvalidSignatureError:
                continue
            except self._jwt.InvalidAudienceError:
                message = "the message is about another repository"
                raise WebhookRejected(message, status=401, outcome="other_repository") from None
            # The head of a token is read before it is proved, so it can be anything.
            except (self._jwt.PyJWTError, ValueError, RecursionError):
                break
            return claims
        raise unknown


class _Seen:
    """The messages of the last minutes, by the clock that nobody sets; as many as there is room for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._times: OrderedDict[str, float] = OrderedDict()

    def add(self, name: str) -> bool:
        """Note a message, and say whether it is new."""
        now = self._clock()
        with self._guard:
            while self._times and now - next(iter(self._times.values())) > _REMEMBERED_FOR:
                self._times.popitem(last=False)
            if name in self._times:
                return False
            self._times[name] = now
            if len(self._times) > _MOST_REMEMBERED:
                self._times.popitem(last=False)
            return True


def _audience(url: str) -> str:
    """Return the name of a repository in messages, which are not secret, while a path may be."""
    return hashlib.sha256(url.encode()).hexdigest()


def _key(secret: bytes) -> bytes:
    """Return the key for messages, which tells nothing of the secret, nor serves in its place."""
    return hmac.digest(secret, _LABEL, "sha256")


def _seconds(claim: object) -> float:
    """Return a time of a token as a number; what is none is for ever ago."""
    return float(claim) if isinstance(claim, int) and abs(claim) < 2**53 else -math.inf


def _text(claim: object) -> str:
    return claim[:_LONGEST_TEXT] if isinstance(claim, str) else ""


def _names(claim: object) -> tuple[str, ...] | None:
    """Return names; what is no list of texts says nothing."""
    if not isinstance(claim, list) or not all(isinstance(name, str) for name in claim):
        return None
    return tuple(claim)


def _refusal(message: str, outcome: str) -> WebhookRejected:
    told = f"{message}, by the clock of this replica; clocks may differ by {_LEEWAY}s"
    return WebhookRejected(told, status=401, outcome=outcome)


@functools.cache
def _library() -> ModuleType:
    """Return PyJWT without `cryptography`, which signatures with a shared key do not need: 11 MB of memory, and 26 ms.

    It is an optional part of PyJWT (https://pyjwt.readthedocs.io/en/stable/installation.html). A GitHub App needs it,
    so this copy is kept out of the way of its import, and is not made where it was imported before.
    """
    if {"jwt", "cryptography"} & sys.modules.keys():
        import jwt

        return jwt
    # https://docs.python.org/3/reference/import.html#the-module-cache
    sys.modules["cryptography"] = None  # type: ignore[assignment]
    try:
        import jwt

        return jwt
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in {"jwt", "cryptography"}]:
            del sys.modules[name]
