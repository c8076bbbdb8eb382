"""Asks a remote over http whether it still has what git has found there: in this process, over a kept connection.

It can say *unchanged* and nothing else. Whatever is not answered exactly so is for git to ask about, which stays the
source of everything that is new, and of every error. It stands aside where a setting may mean something that it does
not know, and for a while where git keeps finding nothing new although it could not say so. Called by the worker's
thread.
"""

import base64
import hashlib
import os
import time
from dataclasses import dataclass
from typing import Final, Protocol

from gitsync.base.errors import FetchError
from gitsync.base.fetchurl import Answer, Cancellation
from gitsync.base.kept import KeptConnection
from gitsync.base.log import get_logger
from gitsync.base.reaching import trust
from gitsync.base.redact import Secret, scrub
from gitsync.config import RepoConfig, transport
from gitsync.remote.lsrefs import answer, question
from gitsync.remote.target import Look, Target, Wanted

# Seconds; git has more patience, and asks after it.
_PATIENCE: Final = 10.0
# So often in a row git finds nothing new after it could not say so, until it stands aside for so many seconds.
_IN_VAIN: Final = 3
_ASIDE: Final = 3600.0
# What a server answers that has too much to do. https://www.rfc-editor.org/rfc/rfc9110#name-503-service-unavailable
_BUSY: Final = frozenset({429, 503})
_NOTHING: Final = "0" * 40
_KINDS: Final = "application/x-git-upload-pack"
# They change who is asked, or how.
_SECTIONS: Final = frozenset({"http", "url", "credential", "protocol", "remote", "include", "includeif"})
# It names other authorities than the system's.
_AUTHORITIES: Final = "GIT_SSL_CAINFO"
_VARIABLES: Final = ("GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_", "KRB5")


class Access(Protocol):
    """How a remote is to be reached."""

    @property
    def generation(self) -> int:
        """A number that grows whenever anything of it has changed."""

    def login_for(self, url: str) -> tuple[str, Secret] | None:
        """Return user name and password for a URL, None if there are none."""


@dataclass(frozen=True)
class _Way:
    """The connection, and what is sent over it; of one generation of what it is made from.

    It is `sparing` if not all authorities have been read.
    """

    generation: int
    sparing: bool
    connection: KeptConnection
    headers: dict[str, str]


