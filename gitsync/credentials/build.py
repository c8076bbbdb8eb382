"""Puts the sources together that a configuration asks for."""

import os
from pathlib import Path
from typing import Literal

from gitsync.base.fetchurl import Cancellation
from gitsync.base.log import get_logger
from gitsync.base.redact import Secret
from gitsync.config import Credential as LoginConfig
from gitsync.config import RepoConfig, transport
from gitsync.credentials.asking import Asking
from gitsync.credentials.askpass import Askpass
from gitsync.credentials.authorities import Authorities
from gitsync.credentials.base import Credentials, Source
from gitsync.credentials.cookies import Cookies
from gitsync.credentials.found import FoundLogins
from gitsync.credentials.github_app import App, GithubApp
from gitsync.credentials.login import HelperFile, Login, host_of
from gitsync.credentials.ssh import Ssh, SshFiles
from gitsync.telling.events import CredentialAsked, Observers

_HTTP = ("http", "https")


def build(repo: RepoConfig, *, directory: Path, observers: Observers | None = None) -> Credentials:
    """Return the sources of a repository; what they give lies in `directory`, which must be ours alone."""
    directory.mkdir(mode=0o700, exist_ok=True)
    cancellation = Cancellation()
    sources: list[Source] = []
    if repo.auth.ca_file:
        # Children inherit what __main__ has left of the environment, and to git this counts more than its settings.
        system = os.environ.get("GIT_SSL_CAINFO")
        bundle = directory / "authorities.pem"
        sources.append(Authorities(repo.auth.ca_file, bundle=bundle, system=Path(system) if system else None))
    if repo.auth.cookie_file:
        sources.append(Cookies(repo.auth.cookie_file, copy=directory / "cookies"))
    command = os.environ.get("GIT_SSH_COMMAND") or "ssh"
    files = SshFiles.of(repo, command=command)
    sources.append(Ssh(files, directory=directory))
    sources += _credentials(repo, directory)
    sources += _for_repo(repo, directory, observers or Observers(), cancellation)
    whole, users = _of_urls(repo, directory)
    return Credentials([*sources, *whole], users=users, found=FoundLogins(directory), cancellation=cancellation)


def _credentials(repo: RepoConfig, directory: Path) -> list[Source]:
    """Return the logins of `--credential`; of two for one URL the one of the user whom the repository's URL names."""
    users = [login.username for login in repo.auth.of_urls if login.url == repo.repo]
    return [
        Login(
            login,
            path=directory / f"credential-{index}",
            urls=_variants(login.url),
            option=f"--credential ({login.url}): password-file",
        )
        for index, login in enumerate(sorted(repo.auth.credential, key=lambda login: login.username not in users))
    ]


def _of_urls(repo: RepoConfig, directory: Path) -> tuple[list[Source], list[Source]]:
    """Return the logins in URLs of the configuration, and the users there that have no password."""
    auth = repo.auth
    whole: list[Source] = []
    users: list[Source] = []
    for index, login in enumerate(auth.of_urls):
        urls = (login.url, host_of(login.url)) if login.url == repo.repo else (login.url,)
        source = Login(login, path=directory / f"login-of-url-{index}", urls=urls)
        (whole if login.password else users).append(source)
        if not (login.password or auth.credential or auth.username or auth.askpass_url or App.of(auth)):
            # Where no password can be found the user is a token.
            Secret(login.username)
    return whole, users


def _variants(url: str) -> tuple[str, ...]:
    """Return a URL and the other spelling of the repository that it may be."""
    url = url.rstrip("/")
    return (url,) if url.endswith(".git") or url == host_of(url) else (url, f"{url}.git")


def _for_repo(repo: RepoConfig, directory: Path, observers: Observers, cancellation: Cancellation) -> list[Source]:
    """Return the sources whose login is for the repository, and for all of its server that no other is for."""
    auth = repo.auth
    app = App.of(auth)
    named = auth.username is not None
    if transport(repo.repo) not in _HTTP:
        if named or auth.askpass_url or app:
            get_logger(repo=repo.name).warning(
                "login_unused", hint="user names, askpass and GitHub Apps are for http and https; use --credential"
            )
        return []
    urls = (repo.repo, host_of(repo.repo))

    def asking(source: Literal["askpass", "github_app"]) -> Asking:
        def told(succeeded: bool) -> None:
            observers.notify(CredentialAsked(repo=repo.name, source=source, succeeded=succeeded))

        return Asking(told=told, ca_file=auth.ca_file, cancellation=cancellation)

    sources: list[Source] = []
    if auth.username is not None:
        login = LoginConfig(
            url=repo.repo, username=auth.username, password=auth.password, password_file=auth.password_file
        )
        sources.append(Login(login, path=directory / "login", urls=urls, option="--password-file"))
    if auth.askpass_url:
        given = HelperFile(directory / "askpass", urls=urls)
        sources.append(Askpass(auth.askpass_url, given=given, asking=asking("askpass")))
    if app:
        given = HelperFile(directory / "github-app", urls=urls)
        sources.append(GithubApp(app, given=given, asking=asking("github_app")))
    return sources
