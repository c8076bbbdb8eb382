"""The objects of one remote: a bare repository below `ROOT/.gitsync`, one per remote and generation.

A store that turns out to be damaged is replaced by the next generation beside it, and removed when no published tree
refers to it any more. Called by the worker's thread, `generations` also by the main thread before it starts.
"""

import contextlib
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gitsync.base.errors import GitError
from gitsync.base.files import read_small, write_atomically
from gitsync.base.log import get_logger
from gitsync.config import GitSetting, RepoConfig, render
from gitsync.programs.gitcmd import Git, Place
from gitsync.telling.events import Commit

PRIVATE_REF: Final = "refs/gitsync/head"
# Holds the size of the store, in bytes, when all garbage was last collected.
_SIZE: Final = "gitsync-size"
# Below these numbers, and these bytes, collecting garbage costs more than it saves.
_MANY_PACKS: Final = 20
_MANY_LOOSE: Final = 5000
_MUCH: Final = 16 * 1024 * 1024
_GC: Final = {
    "always": ["gc", "--prune=now"],
    "aggressive": ["gc", "--prune=now", "--aggressive"],
    "auto": ["-c", "gc.auto=6700", "gc", "--prune=now", "--auto"],
}
# Joins loose objects and small packs, and leaves large packs alone. https://git-scm.com/docs/git-repack
_JOIN: Final = ["repack", "-d", "--geometric=2"]
# What servers send is compressed well, and of a store without history most is gone soon: looking for better deltas
# costs seven times as much as writing the pack. https://git-scm.com/docs/git-pack-objects
_AS_IT_IS: Final = ["-c", "pack.window=0"]


class Store:
    """The store of one URL, with the settings of the repository that it is for."""

    def __init__(self, directory: Path, url: str, repo: RepoConfig, git: Git) -> None:
        self._directory = directory
        self._url = url
        self._repo = repo
        self._git = git
        self._filter = repo.filter if url == repo.repo else None
        self._key = hashlib.sha256(url.encode()).hexdigest()[:12]
        self.path = (self.generations() or [directory / f"{self._key}-1"])[-1]

    def generations(self) -> list[Path]:
        """Return the stores of this remote that there are, the newest last."""
        found = [path for path in self._directory.glob(f"{self._key}-*") if path.name.rpartition("-")[2].isdigit()]
        return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))

    def renew(self) -> None:
        """Turn to a new generation; published trees go on referring to the old one."""
        number = int(self.path.name.rpartition("-")[2])
        self.path = self._directory / f"{self._key}-{number + 1}"
        get_logger(repo=self._repo.name).warning("store_renewed", store=str(self.path))

    def fetch(self, source: str, *, sha256: bool, deadline: float) -> None:
        """Fetch one ref or commit into the private ref; raise `GitError`.

        The ref stays, so that the next fetch transfers the difference only.
        """
        self._prepare(sha256=sha256)
        depth = [f"--depth={self._repo.depth}"] if self._repo.depth else self._unshallow()
        self._run_fetch([*depth, *self._filtering()], f"+{source}:{PRIVATE_REF}", deadline=deadline)

    def fetch_commit(self, commit: str, *, deadline: float) -> None:
        """Fetch a commit by its hash, from a server that hands it out only as part of a branch as well."""
        try:
            self.fetch(commit, sha256=len(commit) == 64, deadline=deadline)
        except GitError as error:
            if error.reason != "ref_missing":
                raise
            # https://git-scm.com/docs/git-config#Documentation/git-config.txt-uploadpackallowReachableSHA1InWant
            refs = ("+refs/heads/*:refs/gitsync/heads/*", "+refs/tags/*:refs/gitsync/tags/*")
            self._run_fetch(self._unshallow(), *refs, deadline=deadline)

    def lookup(self, revision: str, *, deadline: float) -> Commit | None:
        """Return a commit that the store has, None if it has no such commit."""
        if not (self.path / "objects").is_dir():
            return None
        arguments = ["log", "-1", "--format=%H%n%aI%n%ct", f"{revision}^{{commit}}", "--"]
        output = self._git.run(arguments, deadline=deadline, place=self.place, accept=lambda status: status >= 0)
        lines = output.stdout.splitlines()
        if output.status != 0 or len(lines) != 3:
            return None
        return Commit(hash=lines[0], author_date=_date(lines[1]), commit_time=_seconds(lines[2]))

    @property
    def place(self) -> Place:
        """Where git works on it."""
        return Place(git_dir=self.path, remote=self._url)

    def _run_fetch(self, options: list[str], *refspecs: str, deadline: float) -> None:
        arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-gc",
            "--no-recurse-submodules",
        ]
        self._git.run([*arguments, *options, "--", "origin", *refspecs], deadline=deadline, place=self.place)

    def _filtering(self) -> list[str]:
        return [f"--filter={self._filter}"] if self._filter else []

    def _unshallow(self) -> list[str]:
        return ["--unshallow"] if (self.path / "shallow").exists() else []

    def _prepare(self, *, sha256: bool) -> None:
        """Create the store, or put its configuration right: consumers of the volume may be able to write to it."""
        config = self._configuration(sha256=sha256)
        if not (self.path / "HEAD").exists():
            for directory in ("objects/pack", "objects/info", "refs/heads", "refs/gitsync", "worktrees"):
                (self.path / directory).mkdir(parents=True, exist_ok=True)
            write_atomically(self.path / "config", config)
            write_atomically(self.path / "HEAD", "ref: refs/heads/none\n")
        elif read_small(self.path / "config") != config:
            get_logger(repo=self._repo.name).info("store_config_written", v=1, store=str(self.path))
            write_atomically(self.path / "config", config)

    def _configuration(self, *, sha256: bool) -> str:
        """Return the only configuration that a store has. https://git-scm.com/docs/repository-version"""
        settings = {
            "core.repositoryFormatVersion": "1" if sha256 or self._filter else "0",
            "core.bare": "true",
            "core.fileMode": str(_keeps_modes(self._directory)).lower(),
            "core.sharedRepository": "group" if self._repo.group_write else "umask",
            "gc.auto": "0",
            "gc.worktreePruneExpire": "never",
            "remote.origin.url": self._url,
        }
        if sha256:
            settings["extensions.objectFormat"] = "sha256"
        if self._filter:
            # https://git-scm.com/docs/partial-clone: what is missing is fetched from here when it is needed.
            settings["extensions.partialClone"] = "origin"
            settings["remote.origin.promisor"] = "true"
            settings["remote.origin.partialCloneFilter"] = self._filter
        return render(GitSetting(key, value) for key, value in settings.items())


