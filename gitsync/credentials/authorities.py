"""The certificate authorities that git trusts: the system's, and those of `--ca-file`."""

import ssl
from pathlib import Path
from typing import Final

from gitsync.base.errors import CredentialError
from gitsync.base.log import get_logger
from gitsync.config import GitSetting
from gitsync.credentials.base import GivenLogin, PrivateFile, read_lines

_OPTION: Final = "--ca-file"
# Where the distributions keep theirs: Debian and Alpine, Fedora, the BSDs.
_PLACES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


class Authorities:
    """Keeps one file with both, because git takes one file only."""

    def __init__(self, path: Path, *, bundle: Path, system: Path | None = None) -> None:
        """Add `path` to `system`, or to what Python and the distributions name."""
        self._path = path
        self._bundle = PrivateFile(bundle)
        self._system = system

    @property
    def generation(self) -> int:
        """Grows whenever either part changes."""
        return self._bundle.generation

    def refresh(self, *, deadline: float) -> None:
        """Read both files again."""
        ours = read_lines(self._path, option=_OPTION)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ours)
        except (ssl.SSLError, ValueError):
            message = f"{_OPTION}={self._path}: it holds no certificate in PEM form"
            raise CredentialError(message) from None
        self._bundle.write(f"{self._system_text()}{ours}")

    def _system_text(self) -> str:
        named = self._system or ssl.get_default_verify_paths().cafile
        for path in [named] if named else _PLACES:
            try:
                authorities = Path(path).read_text(errors="replace")
            except OSError:
                continue
            return authorities if authorities.endswith("\n") else f"{authorities}\n"
        get_logger().warning("system_authorities_missing", v=1, hint="only the authorities of --ca-file are trusted")
        return ""

    def refused(self) -> bool:
        """A login that is refused has nothing to do with it."""
        return False

    def settings(self) -> list[GitSetting]:
        """Return the setting that names the file."""
        return [GitSetting("http.sslCAInfo", str(self._bundle.path))]

    def logins(self) -> list[GivenLogin]:
        """Return none."""
        return []

    def environment(self) -> dict[str, str]:
        """Return the variable that would count for more than the setting, if it is set."""
        return {"GIT_SSL_CAINFO": str(self._bundle.path)} if self._system else {}
