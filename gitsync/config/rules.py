"""What holds across options: limits, what follows from what, and where things are on disk. Pure functions."""

import os.path
import re
import shlex
from pathlib import Path
from typing import Any, Final

from gitsync.base.printable import printable_name
from gitsync.config.gitsettings import without_logins
from gitsync.config.urls import is_plain_path, split_login

STORE_DIRECTORY: Final = ".gitsync"
TREES_DIRECTORY: Final = ".worktrees"
# For the work on those of several that share a root.
REPOSITORIES_DIRECTORY: Final = ".repositories"
_OURS: Final = (STORE_DIRECTORY, TREES_DIRECTORY, REPOSITORIES_DIRECTORY)
_DEFAULT_REF: Final = "HEAD"
_FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# https://git-scm.com/docs/git-check-ref-format
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^\.|^/|/$|\.$|\.lock(/|$)|^@$|^-")
_WILDCARDS = re.compile(r"[*?\[\]]")
_SHORTEST = 0.01
# To git it means all of the history. https://git-scm.com/docs/git-fetch#_options
_DEEPEST: Final = 2**31 - 1
_LARGEST_STATUS: Final = 599
# The longest delay after failures, at least, and in periods: what has come back is noticed before people look for it.
_MOST_BACKOFF: Final = 60.0
_MOST_BACKOFF_PERIODS: Final = 3
_FEWEST_TREES: Final = 2
# What git writes beside the pack has to fit as well.
_SMALLEST_FETCH: Final = 64 * 1024


def is_full_hash(ref: str) -> bool:
    """Say whether a ref is a full commit hash (SHA-1 or SHA-256)."""
    return bool(_FULL_HASH.fullmatch(ref))


def is_ref_name(name: str) -> bool:
    """Say whether a branch or a tag may be called so."""
    return not _BAD_REF.search(name)


def check(values: dict[str, Any]) -> list[str]:
    """Return what is wrong with the values taken together; a value that could not be read is None and passed over."""
    problems = [*_check_ref(values), *_check_limits(values), *_check_verification(values)]
    if values["repo"] and values["root"] and not problems:
        problems += _check_link(resolve(values))
    return problems + _check_auth(values) + _check_hooks(values) + _check_peers(values)


def _check_verification(values: dict[str, Any]) -> list[str]:
    keys = ("verify_ssh_allowed_signers", "verify_gpg_keyring")
    given = [f"--{name.replace('_', '-')}" for name in keys if values[name]]
    if values["verify"] == "off":
        return [f"{flag}: nothing is verified without --verify; give both" for flag in given]
    if not given:
        return [
            f"--verify={values['verify']}: no keys are given; add --verify-ssh-allowed-signers or --verify-gpg-keyring"
        ]
    return []


# Of each pair only one can be meant.
_EXCLUSIVE: Final = (
    ("receiver_secret_file", "receiver_secret"),
    ("subpath", "sparse_checkout_file"),
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
    if given("username") != given("password", "password_file") and not (given("repo") and _names_user(values)):
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


def _check_peers(values: dict[str, Any]) -> list[str]:
    if values["peers"] is None:
        return ["--peers-secret-file: it is for --peers, too; give both"] if values["peers_secret_file"] else []
    if values["receiver_secret_file"] is None and values["receiver_secret"] is None:
        return ["--peers: there are no webhooks to pass on without --receiver-secret-file; give both"]
    if values["http_bind"] is None and values["receiver_bind"] is None:
        return ["--peers: nothing can come in with --http-bind=off; give --receiver-bind, or leave --peers out"]
    return []


_WAITS_AFTER_FAILURES: Final = ("exechook_backoff", "pre_publish_exechook_backoff", "webhook_backoff")


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
        for name in _WAITS_AFTER_FAILURES
        if values[name] < 0
    ]
    if values["webhook_success_status"] > _LARGEST_STATUS:
        problems.append(f"--webhook-success-status={values['webhook_success_status']}: use a status of HTTP, or 0")
    if not re.fullmatch(r"[A-Z]+", values["webhook_method"]):
        problems.append(f"--webhook-method={values['webhook_method']}: use the name of a method, such as POST")
    return problems


def _check_ref(values: dict[str, Any]) -> list[str]:
    ref, pattern, versions = (values[name] for name in ("ref", "ref_pattern", "ref_semver"))
    problems = []
    if ref != _DEFAULT_REF and (pattern is not None or versions is not None):
        other = "--ref-semver" if pattern is None else "--ref-pattern"
        problems.append(f"--ref={ref}: {other} is given too, and says which ref is followed; remove one of them")
    if not is_ref_name(ref):
        problems.append(
            f"--ref={ref}: this cannot be a ref; use a branch, a tag, a full ref name or a full commit hash"
        )
    if pattern is not None and not is_ref_name(_WILDCARDS.sub("x", pattern)):
        problems.append(f"--ref-pattern={pattern}: no ref can match this; use a pattern such as v* or release/*")
    return problems


_NOT_NEGATIVE: Final = (
    *("depth", "stale_worktree_timeout", "heal_period", "max_backoff", "shutdown_timeout", "max_files"),
    *("receiver_spacing", "receiver_jitter"),
)


