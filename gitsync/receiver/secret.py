"""Where the receiver's secret comes from. Read by the HTTP server's threads, for each request."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gitsync.base.errors import CredentialError
from gitsync.base.log import get_logger
from gitsync.base.redact import Secret
from gitsync.config import ReceiverConfig
from gitsync.credentials.base import RecentSecrets, read_secret

_OPTION: Final = "--receiver-secret-file"


def secret_source(config: ReceiverConfig) -> Callable[[], Secret] | None:
    """Return what reads the secret, and raises `CredentialError`; None where there is no receiver.

    A file may come later, with the Secret of a cluster that it is from. Called by the main thread at the start.
    """
    if config.secret is not None:
        secret = config.secret
        return lambda: secret
    if config.secret_file is None:
        return None
    source = _FileSecret(config.secret_file)
    try:
        source()
    except CredentialError as error:
        hint = "POST /webhook answers with 503 until it can be read"
        get_logger().warning("receiver_secret_missing", message=str(error), hint=hint)
    return source


class _FileSecret:
    """The secret that a file has now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._secrets = RecentSecrets()

    def __call__(self) -> Secret:
        secret = read_secret(self._path, option=_OPTION)
        with self._guard:
            return self._secrets.wrap(secret)
