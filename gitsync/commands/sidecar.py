"""A gitsync that runs, as a sub-command sees it: where it listens, and a secret that lets us in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gitsync.base.errors import ConfigError, CredentialError
from gitsync.base.fetchurl import Answer, Sent, fetch
from gitsync.base.redact import Secret
from gitsync.config import Bind, load_receiver
from gitsync.receiver.secret import FileSecrets

_OPTION: Final = "--secret-file"
# Seconds that it has for an answer, beside those that it was asked to wait.
PATIENCE: Final = 10.0
# What a server that listens on all addresses is asked at.
_LOOPBACK: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (nothing listens here)


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """The server at a URL, below which the paths of its receiver are."""

    url: str
    secret: Secret

    def post(self, path: str, *, timeout: float, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """Send a request, and return the answer within so many seconds; raise `FetchError` if there is none."""
        sent = Sent(method="POST", headers=headers or {}, body=body)
        return fetch(f"{self.url}{path}", sent, timeout=timeout)

    def ask(self, path: str, *, timeout: float) -> Answer:
        """Send a request that has the secret as its token, as `post` does."""
        return self.post(path, timeout=timeout, headers={"Authorization": f"Bearer {self.secret.reveal()}"})


def find(environ: Mapping[str, str], *, url: str | None, secret_file: Path | None) -> Sidecar:
    """Return the sidecar that is meant: without a URL or a file, the one that the same variables have started.

    Raises `ConfigError`.
    """
    http, receiver = load_receiver(environ)
    if secret_file:
        receiver = replace(receiver, secret=None, secret_file=secret_file)
    url = _url(url, receiver.bind or http.bind)
    secrets = receiver.secret or _read(receiver.secret_file)
    # Of several all count, so any will do.
    return Sidecar(url=url, secret=secrets[0])


def pages_of(environ: Mapping[str, str], *, url: str | None) -> str:
    """Return the URL below which the pages are that need no secret; raise `ConfigError`."""
    http, _ = load_receiver(environ)
    return _url(url, http.bind)


def _url(given: str | None, bind: Bind | None) -> str:
    url = _address(bind) if given is None else given.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise ConfigError([f"{url}: use a URL that begins with http:// or https://"])
    return url


def _read(path: Path | None) -> tuple[Secret, ...]:
    if path is None:
        told = f"use {_OPTION}, or the variable GITSYNC_RECEIVER_SECRET_FILE or GITSYNC_RECEIVER_SECRET of the sidecar"
        raise ConfigError([f"there is no secret: {told}"])
    try:
        return FileSecrets(path, option=_OPTION)()
    except CredentialError as error:
        raise ConfigError([str(error)]) from None


def _address(bind: Bind | None) -> str:
    if bind is None:
        raise ConfigError(["GITSYNC_HTTP_BIND=off: nothing is served; give a URL"])
    host = _LOOPBACK.get(bind.host, bind.host)
    return f"http://[{host}]:{bind.port}" if ":" in host else f"http://{host}:{bind.port}"
