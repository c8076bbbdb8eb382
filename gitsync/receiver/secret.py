"""Where the receiver's secret comes from. Read by the HTTP server's threads, for each request."""

from collections.abc import Callable
from pathlib import Path

from gitsync.base.errors import ConfigError
from gitsync.base.redact import Secret
from gitsync.config import ReceiverConfig


def secret_source(config: ReceiverConfig) -> Callable[[], Secret] | None:
    """Return what reads the secret, and raises `OSError`; None where there is no receiver.

    Raises `ConfigError` for a secret that is empty or cannot be read. Called by the main thread at the start.
    """
    if config.secret is not None:
        secret = config.secret
        return lambda: secret
    if config.secret_file is None:
        return None
    source = _file_secret(config.secret_file)
    try:
        empty = not source().reveal()
    except OSError as error:
        problem = f"--receiver-secret-file={config.secret_file}: {error.strerror}; name a readable file"
        raise ConfigError([problem]) from error
    if empty:
        raise ConfigError([f"--receiver-secret-file={config.secret_file}: it is empty; write a secret to it"])
    return source


def _file_secret(path: Path) -> Callable[[], Secret]:
    def read() -> Secret:
        content = path.read_text()
        return Secret(content.removesuffix("\n").removesuffix("\r"))

    return read