class Prober:
    """Asks the remote of one repository."""

    def __init__(self, repo: RepoConfig, access: Access) -> None:
        self._repo = repo
        self._access = access
        self._cancellation = Cancellation()
        self._log = get_logger(repo=repo.name)
        self._way: _Way | None = None
        # The question and the answer that was read last, and what it led to: mostly the next one is the same.
        self._read_last: tuple[bytes, Target | None] = (b"", None)
        # What it cannot do for ever, and until when it stands aside (monotonic seconds) and why.
        self._never = _obstacle(repo)
        self._aside_until = 0.0
        self._doubt: str | None = None
        self._in_vain = 0
        if self._never:
            self._log.info("probe_by_git", v=1, message=self._never)

    @property
    def obstacle(self) -> str | None:
        """Why git is asked now instead; None if it is not."""
        if self._never or time.monotonic() >= self._aside_until:
            return self._never
        return self._doubt

    def ask(self, wanted: Wanted, *, known: str, deadline: float) -> Target | None:
        """Return what the remote has of what is wanted, None unless that is beyond doubt; raises nothing.

        `known` is a hash that the remote has had, the deadline in monotonic seconds.
        """
        if self.obstacle or time.monotonic() >= deadline:
            return None
        patience = min(deadline, time.monotonic() + _PATIENCE)
        try:
            asked = question(wanted.prefixes, known=known)
            told = self._post(asked, deadline=patience)
            if told.status != 200 or told.content_type != f"{_KINDS}-result":
                raise ValueError(
                    f"the server answers with the status {told.status} and {told.content_type or 'no type'}"
                )
            digest = hashlib.sha256(asked + told.body).digest()
            if digest != self._read_last[0]:
                self._read_last = (digest, _read(told.body, wanted.look()))
            return self._read_last[1]
        except (FetchError, ValueError, OSError) as error:
            self._doubt = scrub(str(error))
            return None

    def ask_for_how_long(self, *, deadline: float) -> float | None:
        """Return the seconds that a server which has just refused git wants to be left alone, None if it does not say.

        Git does not tell, so the server is asked once more, until the deadline (monotonic seconds); raises nothing.
        """
        if self.obstacle or time.monotonic() >= deadline:
            return None
        try:
            told = self._post(question(["HEAD"], known=_NOTHING), deadline=min(deadline, time.monotonic() + _PATIENCE))
        except (FetchError, OSError):
            return None
        return told.retry_after if told.status in _BUSY else None

    def settle(self, *, agreed: bool) -> None:
        """Hear what git has found after a question that was not answered here: the same as before, or news."""
        self._in_vain = self._in_vain + 1 if agreed else 0
        if self._in_vain >= _IN_VAIN and not self.obstacle:
            self._in_vain = 0
            self._aside_until = time.monotonic() + _ASIDE
            self.close()
            self._log.info("probe_by_git", v=1, message=self._doubt, again_in=_ASIDE)

    def cancel(self) -> None:
        """End what is asked, and ask no more. Called by the main thread at shutdown."""
        self._cancellation.cancel()

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        if self._way:
            self._way.connection.close()
            self._way = None

    def _post(self, body: bytes, *, deadline: float) -> Answer:
        """Return the answer to a question; raise `FetchError` where there is none."""
        way = self._find_way(sparing=True)
        try:
            return way.connection.post(headers=way.headers, body=body, timeout=deadline - time.monotonic())
        except FetchError as error:
            if error.reason != "tls" or not way.sparing:
                raise
        way = self._find_way(sparing=False)
        return way.connection.post(headers=way.headers, body=body, timeout=deadline - time.monotonic())

    def _find_way(self, *, sparing: bool) -> _Way:
        """Return what leads to the server; if it is not to be `sparing`, one that is will not do."""
        generation = self._access.generation
        if self._way is None or self._way.generation != generation or (self._way.sparing and not sparing):
            self.close()
            headers = {
                "Accept": f"{_KINDS}-result",
                "Content-Type": f"{_KINDS}-request",
                "Git-Protocol": "version=2",
                **self._login(),
            }
            context = trust(
                self._repo.auth.ca_file, self._repo.repo, system=os.environ.get(_AUTHORITIES), sparingly=sparing
            )
            connection = KeptConnection(f"{self._repo.repo.rstrip('/')}/git-upload-pack", context, self._cancellation)
            self._way = _Way(generation, sparing, connection, headers)
        return self._way

    def _login(self) -> dict[str, str]:
        """Return the header of the login. https://www.rfc-editor.org/rfc/rfc7617"""
        login = self._access.login_for(self._repo.repo)
        if login is None:
            return {}
        user, password = login
        written = f"{user}:{password.reveal()}".encode(errors="surrogateescape")
        return {"Authorization": f"Basic {base64.b64encode(written).decode()}"}


def _read(body: bytes, look: Look) -> Target | None:
    """Return what an answer leads to; raise `ValueError` if it is none."""
    for value, name in answer(body):
        look.take(value, name)
    return look.found()


def _obstacle(repo: RepoConfig) -> str | None:
    """Return why a repository is never asked about here, None if it may be."""
    if repo.git.probe == "git":
        return "--probe=git"
    if transport(repo.repo) not in {"http", "https"}:
        return f"over {transport(repo.repo)} only git asks"
    if repo.auth.cookie_file:
        return "--cookie-file is given"
    settings = (*repo.git.git_config, *repo.git.git_config_add)
    if unknown := next((setting.key for setting in settings if setting.parts[0].lower() in _SECTIONS), None):
        return f"--git-config sets {unknown}"
    if unknown := next(
        (name for name in sorted(os.environ) if name.startswith(_VARIABLES) and name != _AUTHORITIES), None
    ):
        return f"{unknown} is set"
    return None
