"""The certificate authorities that git trusts: the system's, and those of `--ca-file`."""

import contextlib
import os
import ssl
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _File:
    """A file, and what tells it from the one that was in its place before."""

    path: Path
    inode: int
    size: int
    changed_at: int


class Authorities:
    """Keeps one file with both, because git takes one file only."""

    def __init__(self, path: Path, *, bundle: Path, system: Path | None = None) -> None:
        """Add `path` to `system`, or to what Python and the distributions name."""
        self._path = path
        self._bundle = PrivateFile(bundle)
        self._system = system
        # What the bundle was made of.
        self._seen: tuple[str, _File | None] | None = None

    @property
    def generation(self) -> int:
        """Grows whenever either part changes."""
        return self._bundle.generation

    def refresh(self, *, deadline: float) -> None:
        """Read both files again; the system's, which is large, only if it is another one."""
        ours, system = read_lines(self._path, option=_OPTION), self._system_file()
        if (ours, system) == self._seen:
            return
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ours)
        except (ssl.SSLError, ValueError):
            message = f"{_OPTION}={self._path}: it holds no certificate in PEM form"
            raise CredentialError(message) from None
        text = ""
        with contextlib.suppress(OSError):
            text = system.path.read_text(errors="replace") if system else ""
        if not text:
            get_logger().warning(
                "system_authorities_missing", v=1, hint="only the authorities of --ca-file are trusted"
            )
        self._bundle.write(f"{text}{_END if text and not text.endswith(_END) else ''}{ours}")
        self._seen = ours, system

    def _system_file(self) -> "_File | None":
        """Return the file with the system's authorities, None if there is none that can be read."""
        named = self._system or ssl.get_default_verify_paths().cafile
        for path in map(Path, [named] if named else _PLACES):
            with contextlib.suppress(OSError):
                status = path.stat()
                if os.access(path, os.R_OK):
                    return _File(path, status.st_ino, status.st_size, status.st_mtime_ns)
        return None

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
