"""What every source of credentials is, the bundle of them, and how their files are read and written.

What a source gives lies in files of a private directory outside the volume, to which the settings of git and of ssh
lead. The settings never change, the files do. Used by the worker's thread; `cancel` is called by the main thread.
"""

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from gitsync.base.errors import CredentialError
from gitsync.base.fetchurl import Cancellation
from gitsync.base.files import read_whole, temporary_beside
from gitsync.base.redact import Secret, forget
from gitsync.base.written import decode, lines, unwrapped
from gitsync.config import GitSetting

_UNREADABLE: Final = (
    "name a file that this user may read: a Secret is mounted so with `defaultMode: 0440` and `securityContext.fsGroup`"
)
_LARGEST: Final = 1024 * 1024
# Messages of commands that still run may hold the values before the current one.
_REMEMBERED: Final = 4


@dataclass(frozen=True)
class GivenLogin:
    """A login for all that begins with a URL."""

    url: str
    username: str
    password: Secret

    def is_for(self, url: str) -> bool:
        """Say whether it is for a URL; a longer name of a host or a directory is another one."""
        return url == self.url or url.startswith(f"{self.url.rstrip('/')}/")


class Source(Protocol):
    """One way to log in."""

    @property
    def generation(self) -> int:
        """A number that grows whenever what the source gives has changed."""

    def refresh(self, *, deadline: float) -> None:
        """Bring what the source gives up to date before a pass (monotonic deadline); raise `CredentialError`."""

    def refused(self) -> bool:
        """Hear that a server refused a login; return whether asking the source again at once may help."""

    def settings(self) -> list[GitSetting]:
        """Return what git's configuration needs to know; it stays the same."""

    def logins(self) -> "list[GivenLogin]":
        """Return what it gives now, those for a URL before those for its whole server."""

    def environment(self) -> dict[str, str]:
        """Return what git's environment needs to hold now; no secrets."""


class Found(Protocol):
    """What keeps the logins of URLs that turn up later."""

    def take_login(self, url: str) -> str: ...
    def settings(self) -> list[GitSetting]: ...
    def user_settings(self) -> list[GitSetting]: ...


class Credentials:
    """All sources of one repository; `users` are those of users without a password, which come last."""

    def __init__(
        self,
        sources: Sequence[Source] = (),
        *,
        users: Sequence[Source] = (),
        found: Found | None = None,
        cancellation: Cancellation | None = None,
    ) -> None:
        self._first = tuple(sources)
        self._users = tuple(users)
        self._sources = (*self._first, *self._users)
        self._found = found
        self._cancellation = cancellation or Cancellation()

    def refresh(self, *, deadline: float) -> None:
        """Bring all sources up to date; raise `CredentialError`."""
        for source in self._sources:
            source.refresh(deadline=deadline)

    def renew(self, *, deadline: float) -> bool:
        """Hear that a server refused a login, and say whether there is another one now; raise `CredentialError`."""
        before = [source.generation for source in self._sources]
        # Every source has to hear it, so no short cut.
        if not any([source.refused() for source in self._sources]):
            return False
        self.refresh(deadline=deadline)
        return before != [source.generation for source in self._sources]

    def settings(self) -> list[GitSetting]:
        """Return the settings of all sources."""
        # git asks helpers in this order and takes the first answer, so the one for the longest URL has to come first.
        given, users = (
            sorted((setting for source in sources for setting in source.settings()), key=lambda one: -len(one.key))
            for sources in (self._first, self._users)
        )
        if self._found:
            given, users = [*self._found.settings(), *given], [*users, *self._found.user_settings()]
        # An empty value forgets the helpers that were configured before.
        return [GitSetting("credential.helper", ""), *given, *users]

    @property
    def generation(self) -> int:
        """Grows whenever anything that a source gives has changed."""
        return sum(source.generation for source in self._sources)

    def login_for(self, url: str) -> tuple[str, Secret] | None:
        """Return user name and password for a URL, as git finds them: that of the longest URL which is part of it."""
        for sources in (self._first, self._users):
            given = [login for source in sources for login in source.logins() if login.is_for(url)]
            if given:
                best = max(given, key=lambda login: len(login.url))
                return best.username, best.password
        return None

    def environment(self) -> dict[str, str]:
        """Return the variables of all sources."""
        return {name: value for source in self._sources for name, value in source.environment().items()}

    def take_login(self, url: str) -> str:
        """Return a URL without the login in it, which git is given from now on; raise `CredentialError`, `OSError`."""
        return self._found.take_login(url) if self._found else url

    def cancel(self) -> None:
        """End the requests to other servers, and start no more. Called by the main thread at shutdown."""
        self._cancellation.cancel()


def read_file(path: Path, *, option: str) -> str:
    """Return the text of a file that an option names; raise `CredentialError` if there is none in it."""
    given = f"{option}={path}"
    try:
        content = read_whole(path, largest=_LARGEST)
    except OSError as error:
        raise CredentialError(f"{given}: {error.strerror}", hint=_UNREADABLE) from error
    except ValueError as error:
        raise CredentialError(f"{given}: {error}") from None
    try:
        written = decode(content)
    except ValueError:
        raise CredentialError(f"{given}: it holds no text", hint="write it in UTF-8") from None
    if not written.strip():
        raise CredentialError(f"{given}: it is empty", hint="write the secret into it")
    return written


def read_secret(path: Path, *, option: str) -> str:
    """Return the one line of a file, without what editors put around it."""
    secret = unwrapped(read_file(path, option=option))
    if set("\r\n") & set(secret):
        raise CredentialError(f"{option}={path}: it has more than one line", hint="write the secret alone into it")
    return secret


def read_lines(path: Path, *, option: str) -> str:
    """Return the text of a file with the line breaks that programs want, the last line included."""
    return lines(read_file(path, option=option))


def write_private(path: Path, content: str) -> None:
    """Replace the content of a file that nobody but us may read, in one step."""
    temporary = temporary_beside(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        # A password in a variable may be any bytes.
        with os.fdopen(descriptor, "w", errors="surrogateescape") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


class PrivateFile:
    """A file of ours that is written when its content changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        # Not the content, which may be all of the system's authorities.
        self._digest: bytes | None = None

    def write(self, content: str) -> None:
        """Give it this content; raise `OSError`."""
        digest = hashlib.sha256(content.encode(errors="surrogateescape")).digest()
        if digest != self._digest:
            write_private(self.path, content)
            self._digest = digest
            self.generation += 1

    def drop(self) -> None:
        """Remove it."""
        if self._digest is not None:
            self.path.unlink(missing_ok=True)
            self._digest = None
            self.generation += 1


class RecentSecrets:
    """Wraps the values of a secret that changes, and forgets the old ones in the end."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        # The one that was asked for last comes last.
        self._secrets: deque[Secret] = deque()

    def wrap(self, value: str) -> Secret:
        """Return the value as a secret."""
        for known in self._secrets:
            if known.reveal() == value:
                self._secrets.remove(known)
                self._secrets.append(known)
                return known
        secret = Secret(value)
        self._secrets.append(secret)
        if len(self._secrets) > self._remembered:
            forget(self._secrets.popleft())
        return secret
