"""Cookies for git, in Netscape's form."""

from pathlib import Path

from gitsync.config import GitSetting
from gitsync.credentials.base import GivenLogin, PrivateFile, read_lines


class Cookies:
    """A private copy of the cookie file; git would want to write to the one that it is given."""

    def __init__(self, path: Path, *, copy: Path) -> None:
        self._path = path
        self._copy = PrivateFile(copy)

    @property
    def generation(self) -> int:
        """Grows whenever the cookies change."""
        return self._copy.generation

    def refresh(self, *, deadline: float) -> None:
        """Copy the file again."""
        self._copy.write(read_lines(self._path, option="--cookie-file"))

    def refused(self) -> bool:
        """The file may have changed since it was read."""
        return True

    def settings(self) -> list[GitSetting]:
        """Return the setting that names the copy."""
        return [GitSetting("http.cookieFile", str(self._copy.path))]

    def logins(self) -> list[GivenLogin]:
        """Return none."""
        return []

    def environment(self) -> dict[str, str]:
        """Return nothing."""
        return {}
