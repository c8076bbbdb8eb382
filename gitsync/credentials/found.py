"""Logins in URLs that turn up in a pass: a submodule's may hold one, as that of the repository may.

git would show it to whoever lists processes, and is configured to refuse that; so it is given the URL without the
login, and the login by a helper. Used by the worker's thread.
"""

from pathlib import Path

from gitsync.base.redact import Secret
from gitsync.config import GitSetting, render, split_login
from gitsync.credentials.base import PrivateFile
from gitsync.credentials.login import HelperFile


class FoundLogins:
    """The logins that were found, a file for each, and two files with the settings that lead git there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._whole = PrivateFile(directory / "found-logins")
        self._users = PrivateFile(directory / "found-users")
        # By URL, those with a password and those without.
        self._given: dict[str, tuple[HelperFile, bool]] = {}

    def take_login(self, url: str) -> str:
        """Return a URL without its login, which git is given from now on; raise `CredentialError` or `OSError`."""
        plain, login = split_login(url)
        if login:
            file = self._directory / f"found-{len(self._given)}"
            helper = self._given[plain][0] if plain in self._given else HelperFile(file, urls=(plain,))
            helper.give(login.username, login.password or Secret(""), origin="the login in a submodule's URL")
            self._given[plain] = (helper, login.password is not None)
            self._whole.write(self._render(whole=True))
            self._users.write(self._render(whole=False))
        return plain

    def settings(self) -> list[GitSetting]:
        """Return what leads git to the logins that are whole."""
        return [GitSetting("include.path", str(self._whole.path))]

    def user_settings(self) -> list[GitSetting]:
        """Return what leads git to users without a password: some servers take a token in their place."""
        return [GitSetting("include.path", str(self._users.path))]

    def _render(self, *, whole: bool) -> str:
        given = [helper for helper, has_password in self._given.values() if has_password is whole]
        return render(setting for helper in given for setting in helper.settings())
