"""Is a directory exactly one commit? Answered from `git ls-tree` and the bytes on disk, never by `git status`."""

import hashlib
import os
import re
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from tests.support.git import run_git

HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

# Path → mode and name of the blob, as `git ls-tree` has them.
Entries = Mapping[bytes, str]


def tree_differences(repository: Path, tree: Path, commit: str) -> list[str]:
    """Say in words how the files under `tree` differ from a commit; the top `.git` is no content."""
    return differences(commit_entries(repository, commit), tree_entries(tree))


def differences(expected: Entries, actual: Entries) -> list[str]:
    """Say in words what is missing, foreign or changed."""
    missing = [f"missing: {path!r}" for path in sorted(expected.keys() - actual.keys())]
    foreign = [f"not in the commit: {path!r}" for path in sorted(actual.keys() - expected.keys())]
    changed = [
        f"differs: {path!r}: {actual[path]}, the commit has {expected[path]}"
        for path in sorted(expected.keys() & actual.keys())
        if expected[path] != actual[path]
    ]
    return missing + foreign + changed


def tree_matches(repository: Path, tree: Path, commit: str) -> bool:
    """Tell whether the files under `tree` are exactly those of a commit: names, bytes, x bits, links, nothing more."""
    return not tree_differences(repository, tree, commit)


def assert_tree(repository: Path, tree: Path, commit: str) -> None:
    """Fail, naming the first differences, unless `tree` is exactly a commit."""
    found = tree_differences(repository, tree, commit)
    assert not found, f"{tree} is not {commit}: " + "; ".join(found[:10])


def published_hash(link: Path) -> str:
    """Return the commit that a link promises (the leaf of its target); fail if there is no link of that kind."""
    leaf = os.readlink(link).rsplit("/", 1)[-1]
    assert HASH.fullmatch(leaf), f"{link} -> {os.readlink(link)}: the leaf is no full hash"
    return leaf


def assert_published(repository: Path, link: Path) -> str:
    """Resolve the link once; the tree behind it must be exactly the commit in its name. Return the commit."""
    commit = published_hash(link)
    assert_tree(repository, link.parent / os.readlink(link), commit)
    return commit


def assert_exchanged(repository: Path, link: Path) -> str:
    """A directory stands at the link's place; it must be exactly the commit that git finds it to be. Return that."""
    assert link.is_dir(), f"there is no directory at {link}"
    assert not link.is_symlink(), f"{link} -> {os.readlink(link)}"
    commit = run_git(link, "rev-parse", "HEAD").decode().strip()
    assert_tree(repository, link, commit)
    assert run_git(link, "status", "--porcelain") == b""
    assert run_git(link, "rev-parse", "--show-toplevel") == os.fsencode(link.resolve()) + b"\n"
    return commit


def commit_entries(repository: Path, commit: str, submodules: Mapping[str, Path] | None = None) -> dict[bytes, str]:
    """Return the files of a commit, or of a directory in it (`COMMIT:DIR`), with those of some submodules.

    `submodules` has the repository of each by its path; the files of others are no part of it.
    """
    listing = run_git(repository, "ls-tree", "-r", "-z", "--full-tree", commit)
    entries = {}
    for line in filter(None, listing.split(b"\0")):
        head, path = line.split(b"\t", 1)
        mode, _, name = head.decode().split(" ")
        if mode != "160000":
            entries[path] = f"{mode} {name}"
        elif inner := (submodules or {}).get(os.fsdecode(path)):
            entries.update({path + b"/" + below: entry for below, entry in commit_entries(inner, name).items()})
    return entries


def tree_entries(tree: Path, nested: Collection[str] = ()) -> dict[bytes, str]:
    """Return what lies in a directory in the form of a commit's files; `.git` of its top, and of `nested`, is none.

    Raises `OSError` for what disappears meanwhile.
    """
    top = os.fsencode(tree)
    own = {os.fsencode(os.path.join(directory, ".git")) for directory in ("", *nested)}  # noqa: PTH118 - bytes follow
    entries = {}
    for directory, folders, files in os.walk(top, onerror=_raise):
        links = [name for name in folders if os.path.islink(os.path.join(directory, name))]  # noqa: PTH114, PTH118 - bytes
        if not folders and not files and directory != top and os.path.relpath(directory, top) not in own:
            entries[os.path.relpath(directory, top)] = "an empty directory"
        for name in files + links:
            path = os.path.join(directory, name)  # noqa: PTH118 - names may be no valid text
            relative = os.path.relpath(path, top)
            if relative not in own:
                entries[relative] = _describe(path)
    return entries


def _describe(path: bytes) -> str:
    """Return what `git ls-tree` would say of a file: its mode and its blob's name."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return f"120000 {blob_of(os.readlink(path))}"
    if not stat.S_ISREG(status.st_mode):
        return "neither a file nor a link"
    mode = "100755" if status.st_mode & stat.S_IXUSR else "100644"
    with open(path, "rb") as file:  # noqa: PTH123 - bytes
        return f"{mode} {blob_of(file.read())}"


def blob_of(content: bytes) -> str:
    """Return what git calls a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _raise(error: OSError) -> None:
    raise error
