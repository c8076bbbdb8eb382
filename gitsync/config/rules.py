"""What holds across options: limits, what follows from what, and where things are on disk. Pure functions."""

import os.path
import re
import shlex
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gitsync.base.redact import Secret
from gitsync.config.values import Credential

TRANSPORTS: Final = ("https", "http", "ssh", "git")
STORE_DIRECTORY: Final = ".gitsync"
TREES_DIRECTORY: Final = ".worktrees"
_WEBHOOK_URL = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# user@host:path, as git reads it: no slash before the colon. https://git-scm.com/docs/git-clone#_git_urls
_SCP_LIKE = re.compile(r"(?:[^/:@\s]+@)?(?:\[[^\]]+\]|[^/:\s]+):(?!//)")
_FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# https://git-scm.com/docs/git-check-ref-format
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^\.|^/|/$|\.$|\.lock(/|$)|^@$|^-")
_SHORTEST = 0.01
# The longest delay after failures, at least, and in periods: what has come back is noticed before people look for it.
_MOST_BACKOFF: Final = 60.0
_MOST_BACKOFF_PERIODS: Final = 3


def is_full_hash(ref: str) -> bool:
    """Say whether a ref is a full commit hash (SHA-1 or SHA-256)."""
    return bool(_FULL_HASH.fullmatch(ref))


def transport(repo: str) -> str:
    """Return the transport of a repository's URL or path: https, http, ssh, git, file, or what else it names."""
    if scheme := _SCHEME.match(repo):
        return scheme.group(1).lower()
    if helper := re.match(r"([A-Za-z0-9+.-]+)::", repo):
        return helper.group(1)
    return "ssh" if _SCP_LIKE.match(repo) else "file"


def check(values: dict[str, Any]) -> list[str]:
    """Return what is wrong with the values taken together; a value that could not be read is None and passed over."""
    problems = [*_check_repo(values["repo"]), *_check_ref(values["ref"]), *_check_limits(values)]
    if values["repo"] and values["root"] and not problems:
        problems += _check_link(resolve(values))
    return problems + _check_auth(values) + _check_hooks(values)


# Of each pair only one can be meant.
_EXCLUSIVE: Final = (
    ("receiver_secret_file", "receiver_secret"),
    ("password_file", "password"),
    ("askpass_url", "username"),
    ("github_app_private_key_file", "github_app_private_key"),
    ("github_app_application_id", "github_app_client_id"),
    ("github_app_installation_id", "username"),
    ("github_app_installation_id", "askpass_url"),
)


def _check_auth(values: dict[str, Any]) -> list[str]:
    def given(*names: str) -> bool:
        return any(values[name] is not None for name in names)

    problems = [
        f"--{first.replace('_', '-')}: GITSYNC_{second.upper()} or its flag is given too; remove one"
        for first, second in _EXCLUSIVE
        if given(first) and given(second)
    ]
    if given("username") != given("password", "password_file"):
        problems.append("--username: it goes with a password; give --username, and --password-file or GITSYNC_PASSWORD")
    app = (
        ("github_app_installation_id",),
        ("github_app_application_id", "github_app_client_id"),
        ("github_app_private_key_file", "github_app_private_key"),
    )
    if any(given(*names) for names in app) and not all(given(*names) for names in app):
        problems.append(
            "--github-app-installation-id: a GitHub App needs this, --github-app-application-id or "
            "--github-app-client-id, and --github-app-private-key-file; give all three"
        )
    return problems


def _check_hooks(values: dict[str, Any]) -> list[str]:
    problems = []
    for name in ("exechook_command", "pre_publish_exechook_command"):
        try:
            empty = values[name] is not None and not shlex.split(values[name])
        except ValueError as error:
            problems.append(f"--{name.replace('_', '-')}={values[name]}: {error}; check the quotes")
            continue
        if empty:
            problems.append(f"--{name.replace('_', '-')}: there is no command in it; name a program")
    problems += [
        f"--{name.replace('_', '-')}={values[name]:g}s: use more than 0"
        for name in ("exechook_timeout", "pre_publish_exechook_timeout", "webhook_timeout")
        if values[name] <= 0
    ]
    problems += [
        f"--{name.replace('_', '-')}={values[name]:g}s: it cannot be negative; use 0 or more"
        for name in ("exechook_backoff", "pre_publish_exechook_backoff", "webhook_backoff")
        if values[name] < 0
    ]
    if values["webhook_url"] is not None and not _WEBHOOK_URL.fullmatch(values["webhook_url"]):
        problems.append("--webhook-url: this is no URL; use one that begins with https:// or http:// and a host")
    if not re.fullmatch(r"[A-Z]+", values["webhook_method"]):
        problems.append(f"--webhook-method={values['webhook_method']}: use the name of a method, such as POST")
    return problems


