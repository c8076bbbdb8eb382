"""The certificate authorities that git trusts: the system's, and those of `--ca-file`."""

import os
import ssl
from pathlib import Path
from typing import Final

from gitsync.base.errors import CredentialError
from gitsync.base.log import get_logger
from gitsync.config import GitSetting
from gitsync.credentials.base import GivenLogin, PrivateFile, read_lines

_OPTION: Final = "--ca-file"
_END: Final = "\n"
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
        # What the bundle was made of: our text, and what tells one file of the system's from the next.
        self._seen: object = None

    @property
    def generation(self) -> int:
        """Grows whenever either part changes."""
        return self._bundle.generation

    def refresh(self, *, deadline: float) -> None:
        """Read both files again; the system's, which is large, only if it is another one."""
        ours, system = read_lines(self._path, option=_OPTION), self._system_file()
        seen = (ours, system and (system, system.stat().st_ino, system.stat().st_mtime_ns))
        if seen == self._seen:
            return
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ours)
        except (ssl.SSLError, ValueError):
            message = f"{_OPTION}={self._path}: it holds no certificate in PEM form"
            raise CredentialError(message) from None
        text = system.read_text(errors="replace") if system else ""
        if not system:
            get_logger().warning(
                "system_authorities_missing", v=1, hint="only the authorities of --ca-file are trusted"
            )
        self._bundle.write(f"{text}{'' if text.endswith(_END) or not text else _END}{ours}")
        self._seen = seen

    def _system_file(self) -> Path | None:
        """Return the file with the system's authorities, None if there is none that can be read."""
        named = self._system or ssl.get_default_verify_paths().cafile
        found = (Path(path) for path in ([named] if named else _PLACES))
        return next((path for path in found if os.access(path, os.R_OK)), None)

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