def _check_limits(values: dict[str, Any]) -> list[str]:
    problems = [
        f"--{name.replace('_', '-')}={values[name]:g}s: use at least 10ms"
        for name in ("period", "init_period", "sync_timeout")
        if values[name] is not None and values[name] < _SHORTEST
    ]
    problems += [
        f"--{name.replace('_', '-')}: it cannot be negative; use 0 or more"
        for name in _NOT_NEGATIVE
        if values[name] is not None and values[name] < 0
    ]
    if values["max_trees"] is not None and values["max_trees"] < _FEWEST_TREES:
        # A tree is made beside the one that is published.
        problems.append(f"--max-trees={values['max_trees']}: use {_FEWEST_TREES} or more")
    if values["parallel"] is not None and values["parallel"] < 1:
        problems.append(f"--parallel={values['parallel']}: use 1 or more")
    if values["max_fetch"] and values["max_fetch"] < _SMALLEST_FETCH:
        problems.append(f"--max-fetch={values['max_fetch']}: use 64Ki or more, or 0 for no limit")
    if values["mtime"] == "commit" and values["publish"] == "inplace":
        problems.append("--mtime=commit: with --publish=inplace files that stay the same are not touched; use another")
    if values["subpath"] and values["publish"] == "exchange":
        problems.append("--subpath: with --publish=exchange all of the tree stands in the link's place; use another")
    by_git = values["filter"] and (values["sparse_checkout_file"] or not values["filter"].startswith("blob:"))
    if by_git:
        problems += [
            f"--{name.replace('_', '-')}: git fetches single files by itself, without a limit, with --filter and "
            "--sparse-checkout-file, or with other filters than `blob:…`; use --subpath, or leave one of them out"
            for name in ("max_size", "max_fetch")
            if values[name]
        ]
    return problems


def _check_link(values: dict[str, Any]) -> list[str]:
    root, link = values["root"], values["link"]
    if link == root or link in root.parents:
        return [f"--link={link}: it is --root itself or above it; choose a path for the link alone"]
    for directory in _OURS:
        if link.is_relative_to(root / directory):
            return [f"--link={link}: {root / directory} is kept for our own work; choose another path"]
    if values["publish"] != "exchange":
        return []
    return [
        f"--{name.replace('_', '-')}={values[name]}: it is within --link, in what is published; choose another path"
        for name in ("touch_file", "error_file")
        if values[name] and values[name].is_relative_to(link)
    ]


def resolve(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with everything filled in that follows from others."""
    root = _absolute(values["root"])
    repo, login = split_login(values["repo"])
    repo = os.path.abspath(repo) if is_plain_path(repo) else repo  # noqa: PTH100 (a URL comes here, too)
    plain, logins = zip(*map(without_logins, (values["git_config"], values["git_config_add"])), strict=True)
    max_failures = values["max_failures"]
    if max_failures is None:
        # git-sync gives up at the first failure; a daemon that serves something goes on serving it and tries again.
        max_failures = 0 if values["one_time"] else -1
    init_max_failures, max_backoff = values["init_max_failures"], values["max_backoff"]
    if max_backoff is None:
        max_backoff = max(_MOST_BACKOFF, _MOST_BACKOFF_PERIODS * values["period"])
    link = _absolute(root / (values["link"] or _last_part(repo)))
    derived = {
        "root": root,
        "work": root,
        "repo": repo,
        # git reads a hash in either case, and names the commit in the one.
        "ref": values["ref"].lower() if is_full_hash(values["ref"].lower()) else values["ref"],
        "username": login.username if login and _names_user(values) else values["username"],
        "git_config": plain[0],
        "git_config_add": plain[1],
        "of_urls": (*([login] if login else []), *logins[0], *logins[1]),
        "link": link,
        "name": values["name"] or printable_name(link.name),
        "max_failures": max_failures,
        "init_max_failures": max_failures if init_max_failures is None else init_max_failures,
        "max_backoff": max_backoff,
        "depth": min(values["depth"], _DEEPEST),
        "verbose": max(values["verbose"], 0),
        "init_period": values["period"] if values["init_period"] is None else values["init_period"],
        "touch_file": values["touch_file"] and _absolute(root / values["touch_file"]),
        "error_file": values["error_file"] and _absolute(root / values["error_file"]),
    }
    # Without any wait nothing else would get its turn.
    waits = {name: max(values[name], _SHORTEST) for name in _WAITS_AFTER_FAILURES}
    waits["heal_period"] = values["heal_period"] and max(values["heal_period"], _SHORTEST)
    return {**values, **derived, **waits}


def _names_user(values: dict[str, Any]) -> bool:
    """Say whether it is the URL of the repository that names the user of the password."""
    _, login = split_login(values["repo"])
    password = values["password"] or values["password_file"]
    return bool(login and not login.password and password and not values["username"])


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (Path.resolve would follow the link itself)


def _last_part(repo: str) -> str:
    """Return the last part of a URL or path; for the `.git` of a working tree that of the tree, as git clone does."""
    path = repo.strip("/")
    while f"/{path}".endswith("/.git"):
        path = path.removesuffix(".git").rstrip("/")
    return path.rpartition("/")[2]
