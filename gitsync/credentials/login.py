"""User names and passwords for git, through a credential helper of ours.

git asks the helper when a server wants a login (https://git-scm.com/docs/gitcredentials#_custom_helpers), so a password
is never part of a URL, an argument or the environment.
"""

import shlex
from pathlib import Path
from urllib.parse import urlsplit

from gitsync.base.errors import CredentialError
from gitsync.base.redact import Secret
from gitsync.config import Credential, GitSetting
from gitsync.credentials.base import GivenLogin, PrivateFile, RecentSecrets, read_secret


def host_of(url: str) -> str:
    """Return a URL without its path: its server, as git names it in its configuration."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class HelperFile:
    """A login in a file, which git finds for some URLs."""

    def __init__(self, path: Path, *, urls: tuple[str, ...]) -> None:
        self._file = PrivateFile(path)
        self._urls = urls
        self._login: tuple[str, Secret] | None = None

    @property
    def generation(self) -> int:
        """Grows whenever the login changes."""
        return self._file.generation

    def give(self, username: str, password: Secret, *, origin: str) -> None:
        """Have git log in like this from now on; `origin` says where it is from. Raise `CredentialError`."""
        # The protocol has no way to write such values.
        if any(character in part for part in (username, password.reveal()) for character in "\n\0"):
            raise CredentialError(f"{origin}: a login is one line, without line breaks and NUL characters")
        self._file.write(f"username={username}\npassword={password.reveal()}\n")
        self._login = username, password

    def drop(self) -> None:
        """Have git log in no more."""
        self._file.drop()
        self._login = None

    def logins(self) -> list[GivenLogin]:
        """Return the login for each of these URLs."""
        return [GivenLogin(url, *self._login) for url in self._urls] if self._login else []

    def settings(self) -> list[GitSetting]:
        """Return the settings that make git look into the file, for these URLs and nowhere else."""
        # What git says about a login, whether it was good or bad, is none of the helper's business.
        helper = f'!f() {{ test "$1" = get && cat {shlex.quote(str(self._file.path))}; }}; f'
        return [GitSetting(f"credential.{url}.helper", helper) for url in self._urls]


class Login:
    """A user name with a password, or with the file that the password is in."""

    def __init__(self, login: Credential, *, path: Path, urls: tuple[str, ...], option: str = "password-file") -> None:
        self._login = login
        self._option = option
        self._given = HelperFile(path, urls=urls)
        self._secrets = RecentSecrets()

    @property
    def generation(self) -> int:
        """Grows whenever the login changes."""
        return self._given.generation

    def refresh(self, *, deadline: float) -> None:
        """Read the file again."""
        path, password = self._login.password_file, self._login.password or Secret("")
        if path:
            password = self._secrets.wrap(read_secret(path, option=self._option))
        self._given.give(self._login.username, password, origin=f"{self._option}={path}" if path else "the login")

    def refused(self) -> bool:
        """A file may have changed since it was read; a fixed password is what it is."""
        return self._login.password_file is not None

    def settings(self) -> list[GitSetting]:
        """Return the settings that lead git to the login."""
        return self._given.settings()

    def logins(self) -> list[GivenLogin]:
        """Return what it has given git."""
        return self._given.logins()

    def environment(self) -> dict[str, str]:
        """Return nothing."""
        return {}
