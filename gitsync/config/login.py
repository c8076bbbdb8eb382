"""The options of logging in: how the server learns who we are, and we who the server is."""

from dataclasses import dataclass
from pathlib import Path

from gitsync.base.redact import Secret
from gitsync.config.option import Older, group, option
from gitsync.config.urls import URL
from gitsync.config.values import (
    BOOL,
    COOKIES,
    CREDENTIALS,
    ID,
    KEY,
    PATH,
    PATHS,
    SECRET,
    TEXT,
    Credential,
    Kind,
    parse_path_list,
)


@dataclass(frozen=True, kw_only=True)
class SshConfig:
    """The keys of ssh, ours and the server's."""

    key_file: tuple[Path, ...] = option(
        PATHS,
        "SSH keys, tried in this order; in the environment separated by colons. Any mode will do that we can read.",
        env=("GIT_SYNC_SSH_KEY_FILE", "GIT_SSH_KEY_FILE"),
        env_kind=Kind("PATH:…", parse_path_list),
        without="/etc/git-secret/ssh, if it is there",
        repeatable=True,
    )
    known_hosts: bool = option(
        BOOL,
        "Whether the server's host key has to be a known one.",
        default="true",
        env=("GIT_SYNC_KNOWN_HOSTS", "GIT_KNOWN_HOSTS"),
    )
    known_hosts_file: Path | None = option(
        PATH,
        "The host keys that are known.",
        env=("GIT_SYNC_SSH_KNOWN_HOSTS_FILE", "GIT_SSH_KNOWN_HOSTS_FILE"),
        without="/etc/git-secret/known_hosts, if it is there",
    )


@dataclass(frozen=True, kw_only=True)
class GithubConfig:
    """The GitHub App to log in as."""

    app_private_key: Secret | None = option(
        KEY, "The private key of a GitHub App, in PEM form; a file is safer.", env_only=True, secret=True
    )
    app_private_key_file: Path | None = option(PATH, "A file with the private key of a GitHub App.")
    app_application_id: int | None = option(ID, "The application id of the GitHub App.")
    app_client_id: str | None = option(TEXT, "The client id of the GitHub App, instead of the application id.")
    app_installation_id: int | None = option(ID, "The installation id of the GitHub App.")
    base_url: str = option(
        URL, "The API of GitHub, or of a GitHub Enterprise server.", default="https://api.github.com/"
    )


@dataclass(frozen=True, kw_only=True)
class AuthConfig:
    """Every way to log in; `of_urls` is what the URLs of the repository and of git settings hold.

    A user there may come without a password.
    """

    username: str | None = option(TEXT, "The user to log in as, over https or http.", env=("GIT_SYNC_USERNAME",))
    password: Secret | None = option(
        SECRET,
        "The password or token of --username; a file is safer.",
        env=("GIT_SYNC_PASSWORD",),
        older=(Older(flag="--password"),),
        env_only=True,
        secret=True,
    )
    password_file: Path | None = option(
        PATH,
        "A file with the password or token of --username; read again before each pass.",
        env=("GIT_SYNC_PASSWORD_FILE",),
    )
    credential: tuple[Credential, ...] = option(
        CREDENTIALS,
        "Logins for URLs that begin like `url`, for example of submodules: a JSON object, or a list of them, with url, "
        "username, and password or password-file.",
        repeatable=True,
        secret=True,
    )
    askpass_url: str | None = option(
        URL,
        "A URL that answers a GET with the lines `username=…` and `password=…`; asked before each pass.",
        env=("GIT_SYNC_ASKPASS_URL", "GIT_ASKPASS_URL"),
    )
    cookie_file: Path | None = option(
        COOKIES,
        "Send the cookies of a file in Netscape's form: true for /etc/git-secret/cookie_file, or the path of another.",
        env=("GIT_SYNC_COOKIE_FILE", "GIT_COOKIE_FILE"),
    )
    ssh: SshConfig = group("ssh_")
    github: GithubConfig = group("github_")
    ca_file: Path | None = option(
        PATH, "CA certificates in PEM form to trust besides the system's, for git and for every request of ours."
    )
    of_urls: tuple[Credential, ...]
