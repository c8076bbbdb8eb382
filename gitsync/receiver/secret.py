"""Where the receiver's secrets come from. Read by the HTTP server's threads, for each request."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gitsync.base.errors import CredentialError
from gitsync.base.log import get_logger
from gitsync.base.redact import Secret
from gitsync.base.written import entries
from gitsync.config import ReceiverConfig
from gitsync.credentials.base import RecentSecrets, read_file

_OPTION: Final = "--receiver-secret-file"
# Two are enough for a change; each is tried for each request.
_MOST: Final = 16

Secrets = Callable[[], tuple[Secret, ...]]


def secret_source(config: ReceiverConfig) -> Secrets | None:
    """Return what reads the secrets, of which there is one at least, and raises `CredentialError`; None without any.

    A file may come later, with the Secret of a cluster that it is from; one that is there and holds no secret raises
    `CredentialError` here. Called by the main thread at the start.
    """
    if config.secret is not None:
        secrets = config.secret
        return lambda: secrets
    if config.secret_file is None:
        return None
    return file_source(config.secret_file, option=_OPTION, without="POST /webhook answers with 503")


def file_source(path: Path, *, option: str, without: str) -> Secrets:
    """Return what reads the secrets of a file, which may come later; `without` says what is so until it does.

    Raises `CredentialError` if it is there and holds no secret. Called by the main thread at the start.
    """
    source = FileSecrets(path, option=option)
    try:
        source()
    except CredentialError as error:
        if not source.may_come:
            raise
        get_logger().warning("receiver_secret_missing", message=str(error), hint=f"{without} until it can be read")
    return source


def revealed(secrets: Secrets) -> list[bytes]:
    """Return the secrets of now, as the bytes that signatures are made with; raise `CredentialError`."""
    return [secret.reveal().encode(errors="surrogateescape") for secret in secrets()]


class FileSecrets:
    """The secrets that a file has now, one a line."""

    def __init__(self, path: Path, *, option: str) -> None:
        self._path = path
        self._option = option
        self._guard = threading.Lock()
        self._secrets = RecentSecrets(2 * _MOST)

    def __call__(self) -> tuple[Secret, ...]:
        words = entries(read_file(self._path, option=self._option))
        if len(words) > _MOST:
            hint = "write one secret a line, and nothing else"
            raise CredentialError(f"{self._option}={self._path}: it has more than {_MOST} lines", hint=hint)
        with self._guard:
            return tuple(self._secrets.wrap(word) for word in words)

    @property
    def may_come(self) -> bool:
        """Whether there is no such file yet."""
        try:
            return not self._path.exists()
        except OSError:
            return False
