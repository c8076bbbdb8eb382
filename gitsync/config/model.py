"""The configuration: frozen values, each declared with its option. All times are seconds."""

import signal
from dataclasses import dataclass, replace
from pathlib import Path

from gitsync.base.redact import Secret
from gitsync.config.hooks import HooksConfig
from gitsync.config.login import AuthConfig
from gitsync.config.option import Older, Option, group, option, options_of
from gitsync.config.places import BIND, PLACE, Bind, Place
from gitsync.config.repo import GitConfig, RepoConfig, Schedule
from gitsync.config.values import BOOL, DURATION, INT, NOT_NEGATIVE, PATH, SECRETS, SIGNAL, choice

DEFAULT_PORT = 9484
# Whose webhooks are understood, as their receivers are called.
PROVIDERS = ("github", "gitlab", "gitea", "forgejo", "gogs", "bitbucket", "bitbucket-server", "azure", "generic")


@dataclass(frozen=True, kw_only=True)
class HttpConfig:
    """What is served, and where."""

    bind: Bind | None = option(
        BIND,
        "Where to serve `/`, `/healthz`, `/readyz`, `/metrics`, `/status` and `/webhook`; `off` for nowhere. An "
        "address that is given must work, and in a pod the default one, too, because probes may ask it; elsewhere, and "
        "with --one-time, the process goes on without if the default port is taken.",
        default=f":{DEFAULT_PORT}",
        env=("GIT_SYNC_HTTP_BIND",),
    )
    page: bool = option(
        BOOL,
        "Whether `/` shows browsers a page about what is published, and how it goes; probes and scripts have the same "
        "answer in any case.",
        default="true",
    )
    metrics: bool = option(BOOL, "Whether `/metrics` is served.", default="true", env=("GIT_SYNC_HTTP_METRICS",))
    pprof: bool = option(
        BOOL,
        "Whether `/debug/pprof/` is served: the stacks of all threads.",
        default="false",
        env=("GIT_SYNC_HTTP_PPROF",),
    )


@dataclass(frozen=True, kw_only=True)
class PeersConfig:
    """The other replicas, which hear of each event."""

    peers: Place | None = option(
        PLACE,
        "The headless Service of all replicas, and the port that they serve `/webhook` on. Whichever of them gets a "
        "webhook passes it on to all addresses that the name has then.",
    )
    peers_secret_file: Path | None = option(
        PATH,
        "A file with the secret that replicas prove themselves with, in the form of --receiver-secret-file; without it "
        "a key is derived from the receiver's secret.",
    )


@dataclass(frozen=True, kw_only=True)
class ReceiverConfig:
    """What lets a webhook in, where, and how often it may start a pass; times are seconds."""

    secret_file: Path | None = option(
        PATH,
        "A file with the secret of `POST /webhook`, which is off without one; read again for each request. While a "
        "secret is changed the file may hold several, one a line, and each of them counts.",
    )
    secret: tuple[Secret, ...] | None = option(SECRETS, "The same by itself.", env_only=True, secret=True)
    provider: str = option(
        replace(choice("auto", *PROVIDERS), placeholder="NAME"),
        f"Whose webhooks are let in: {', '.join(PROVIDERS)}; auto finds out by their headers.",
        default="auto",
    )
    bind: Bind | None = option(
        BIND,
        "Where to serve what needs the secret, if not where everything else is; an Ingress to this port reaches "
        "nothing else.",
    )
    spacing: float = option(
        DURATION,
        "The least time between two passes that webhooks start; those that come sooner start one together when it is "
        "over.",
        default="1s",
    )
    jitter: float = option(
        DURATION,
        "The longest time that a pass waits after a webhook, each pod for any part of it: where thousands hear of a "
        "push at one moment, the server is not asked by all of them at once.",
        default="0s",
    )
    peers: PeersConfig = group()


@dataclass(frozen=True, kw_only=True)
class LogConfig:
    """What the process says of itself, and where."""

    log_format: str = option(
        choice("auto", "json", "console"),
        "The form of the log; auto is console on a terminal, json elsewhere.",
        default="auto",
    )
    verbose: int = option(
        INT,
        "How much to log: 0 updates and errors, 1 every pass, 5 git commands, 6 their output, 9 everything.",
        default="0",
        short="-v",
        older=(Older(flag="--v", kind=NOT_NEGATIVE),),
    )
    termination_log: Path | None = option(
        PATH,
        "A file that is there already, to write into why the process has ended with an error; the kubelet shows it in "
        "the state of the container. Without it that is `/dev/termination-log` where that can be written.",
    )


@dataclass(frozen=True, kw_only=True)
class Compatibility:
    """How manifests of git-sync are read."""

    strict: bool = option(
        BOOL,
        "Refuse to start where the configuration is only warned of otherwise: variables that are not known or have no "
        "effect, and two names of one option with different values.",
        default="false",
    )
    add_user: bool = option(
        BOOL,
        "Accepted for manifests of git-sync; a user without a name is given one in any case, where ssh needs it.",
        default="false",
        env=("GIT_SYNC_ADD_USER",),
    )
    ssh: bool = option(
        BOOL, "Accepted for manifests of git-sync, without effect.", default="false", own_env=("GIT_SYNC_SSH",)
    )


@dataclass(frozen=True, kw_only=True)
class SeveralConfig:
    """Several repositories in one process."""

    config: Path | None = option(
        PATH,
        "A file in YAML with the options of any number of repositories, and of the process. All that is about one "
        "repository is written there, and neither given as a flag nor in a variable, but for --root.",
    )
    parallel: int = option(
        INT,
        "How many repositories of --config may be at work at once, at least 1; the others wait for their turn. While "
        "each of these takes longer than ten seconds, one more may.",
        default="4",
    )


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that the process needs to know; `shown` is what was given, without secrets, `warnings` what is odd in it."""

    several: SeveralConfig = group()
    sync_on_signal: signal.Signals | None = option(
        SIGNAL,
        "A signal that starts a pass; one that arrives during a pass starts another after it.",
        env=("GIT_SYNC_SYNC_ON_SIGNAL",),
    )
    http: HttpConfig = group("http_")
    receiver: ReceiverConfig = group("receiver_")
    shutdown_timeout: float = option(
        DURATION, "How long an orderly end may take after SIGTERM or SIGINT.", default="10s"
    )
    log: LogConfig = group()
    compatibility: Compatibility = group()
    repos: tuple[RepoConfig, ...]
    shown: dict[str, str]
    warnings: tuple[str, ...]


GROUPS: tuple[tuple[str, type], ...] = (
    ("Repository", RepoConfig),
    ("Schedule", Schedule),
    ("Git", GitConfig),
    ("Login", AuthConfig),
    ("Hooks", HooksConfig),
    ("Process", Config),
)


def all_options() -> tuple[Option, ...]:
    """Return every option there is."""
    return tuple(declared for _, model in GROUPS for declared in options_of(model))


def process_options() -> tuple[Option, ...]:
    """Return the options of the process as a whole."""
    return options_of(Config)


def repo_options() -> tuple[Option, ...]:
    """Return the options that each repository has for itself."""
    return tuple(declared for _, model in GROUPS if model is not Config for declared in options_of(model))
