"""Run git for the tests: the same identity, date and empty configuration everywhere."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

EPOCH = 1_700_000_000

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada Author",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Carl Committer",
    "GIT_COMMITTER_EMAIL": "carl@example.com",
    "HOME": os.devnull,
    "LC_ALL": "C",
    # A repository that belongs to another user (one that a container wrote) is still ours to look at.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}


def git_environment(*, date: int = EPOCH) -> dict[str, str]:
    """Return the whole environment of a test's git: nothing of the machine but PATH."""
    stamp = f"{date} +0000"
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, **ENVIRONMENT, "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}


def run_git(repository: Path | None, *arguments: str, stdin: bytes = b"", date: int = EPOCH) -> bytes:
    """Run git and return its output as it is; a failure carries what git said."""
    directory: Sequence[str] = () if repository is None else ("-C", str(repository))
    result = subprocess.run(
        ["git", *directory, *arguments], input=stdin, capture_output=True, check=False, env=git_environment(date=date)
    )
    if result.returncode != 0:
        raise AssertionError(
            f"git {' '.join(arguments)}: {result.returncode}: {result.stderr.decode(errors='replace')}"
        )
    return result.stdout


def git(repository: Path | None, *arguments: str) -> str:
    """Run git and return its output as stripped text."""
    return run_git(repository, *arguments).decode().strip()
