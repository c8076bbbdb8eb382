"""A login that another server knows, usually a sidecar that gets it from a cloud's identity service."""

from gitsync.base.errors import CredentialError
from gitsync.base.reaching import plain_url
from gitsync.base.written import unwrapped
from gitsync.config import GitSetting
from gitsync.credentials.asking import Asking
from gitsync.credentials.base import GivenLogin, RecentSecrets
from gitsync.credentials.login import HelperFile


class Askpass:
    """Asks `--askpass-url` before each pass."""

    def __init__(self, url: str, *, given: HelperFile, asking: Asking) -> None:
        self._url = url
        self._given = given
        self._asking = asking
        self._secrets = RecentSecrets()

    @property
    def generation(self) -> int:
        """Grows whenever the login changes."""
        return self._given.generation

    def refresh(self, *, deadline: float) -> None:
        """Ask, and give git what was answered."""
        succeeded = False
        origin = f"--askpass-url={plain_url(self._url)}"
        try:
            username, password = self._ask(origin, deadline)
            self._given.give(username, self._secrets.wrap(password), origin=origin)
            succeeded = True
        finally:
            self._asking.told(succeeded)

    def _ask(self, origin: str, deadline: float) -> tuple[str, str]:
        answer = self._asking.ask(self._url, what="--askpass-url", deadline=deadline)
        if answer.status != 200:
            raise CredentialError(f"{origin}: it answered with the status {answer.status}{answer.by}, not with 200")
        found = _parse(answer.body)
        # What it did answer stays untold: it may be the password in another form.
        if not found.get("username") or not found.get("password"):
            raise CredentialError(f"{origin}: the answer lacks username=… or password=…")
        return found["username"], found["password"]

    def refused(self) -> bool:
        """The login may have changed since it was asked for."""
        return True

    def settings(self) -> list[GitSetting]:
        """Return the settings that lead git to the login."""
        return self._given.settings()

    def logins(self) -> list[GivenLogin]:
        """Return what it has given git."""
        return self._given.logins()

    def environment(self) -> dict[str, str]:
        """Return nothing."""
        return {}


def _parse(body: bytes) -> dict[str, str]:
    lines = unwrapped(body.decode(errors="replace")).split("\n")
    pairs = (line.removesuffix("\r").partition("=") for line in lines)
    return {name: value for name, separator, value in pairs if separator}
