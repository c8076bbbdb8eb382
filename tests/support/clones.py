"""What `git clone --recurse-submodules` makes of a repository: the truth that a published tree is compared with."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

from tests.support.git import git_environment

# Path → kind, permissions and content of a file, target of a link, or a kind alone.
Listing = dict[bytes, tuple[str, int, bytes]]


def clone(repository: Path, directory: Path) -> Listing | None:
    """Clone the default branch with its submodules; return what is in it, None if git refuses. Nothing stays."""
    result = subprocess.run(
        [
            "git",
            "-c",
            "protocol.file.allow=always",
            "clone",
            "--quiet",
            "--recurse-submodules",
            repository.as_uri(),
            "c",
        ],
        cwd=directory,
        capture_output=True,
        check=False,
        env=git_environment(),
    )
    listing = contents(directory / "c") if result.returncode == 0 else None
    shutil.rmtree(directory / "c", ignore_errors=True)
    return listing


def contents(top: Path) -> Listing:
    """Return all that is in a tree; of repositories within it, and of its own, only that they are there."""
    found: Listing = {}
    root = os.fsencode(top)
    for directory, folders, files in os.walk(root):
        if ".git" in map(os.fsdecode, folders):
            folders.remove(b".git")
            files.append(b".git")
        for name in (*folders, *files):
            path = os.path.join(directory, name)  # noqa: PTH118 - names may be no valid text
            relative = os.path.relpath(path, root)
            if relative != b".git":
                found[relative] = ("repository", 0, b"") if name == b".git" else _describe(path)
    return found


def _describe(path: bytes) -> tuple[str, int, bytes]:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return "link", 0, os.readlink(path)
    if stat.S_ISDIR(status.st_mode):
        return "directory", 0, b""
    with open(path, "rb") as file:  # noqa: PTH123 - bytes
        return "file", stat.S_IMODE(status.st_mode), file.read()


def differences(expected: Listing, actual: Listing) -> list[str]:
    """Say in words how two trees differ."""
    names = sorted(expected.keys() | actual.keys())
    return [
        f"{name!r}: {_short(actual.get(name))} instead of {_short(expected.get(name))}"
        for name in names
        if expected.get(name) != actual.get(name)
    ]


def _short(described: tuple[str, int, bytes] | None) -> str:
    if described is None:
        return "nothing"
    kind, mode, content = described
    return f"{kind} {mode:o} {content[:60]!r}"