def collect(store: Path, mode: str, git: Git, *, deadline: float, idle: bool) -> None:
    """Collect the garbage of a store as `--git-gc` says, if there is enough of it. Raise `GitError`.

    All of the store is written anew only when it has grown to twice its size, so that costs follow the changes. Of
    history that is wanted whole next to nothing is garbage, so its many small packs are only joined.
    """
    command = _GC.get(mode)
    if command is None:
        return

    def run(*arguments: str) -> str:
        return git.run(arguments, deadline=deadline, place=Place(git_dir=store), idle=idle).stdout

    stock = _Stock.read(run("count-objects", "-v"))
    grown = stock.size > 2 * _size_before(store, stock.size) + _MUCH
    if not (mode == "auto" or grown or stock.packs > _MANY_PACKS or stock.loose > _MANY_LOOSE):
        return
    shallow = (store / "shallow").exists()
    if mode == "always" and not (shallow or grown or _is_partial(store)):
        run(*_JOIN, "--quiet")
        return
    run("-c", "gc.worktreePruneExpire=never", *(_AS_IT_IS if shallow and mode == "always" else []), *command, "--quiet")
    write_atomically(store / _SIZE, str(_Stock.read(run("count-objects", "-v")).size))


@dataclass(frozen=True)
class _Stock:
    """How many packs and loose objects there are, and their bytes."""

    packs: int
    loose: int
    size: int

    @classmethod
    def read(cls, text: str) -> "_Stock":
        """Read what git tells of a store. https://git-scm.com/docs/git-count-objects: sizes are in KiB."""
        found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        packs, loose, *sizes = (int(found.get(name, "0")) for name in ("packs", "count", "size", "size-pack"))
        return cls(packs, loose, sum(sizes) * 1024)


def _size_before(store: Path, size: int) -> int:
    """Return the bytes of the store when garbage was last collected, or when it was first looked at."""
    text = read_small(store / _SIZE) or ""
    if not text.isdigit():
        write_atomically(store / _SIZE, str(size))
        return size
    return int(text)


def _is_partial(store: Path) -> bool:
    """Say whether objects are missing on purpose, which older versions cannot join packs with."""
    return any((store / "objects" / "pack").glob("*.promisor"))


def _keeps_modes(directory: Path) -> bool:
    """Say whether the volume keeps the executable bit (some network and FAT volumes do not)."""
    probe = directory / "lock"
    probe.touch(exist_ok=True)
    before = probe.stat().st_mode
    with contextlib.suppress(OSError):
        probe.chmod(before ^ 0o100)
        changed = probe.stat().st_mode != before
        probe.chmod(before)
        return changed
    return False


def _date(text: str) -> str | None:
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text).isoformat()
    return None


def _seconds(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        return float(text)
    return None