def _check_repo(repo: str | None) -> list[str]:
    if repo is None:
        return []
    if repo.startswith("-"):
        return [f"--repo={repo}: it starts with a dash; write a URL or an absolute path"]
    if transport(repo) not in (*TRANSPORTS, "file"):
        return [f"--repo={repo}: the transport is not supported; use {', '.join(TRANSPORTS)} or a local path"]
    try:
        split_login(repo)
    except ValueError as error:
        return [f"--repo={repo}: this is no URL ({error}); check the host"]
    return []


def _check_ref(ref: str) -> list[str]:
    if _BAD_REF.search(ref):
        return [f"--ref={ref}: this cannot be a ref; use a branch, a tag, a full ref name or a full commit hash"]
    return []


def _check_limits(values: dict[str, Any]) -> list[str]:
    problems = [
        f"--{name.replace('_', '-')}={values[name]:g}s: use at least 10ms"
        for name in ("period", "init_period", "sync_timeout")
        if values[name] is not None and values[name] < _SHORTEST
    ]
    problems += [
        f"--{name.replace('_', '-')}: it cannot be negative; use 0 or more"
        for name in ("depth", "stale_worktree_timeout", "heal_period", "max_backoff", "shutdown_timeout", "verbose")
        if values[name] is not None and values[name] < 0
    ]
    return problems


def _check_link(values: dict[str, Any]) -> list[str]:
    root, link = values["root"], values["link"]
    if link == root or link in root.parents:
        return [f"--link={link}: it is --root itself or above it; choose a path for the link alone"]
    for directory in (STORE_DIRECTORY, TREES_DIRECTORY):
        if link.is_relative_to(root / directory):
            return [f"--link={link}: {root / directory} is kept for our own work; choose another path"]
    return []


def resolve(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with everything filled in that follows from others."""
    root = _absolute(values["root"])
    repo, login = split_login(values["repo"])
    max_failures = values["max_failures"]
    if max_failures is None:
        # git-sync gives up at the first failure; a daemon that serves something goes on serving it and tries again.
        max_failures = 0 if values["one_time"] else -1
    init_max_failures, max_backoff = values["init_max_failures"], values["max_backoff"]
    if max_backoff is None:
        max_backoff = max(_MOST_BACKOFF, _MOST_BACKOFF_PERIODS * values["period"])
    derived = {
        "root": root,
        "repo": os.path.abspath(repo) if _is_plain_path(repo) else repo,  # noqa: PTH100 (a URL comes here, too)
        "login": login,
        "link": _absolute(root / (values["link"] or _last_part(repo))),
        "max_failures": max_failures,
        "init_max_failures": max_failures if init_max_failures is None else init_max_failures,
        "max_backoff": max_backoff,
        "init_period": values["period"] if values["init_period"] is None else values["init_period"],
        "touch_file": values["touch_file"] and _absolute(root / values["touch_file"]),
        "error_file": values["error_file"] and _absolute(root / values["error_file"]),
    }
    return {**values, **derived}


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (Path.resolve would follow the link itself)


def _is_plain_path(repo: str) -> bool:
    return transport(repo) == "file" and not _SCHEME.match(repo)


def _last_part(repo: str) -> str:
    return repo.strip("/").rpartition("/")[2]


def split_login(repo: str) -> tuple[str, Credential | None]:
    """Take user and password out of an http or https URL."""
    if transport(repo) not in {"http", "https"}:
        return repo, None
    parts = urlsplit(repo)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return repo, None
    user, _, password = userinfo.partition(":")
    url = parts._replace(netloc=host).geturl()
    return url, Credential(url=url, username=unquote(user), password=Secret(unquote(password)))
