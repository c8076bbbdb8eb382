"""Tokens for an installation of a GitHub App.

The App proves who it is with a short-lived JSON Web Token, signed with its private key, and gets a token that opens the
repositories of the installation for an hour:
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gitsync.base.errors import CredentialError
from gitsync.base.reaching import plain_url
from gitsync.base.redact import Secret
from gitsync.config import AuthConfig, GitSetting
from gitsync.credentials.asking import Asking
from gitsync.credentials.base import GivenLogin, RecentSecrets, read_file
from gitsync.credentials.keys import private_key
from gitsync.credentials.login import HelperFile

# GitHub refuses tokens from the future, and clocks differ; ten minutes are the longest life that it allows.
_ISSUED_BEFORE: Final = 60
_LIFE: Final = 600
# A token has to last for the pass that it is minted for.
_RENEWED_BEFORE: Final = 300.0
_USERNAME: Final = "x-access-token"
_KEY_FILE: Final = "--github-app-private-key-file"
_KEY_VARIABLE: Final = "GITSYNC_GITHUB_APP_PRIVATE_KEY"
_MESSAGE_LIMIT: Final = 200
# What reading an answer that is not as it should be, on purpose or not, can lead to.
_UNREADABLE: Final = (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError)


@dataclass(frozen=True)
class App:
    """The App, and the key that it signs with."""

    issuer: str
    installation: int
    key: Secret | None
    key_file: Path | None
    url: str

    @classmethod
    def of(cls, auth: AuthConfig) -> "App | None":
        """Return the App of a configuration, None if it has none."""
        if auth.github.app_installation_id is None:
            return None
        issuer = auth.github.app_client_id or str(auth.github.app_application_id)
        base = auth.github.base_url.rstrip("/")
        installation = auth.github.app_installation_id
        url = f"{base}/app/installations/{installation}/access_tokens"
        key, file = auth.github.app_private_key, auth.github.app_private_key_file
        return cls(issuer, installation, key, file, url)

    def read_key(self) -> str:
        """Return the key's text; raise `CredentialError`."""
        if self.key_file:
            return private_key(read_file(self.key_file, option=_KEY_FILE), given=self.key_origin)
        return private_key(self.key.reveal() if self.key else "", given=self.key_origin)

    @property
    def key_origin(self) -> str:
        """What the key was given with."""
        return f"{_KEY_FILE}={self.key_file}" if self.key_file else _KEY_VARIABLE

    def sign(self, key: str, *, now: float) -> str:
        """Return the App's own token, valid from a minute ago; raise `CredentialError`."""
        # 15 MB of memory that only users of this source should pay for.
        import jwt

        issued = int(now) - _ISSUED_BEFORE
        claims = {"iat": issued, "exp": issued + _LIFE, "iss": self.issuer}
        try:
            return jwt.encode(claims, key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # The library's own words may quote the key.
            message = f"{self.key_origin}: this is no private RSA key in PEM form"
            raise CredentialError(message, hint="use the .pem file that GitHub made for the App") from None


class GithubApp:
    """Mints a token when there is none, when it is about to expire, when it was refused and when the key changes."""

    def __init__(self, app: App, *, given: HelperFile, asking: Asking) -> None:
        self._app = app
        self._given = given
        self._asking = asking
        self._tokens = RecentSecrets()
        self._keys = RecentSecrets()
        self._key: Secret | None = None
        self._renew_at = 0.0

    @property
    def generation(self) -> int:
        """Grows whenever the token changes."""
        return self._given.generation

    def refresh(self, *, deadline: float) -> None:
        """See to it that git has a token that is good for a while."""
        key = self._keys.wrap(self._app.read_key())
        if key == self._key and time.time() < self._renew_at:
            return
        assertion = self._tokens.wrap(self._app.sign(key.reveal(), now=time.time()))
        succeeded = False
        try:
            token, self._renew_at = _parse(self._ask(assertion, deadline), plain_url(self._app.url), now=time.time())
            self._given.give(_USERNAME, self._tokens.wrap(token), origin="the GitHub App's token")
            self._key = key
            succeeded = True
        finally:
            self._asking.told(succeeded)

    def _ask(self, assertion: Secret, deadline: float) -> bytes:
        name = plain_url(self._app.url)
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {assertion.reveal()}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        answer = self._asking.ask(self._app.url, what="GitHub App", deadline=deadline, method="POST", headers=headers)
        if answer.status != 201:
            told = _message(answer.body)
            raise CredentialError(
                f"GitHub App: {name} answered with the status {answer.status}{answer.by}{told}",
                hint="check the ids of App and installation, the private key, --github-base-url and this pod's clock",
            )
        return answer.body

    def refused(self) -> bool:
        """A token may be revoked before its time; the next one is another."""
        self._renew_at = 0.0
        return True

    def settings(self) -> list[GitSetting]:
        """Return the settings that lead git to the token."""
        return self._given.settings()

    def logins(self) -> list[GivenLogin]:
        """Return what it has given git."""
        return self._given.logins()

    def environment(self) -> dict[str, str]:
        """Return nothing."""
        return {}


def _parse(body: bytes, name: str, *, now: float) -> tuple[str, float]:
    """Return the token, and when to ask for the next one."""
    try:
        content: Any = json.loads(body)
        token, expires = content["token"], datetime.fromisoformat(content["expires_at"])
        left = expires.timestamp() - now
    except _UNREADABLE:
        token, left = None, 0.0
    if not isinstance(token, str) or not token:
        raise CredentialError(f"GitHub App: the answer of {name} holds no token")
    return token, now + left - min(_RENEWED_BEFORE, left / 2)


def _message(body: bytes) -> str:
    try:
        content: Any = json.loads(body)
        message = content["message"]
    except _UNREADABLE:
        return ""
    return f": {message[:_MESSAGE_LIMIT]}" if isinstance(message, str) and message.isprintable() else ""
