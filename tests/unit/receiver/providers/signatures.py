"""What the tests of signatures share: who signs with which header, and a request with one."""

import hmac

from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.providers.provider import Provider
from gitsync.receiver.request import Request

SECRET = b"It's a Secret to Everybody"
BODY = b"Hello, World!"
NOW = 1_790_000_000.0

BY_NAME = {provider.name: provider for provider in PROVIDERS}
# The header, and what stands before the digits.
SIGNED = {
    "github": ("X-Hub-Signature-256", "sha256="),
    "gitea": ("X-Gitea-Signature", ""),
    "forgejo": ("X-Forgejo-Signature", ""),
    "gogs": ("X-Gogs-Signature", ""),
    "bitbucket": ("X-Hub-Signature", "sha256="),
    "bitbucket-server": ("X-Hub-Signature", "sha256="),
    "generic": ("X-Signature", "sha256="),
}


def request(body: bytes = BODY, /, **headers: str | bytes) -> Request:
    """Return a request; the underlines in the names of headers are dashes."""
    sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Request(headers={name: _bytes(value) for name, value in sent.items()}, body=body)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def digest(body: bytes = BODY, secret: bytes = SECRET) -> str:
    """Return the signature of a body in hexadecimal digits."""
    return hmac.new(secret, body, "sha256").hexdigest()


def verify(name: str, sent: Request, *secrets: bytes, now: float = NOW) -> None:
    """Have a provider look at a request, with our secret unless there are others."""
    BY_NAME[name].verify(sent, secrets or (SECRET,), now)


def provider(name: str) -> Provider:
    """Return the provider with a name."""
    return BY_NAME[name]
