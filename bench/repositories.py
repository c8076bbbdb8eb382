"""The repositories that the benchmark works with: bare, the same in every run, with their future commits prepared.

A push is one `git update-ref`, so what is measured begins with it and does not wait for it.
"""

import itertools
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.git import EPOCH, git

# Prepared commits of each kind; the last one is followed by the first one again.
PREPARED = 24
MANY_FILES = 50_000
_SUBMODULES = 20
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a repository is like: the number of its files, what they are, and how many a large change touches."""

    name: str
    files: int
    content: Callable[[int], bytes]
    many: int
    submodules: int = 0


@dataclass
class Repository:
    """A bare repository whose branch `main` moves on by `push`."""

    path: Path
    kind: Kind
    _pushed: dict[str, int] = field(default_factory=dict)

    def push(self, change: str) -> str:
        """Make the next prepared commit (`one` or `many`) the head; return its hash."""
        number = self._pushed.get(change, -1) + 1
        self._pushed[change] = number
        commit = git(self.path, "rev-parse", f"refs/prepared/{change}/{number % PREPARED}")
        self._move(commit)
        return commit

    def head(self) -> str:
        """Return the hash of the head."""
        return git(self.path, "rev-parse", "refs/heads/main")

    def push_first(self) -> str:
        """Make the first commit the head again."""
        commit = git(self.path, "rev-parse", "refs/prepared/first")
        self._move(commit)
        return commit

    def _move(self, commit: str) -> None:
        git(self.path, "update-ref", "refs/heads/main", commit)


def text_file(number: int) -> bytes:
    """Return a text of 1 to 8 KB, as compressible as source code is."""
    generator = random.Random(number)  # noqa: S311 (content, no secret)
    lines = [f"{generator.getrandbits(100):032x} = value {line}\n" for line in range(generator.randrange(20, 150))]
    return "".join(lines).encode()


def _large_file(number: int) -> bytes:
    return random.Random(number).randbytes(25 * _MEGABYTE)  # noqa: S311 (content, no secret)


def plain(files: int) -> Kind:
    """Return a repository of so many small files."""
    return Kind(name=f"{files:,} files", files=files, content=text_file, many=max(1, files // 100))


LARGE = Kind(name="4 files of 25 MB", files=4, content=_large_file, many=1)
WITH_SUBMODULES = Kind(name=f"{_SUBMODULES} submodules", files=100, content=text_file, many=1, submodules=_SUBMODULES)


def build(directory: Path, kind: Kind) -> Repository:
    """Make a repository, and its submodules beside it."""
    path = directory / f"{kind.name.replace(' ', '-').replace(',', '')}.git"
    links = []
    for number in range(kind.submodules):
        small = plain(50)
        submodule = Repository(directory / f"sub-{number}.git", small)
        _import(submodule.path, _first(small, seed=1000 * number))
        links.append((f"lib/{number}", submodule.push_first(), f"../{submodule.path.name}"))
    repository = Repository(path, kind)
    _import(path, itertools.chain(_first(kind, links=links), _changes(kind)))
    repository.push_first()
    return repository


def _path(number: int) -> str:
    return f"d{number // 500:03d}/e{number // 50 % 10}/f{number:05d}.txt"


def _first(kind: Kind, *, seed: int = 0, links: list[tuple[str, str, str]] | None = None) -> Iterator[bytes]:
    yield _commit("first", None)
    for number in range(kind.files):
        yield _file(_path(number), kind.content(seed + number))
    if links:
        sections = [f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path, _, url in links]
        yield _file(".gitmodules", "".join(sections).encode())
        for path, commit, _ in links:
            yield f"M 160000 {commit} {path}\n".encode()


def _changes(kind: Kind) -> Iterator[bytes]:
    """Prepare commits in a row: each of `one` changes a line of one file, each of `many` a line of each of many."""
    parent = "first"
    for change, count in (("one", 1), ("many", kind.many)):
        for number in range(PREPARED):
            name = f"{change}/{number}"
            yield _commit(name, parent)
            parent = name
            for file in range(count):
                which = (file * 97 + number) % kind.files
                yield _file(_path(which), b"changed %d\n" % number + kind.content(which))


def _commit(name: str, parent: str | None) -> bytes:
    header = f"commit refs/prepared/{name}\ncommitter Bench <bench@invalid> {EPOCH} +0000\n"
    message = f"data {len(name)}\n{name}\n"
    return (header + message + (f"from refs/prepared/{parent}\n" if parent else "")).encode()


def _file(path: str, content: bytes) -> bytes:
    return f"M 644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"


def _import(path: Path, stream: Iterable[bytes]) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
    with tempfile.TemporaryFile() as spool:
        spool.writelines(stream)
        spool.seek(0)
        subprocess.run(["git", "-C", path, "fast-import", "--quiet"], stdin=spool, check=True)
