"""The repositories that are measured: built by `git fast-import`, the same in every run, with their future commits.

A push has to cost nothing while times are taken, so every later commit lies under `refs/bench/` from the start, and
a push is one `git update-ref`. Every subject gets a copy of its own (hard links): a push to one must not wake others.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, cast

from tests.support.git import EPOCH, git, git_environment

SUBMODULES = 20
_WORDS = ("link", "tree", "file", "commit", "store", "pass", "reader", "volume", "remote", "signal")
_FAST_IMPORT = ("-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--depth=0")


@dataclass(frozen=True)
class Shape:
    """What a repository is like; `size` is the bytes of a file, 0 for text of 1 to 8 KB."""

    name: str
    files: int
    size: int = 0
    submodules: int = 0
    line_changes: int = 60
    share_changes: int = 8

    @property
    def directory(self) -> str:
        """The name of the bare repository."""
        return self.name.replace(" ", "-") + ".git"


SMALL = Shape("20 files", 20)
MEDIUM = Shape("5000 files", 5_000)
BIG = Shape("50000 files", 50_000)
NESTED = Shape("20 submodules", 100, submodules=SUBMODULES)
LARGE = Shape("large files", 4, size=25_000_000, line_changes=6, share_changes=0)
SHAPES = (SMALL, MEDIUM, BIG, NESTED, LARGE)


def build(shape: Shape, directory: Path) -> Path:
    """Build a repository in a directory, its submodules beside it, and return its path."""
    links: dict[str, str] = {}
    for number in range(shape.submodules):
        part = _import(Shape(f"sub-{number}", 50, line_changes=0, share_changes=0), directory, {})
        links[f"sub-{number}"] = git(part, "rev-parse", "HEAD")
    return _import(shape, directory, links)


def copy(source: Path, directory: Path) -> Path:
    """Copy the repositories of a directory into another one, by hard links where objects are concerned."""
    for repository in source.iterdir():
        target = directory / repository.name
        if not target.exists():
            shutil.copytree(repository, target, copy_function=_link_objects)
    return directory


def push(repository: Path, change: str) -> str:
    """Make a prepared commit, such as `line/3`, the tip; return its hash."""
    commit = git(repository, "rev-parse", "--verify", f"refs/bench/{change}")
    git(repository, "update-ref", "refs/heads/main", commit)
    return commit


def _link_objects(source: str, target: str) -> None:
    if "/objects/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _import(shape: Shape, directory: Path, links: Mapping[str, str]) -> Path:
    path = directory / shape.directory
    git(None, "init", "--quiet", "--bare", "--initial-branch=main", str(path))
    # Fast rather than small, and as it is what cannot be made smaller.
    command = ["git", "-C", str(path), "-c", f"core.compression={0 if shape.size else 1}", *_FAST_IMPORT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=git_environment()) as process:
        stdin = cast(IO[bytes], process.stdin)
        stdin.writelines(_history(shape, links))
        stdin.close()
    if process.returncode:
        raise OSError(f"git fast-import ended with {process.returncode}")
    # Any commit may be asked for, as forges allow it: submodules are fetched by their hash.
    git(path, "config", "uploadpack.allowReachableSHA1InWant", "true")
    # What is to come later is none of the clients' business, and would be in every answer.
    git(path, "config", "uploadpack.hideRefs", "refs/bench")
    return path


def _history(shape: Shape, links: Mapping[str, str]) -> Iterator[bytes]:
    yield from _commit("refs/heads/main", "")
    yield from _files(shape, range(shape.files), "first")
    if links:
        modules = "".join(f'[submodule "{name}"]\n\tpath = {name}\n\turl = ../{name}.git\n' for name in links)
        yield _blob(".gitmodules", modules.encode())
        for name, commit in links.items():
            yield f"M 160000 {commit} {name}\n".encode()
    yield from _changes(shape, "line", shape.line_changes, 1)
    yield from _changes(shape, "share", shape.share_changes, max(1, shape.files // 100))


def _changes(shape: Shape, kind: str, count: int, files: int) -> Iterator[bytes]:
    """Yield a chain of commits, each of which changes one line in some files."""
    parent = "refs/heads/main"
    for number in range(count):
        yield from _commit(f"refs/bench/{kind}/{number}", parent)
        chosen = {(number * 7919 + file * 97) % shape.files for file in range(files)}
        yield from _files(shape, sorted(chosen), f"{kind} {number}")
        parent = f"refs/bench/{kind}/{number}"


def _commit(ref: str, parent: str) -> Iterator[bytes]:
    yield f"commit {ref}\ncommitter Carl Committer <carl@example.com> {EPOCH} +0000\ndata 8\nA change\n".encode()
    if parent:
        yield f"from {parent}\n".encode()


def _files(shape: Shape, numbers: Iterable[int], line: str) -> Iterator[bytes]:
    """Yield files, 50 to a directory and 20 directories to another; the first line of each is the one that changes."""
    pool = _pool(incompressible=bool(shape.size))
    for number in numbers:
        size = shape.size or 1000 + number * 7919 % 7000
        start = number * 104_729 % (len(pool) - size)
        path = f"{number // 1000:02}/{number // 50 % 20:02}/file-{number:05}.txt"
        yield _blob(path, f"{shape.name}, {number}: {line}\n".encode() + pool[start : start + size])


@cache
def _pool(*, incompressible: bool) -> bytes:
    """Return the bytes that files are cut from."""
    source = random.Random(4711)  # noqa: S311 - content, no secret
    if incompressible:
        return source.randbytes(LARGE.size + 500_000)
    words = (f"{source.choice(_WORDS)} {source.randrange(10**6)}" for _ in range(250_000))
    return "".join(f"{word}\n" for word in words).encode()


def _blob(path: str, content: bytes) -> bytes:
    return f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
