"""The options of two topics of their own: how to log in, and whom to tell. All times are seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitsync.base.redact import Secret
from gitsync.config.option import Older, option
from gitsync.config.values import (
    BOOL,
    COOKIES,
    CREDENTIALS,
    DURATION,
    INT,
    PATH,
    PATHS,
    SECRET,
    TEXT,
    Credential,
    Kind,
    parse_path_list,
)


@dataclass(frozen=True, kw_only=True)
class AuthConfig:
    """How the server learns who we are, and we who the server is."""

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
        TEXT,
        "A URL that answers a GET with the lines `username=…` and `password=…`; asked before each pass.",
        env=("GIT_SYNC_ASKPASS_URL", "GIT_ASKPASS_URL"),
    )
    cookie_file: Path | None = option(
        COOKIES,
        "Send the cookies of a file in Netscape's form: true for /etc/git-secret/cookie_file, or the path of another.",
        env=("GIT_SYNC_COOKIE_FILE", "GIT_COOKIE_FILE"),
    )
    ssh_key_file: tuple[Path, ...] = option(
        PATHS,
        "SSH keys, tried in this order; in the environment separated by colons. Any mode will do that we can read.",
        env=("GIT_SYNC_SSH_KEY_FILE", "GIT_SSH_KEY_FILE"),
        env_kind=Kind("PATH:…", parse_path_list),
        without="/etc/git-secret/ssh, if it is there",
        repeatable=True,
    )
    ssh_known_hosts: bool = option(
        BOOL,
        "Whether the server's host key has to be a known one.",
        default="true",
        env=("GIT_SYNC_KNOWN_HOSTS", "GIT_KNOWN_HOSTS"),
    )
    ssh_known_hosts_file: Path | None = option(
        PATH,
        "The host keys that are known.",
        env=("GIT_SYNC_SSH_KNOWN_HOSTS_FILE", "GIT_SSH_KNOWN_HOSTS_FILE"),
        without="/etc/git-secret/known_hosts, if it is there",
    )
    github_app_private_key: Secret | None = option(
        SECRET, "The private key of a GitHub App, in PEM form; a file is safer.", env_only=True, secret=True
    )
    github_app_private_key_file: Path | None = option(PATH, "A file with the private key of a GitHub App.")
    github_app_application_id: int | None = option(INT, "The application id of the GitHub App.")
    github_app_client_id: str | None = option(TEXT, "The client id of the GitHub App, instead of the application id.")
    github_app_installation_id: int | None = option(INT, "The installation id of the GitHub App.")
    github_base_url: str = option(
        TEXT, "The API of GitHub, or of a GitHub Enterprise server.", default="https://api.github.com/"
    )
    ca_file: Path | None = option(
        PATH, "CA certificates in PEM form to trust besides the system's, for git and for every request of ours."
    )


@dataclass(frozen=True, kw_only=True)
class ExecHook:
    """A command, its deadline, and how long to wait after a failure."""

    command: str
    timeout: float
    backoff: float


@dataclass(frozen=True, kw_only=True)
class HooksConfig:
    """What happens around a publication."""

    exechook_command: str | None = option(
        TEXT,
        "A command to run in the published tree after a publication, and once after a start, with GITSYNC_HASH set. It "
        "is split into words as a shell does, but there is no shell.",
        env=("GIT_SYNC_EXECHOOK_COMMAND",),
        older=(Older(flag="--sync-hook-command", env="GIT_SYNC_HOOK_COMMAND"),),
    )
    exechook_timeout: float = option(
        DURATION, "How long that command may take.", default="30s", env=("GIT_SYNC_EXECHOOK_TIMEOUT",)
    )
    exechook_backoff: float = option(
        DURATION,
        "How long to wait before it is tried again after a failure; the time doubles with each.",
        default="3s",
        env=("GIT_SYNC_EXECHOOK_BACKOFF",),
    )
    pre_publish_exechook_command: str | None = option(
        TEXT,
        "A command to run in a staged tree before it is published, with GITSYNC_HASH set; if it fails, what is "
        "published stays. It is split in the same way.",
    )
    pre_publish_exechook_timeout: float = option(
        DURATION, "How long that command may take, within --sync-timeout.", default="30s"
    )
    pre_publish_exechook_backoff: float = option(
        DURATION, "How long a commit that was refused is not tried again; the time doubles with each.", default="3s"
    )
    webhook_url: str | None = option(
        TEXT,
        "A URL to call after a publication, and once after a start, with the header Gitsync-Hash.",
        env=("GIT_SYNC_WEBHOOK_URL",),
        # Those of chat services and build servers have a token in them.
        secret=True,
    )
    webhook_method: str = option(
        TEXT, "The HTTP method of that call.", default="POST", env=("GIT_SYNC_WEBHOOK_METHOD",)
    )
    webhook_success_status: int = option(
        INT,
        "The HTTP status that means success; 0 means that the answer does not matter and is not waited for.",
        default="200",
        env=("GIT_SYNC_WEBHOOK_SUCCESS_STATUS",),
    )
    webhook_timeout: float = option(
        DURATION, "How long that call may take.", default="1s", env=("GIT_SYNC_WEBHOOK_TIMEOUT",)
    )
    webhook_backoff: float = option(
        DURATION,
        "How long to wait before it is tried again after a failure; the time doubles with each.",
        default="3s",
        env=("GIT_SYNC_WEBHOOK_BACKOFF",),
    )

    # What hooks see of the environment of the process.
    environment: Mapping[str, str]

    @property
    def exechook(self) -> ExecHook | None:
        """The hook after a publication."""
        if self.exechook_command is None:
            return None
        return ExecHook(command=self.exechook_command, timeout=self.exechook_timeout, backoff=self.exechook_backoff)

    @property
    def gate(self) -> ExecHook | None:
        """The hook before a publication."""
        if self.pre_publish_exechook_command is None:
            return None
        return ExecHook(
            command=self.pre_publish_exechook_command,
            timeout=self.pre_publish_exechook_timeout,
            backoff=self.pre_publish_exechook_backoff,
        )
