"""The options of hooks: whom to tell of a publication, and whom to ask before it. All times are seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

from gitsync.config.option import Older, group, option
from gitsync.config.urls import URL
from gitsync.config.values import DURATION, INT, NAMES, TEXT


@dataclass(frozen=True, kw_only=True)
class ExecHook:
    """A command, None where there is no such hook; its deadline, and how long to wait after a failure."""

    command: str | None = option(
        TEXT,
        "A command to run in the published tree after a publication, and once after a start, with GITSYNC_HASH set. It "
        "is split into words as a shell does, but there is no shell.",
        env=("GIT_SYNC_EXECHOOK_COMMAND",),
        older=(Older(flag="--sync-hook-command", env="GIT_SYNC_HOOK_COMMAND"),),
    )
    timeout: float = option(
        DURATION, "How long that command may take.", default="30s", env=("GIT_SYNC_EXECHOOK_TIMEOUT",)
    )
    backoff: float = option(
        DURATION,
        "How long to wait before it is tried again after a failure; the time doubles with each.",
        default="3s",
        env=("GIT_SYNC_EXECHOOK_BACKOFF",),
    )


@dataclass(frozen=True, kw_only=True)
class CallHook:
    """A URL to call, None where there is no such hook; its deadline, and how long to wait after a failure."""

    url: str | None = option(
        URL,
        "A URL to call after a publication, and once after a start, with the header Gitsync-Hash.",
        env=("GIT_SYNC_WEBHOOK_URL",),
        # Those of chat services and build servers have a token in them.
        secret=True,
    )
    method: str = option(TEXT, "The HTTP method of that call.", default="POST", env=("GIT_SYNC_WEBHOOK_METHOD",))
    success_status: int = option(
        INT,
        "The HTTP status that means success; 0 means that the answer does not matter and is not waited for.",
        default="200",
        env=("GIT_SYNC_WEBHOOK_SUCCESS_STATUS",),
    )
    timeout: float = option(DURATION, "How long that call may take.", default="1s", env=("GIT_SYNC_WEBHOOK_TIMEOUT",))
    backoff: float = option(
        DURATION,
        "How long to wait before it is tried again after a failure; the time doubles with each.",
        default="3s",
        env=("GIT_SYNC_WEBHOOK_BACKOFF",),
    )


# The command before a publication has no older names, and refuses a commit where the other is tried again.
_GATE = {
    "command": {
        "help": "A command to run in a staged tree before it is published, with GITSYNC_HASH set; if it fails, what is "
        "published stays. It is split in the same way.",
        "env": (),
        "older": (),
    },
    "timeout": {"help": "How long that command may take, within --sync-timeout.", "env": ()},
    "backoff": {
        "help": "How long a commit that was refused is not tried again; the time doubles with each.",
        "env": (),
    },
}


@dataclass(frozen=True, kw_only=True)
class HooksConfig:
    """What happens around a publication; `environment` is what hooks see of that of the process."""

    exechook: ExecHook = group("exechook_")
    gate: ExecHook = group("pre_publish_exechook_", _GATE)
    webhook: CallHook = group("webhook_")
    hook_env: tuple[str, ...] = option(
        NAMES,
        "Which variables of this container the commands see: all but those that hold a secret of ours or steer git and "
        "ssh, or only those named; in a list with `all`, those named come on top.",
        default="all",
    )
    environment: Mapping[str, str]
