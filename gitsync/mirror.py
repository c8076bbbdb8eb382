"""The store of one repository: what the remote has, and the objects that were fetched from it.

Below `ROOT/.gitsync` lie one lock file and one bare repository per remote and generation. A store that turns out to be
damaged is replaced by the next generation beside it, and removed when no published tree refers to it any more.
Fetched is always one ref, into one private ref that stays, so that the next fetch transfers the difference only. All
methods are called by the worker's thread, `generations` also by the main thread before it starts.
"""

import contextlib
import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gitsync.config import STORE_DIRECTORY, RepoConfig, is_full_hash
from gitsync.errors import GitError, RefNotFound, StoreLocked
from gitsync.events import Commit
from gitsync.files import Lock, read_small, remove, write_atomically
from gitsync.gitcmd import Git, Place
from gitsync.log import get_logger

PRIVATE_REF: Final = "refs/gitsync/head"
_LOCK_POLL: Final = 0.1
# Below these numbers collecting garbage costs more than it saves.
_MANY_PACKS: Final = 20
_MANY_LOOSE: Final = 20
# Our own lock file is called `lock`, which is none of these.
_LEFTOVER: Final = re.compile(r".*\.lock|gc\.pid|packed-refs\.new|tmp_.*|\.tmp-.*|.*\.keep|.*\.gitsync-tmp")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the remote has: the hash to publish, the full name that the ref was resolved to, and what to fetch."""

    hash: str
    ref: str
    source: str
    pinned: bool = False


class Mirror:
    """The store, its lock, and the remote."""

    def __init__(self, repo: RepoConfig, git: Git, *, stop: threading.Event) -> None:
        self._repo = repo
        self._git = git
        self._stop = stop
        self._log = get_logger(repo=repo.name)
        self._directory = repo.root / STORE_DIRECTORY
        self._key = hashlib.sha256(repo.repo.encode()).hexdigest()[:12]
        self._lock = Lock(self._directory / "lock")
        self.store = self._newest()

    def generations(self) -> list[Path]:
        """Return the stores of this remote that there are, the newest last."""
        found = [path for path in self._directory.glob(f"{self._key}-*") if path.name.rpartition("-")[2].isdigit()]
        return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))

    def _newest(self) -> Path:
        return (self.generations() or [self._directory / f"{self._key}-1"])[-1]

    def stores(self) -> list[Path]:
        """Return the stores of all remotes and generations that are on the volume."""
        return [path for path in self._directory.glob("*-*") if path.is_dir()]

    @property
    def locked(self) -> bool:
        """Whether we are the only writer."""
        return self._lock.held

    def lock(self, *, deadline: float) -> None:
        """Make sure that we are the only writer; wait for the lock until the deadline, then raise `StoreLocked`."""
        if self._lock.held:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        waiting = False
        while not self._lock.try_acquire():
            if not waiting:
                self._log.warning("store_locked", root=str(self._repo.root), holder=self._lock.holder())
                waiting = True
            if time.monotonic() >= deadline or self._stop.wait(_LOCK_POLL):
                raise StoreLocked(f"{self._repo.root} is in use by another process ({self._lock.holder()})")
        # Children hold the lock as well: if we are killed, nobody works on the store before they are gone.
        self._git.inherited = (self._lock.fileno,)

    def unlock(self) -> None:
        """Give the lock back."""
        self._git.inherited = ()
        self._lock.release()

    def sweep(self) -> None:
        """Remove what killed commands left: we hold the lock, so every lock file of git's is a dead one."""
        for directory, _, names in os.walk(self._directory):
            for name in names:
                if _LEFTOVER.fullmatch(name):
                    path = Path(directory, name)
                    self._log.info("leftover_removed", v=1, path=str(path))
                    remove(path)

    def probe(self, *, deadline: float) -> Target:
        """Ask the remote for the ref with one `git ls-remote`; raise `RefNotFound` or `GitError`."""
        ref = self._repo.ref
        if is_full_hash(ref):
            return Target(hash=ref, ref=ref, source=ref, pinned=True)
        candidates = _candidates(ref)
        patterns = [pattern for name in candidates for pattern in (name, f"{name}^{{}}")] if ref != "HEAD" else ["HEAD"]
        arguments = ["ls-remote", "--quiet", "--symref", "--", self._repo.repo, *patterns]
        refs, symbolic = _parse_refs(self._git.run(arguments, deadline=deadline).stdout)
        present = [name for name in candidates if name in refs]
        if not present:
            empty = "; the repository may be empty" if ref == "HEAD" else ""
            raise RefNotFound(f"git ls-remote ({self._repo.repo}): the remote has no ref {ref!r}{empty}")
        if len(present) > 1:
            self._log.warning("ambiguous_ref", v=1, ref=ref, taken=present[0], others=present[1:])
        name = present[0]
        return Target(hash=refs.get(f"{name}^{{}}", refs[name]), ref=symbolic.get(name, name), source=name)

    def fetch(self, target: Target, *, deadline: float) -> Commit:
        """Fetch the target and return its commit, which is newer than the target's if the remote has moved since."""
        self._prepare(target)
        depth = [f"--depth={self._repo.depth}"] if self._repo.depth else self._unshallow()
        arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-gc",
            "--no-recurse-submodules",
        ]
        refspec = f"+{target.source}:{PRIVATE_REF}"
        place = Place(git_dir=self.store)
        self._git.run([*arguments, *depth, "--", self._repo.repo, refspec], deadline=deadline, place=place)
        commit = self.lookup(PRIVATE_REF, deadline=deadline)
        if commit is None:
            message = f"git fetch ({self._repo.repo}): {target.source} does not lead to a commit"
            raise RefNotFound(message, hint="check --ref: only commits can be published")
        return commit

    def lookup(self, revision: str, *, deadline: float) -> Commit | None:
        """Return a commit that the store has, None if it has no such commit."""
        if not (self.store / "objects").is_dir():
            return None
        arguments = ["log", "-1", "--format=%H%n%aI%n%ct", f"{revision}^{{commit}}", "--"]
        place = Place(git_dir=self.store)
        output = self._git.run(arguments, deadline=deadline, place=place, accept=lambda status: status >= 0)
        lines = output.stdout.splitlines()
        if output.status != 0 or len(lines) != 3:
            return None
        return Commit(hash=lines[0], author_date=_date(lines[1]), commit_time=_seconds(lines[2]))

    def renew(self) -> None:
        """Turn to a new generation of the store; published trees go on referring to the old one."""
        number = int(self.store.name.rpartition("-")[2])
        self.store = self._directory / f"{self._key}-{number + 1}"
        self._log.warning("store_renewed", store=str(self.store))

    def collect(self, *, deadline: float) -> None:
        """Collect garbage if much has piled up; called off the publishing path. Raise `GitError`."""
        packs = sum(1 for _ in (self.store / "objects" / "pack").glob("*.pack"))
        # One of the 256 directories of loose objects stands for all.
        loose = sum(1 for _ in (self.store / "objects" / "17").glob("*"))
        if packs > _MANY_PACKS or loose > _MANY_LOOSE:
            arguments = ["-c", "gc.worktreePruneExpire=never", "gc", "--quiet", "--prune=now"]
            self._git.run(arguments, deadline=deadline, place=Place(git_dir=self.store), idle=True)

    def prune(self, *, deadline: float) -> None:
        """Remove the objects that an unfinished fetch has left. Raise `GitError`."""
        self._git.run(["prune", "--expire=now"], deadline=deadline, place=Place(git_dir=self.store))

    def _unshallow(self) -> list[str]:
        return ["--unshallow"] if (self.store / "shallow").exists() else []

    def _prepare(self, target: Target) -> None:
        """Create the store, or put its configuration right: consumers of the volume may be able to write to it."""
        sha256 = len(target.hash) == 64
        config = _store_config(sha256=sha256, file_mode=_keeps_modes(self._directory))
        self._directory.mkdir(parents=True, exist_ok=True)
        if not (self.store / "HEAD").exists():
            for directory in ("objects/pack", "objects/info", "refs/heads", "refs/gitsync", "worktrees"):
                (self.store / directory).mkdir(parents=True, exist_ok=True)
            write_atomically(self.store / "config", config)
            write_atomically(self.store / "HEAD", "ref: refs/heads/none\n")
        elif read_small(self.store / "config") != config:
            self._log.warning("store_config_restored", store=str(self.store))
            write_atomically(self.store / "config", config)


def _store_config(*, sha256: bool, file_mode: bool) -> str:
    """Return the only configuration that a store ever has. https://git-scm.com/docs/repository-version"""
    version, extension = (1, "[extensions]\n\tobjectFormat = sha256\n") if sha256 else (0, "")
    mode = str(file_mode).lower()
    return (
        f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = true\n\tfileMode = {mode}\n{extension}"
        "[gc]\n\tauto = 0\n\tworktreePruneExpire = never\n"
    )


def _keeps_modes(directory: Path) -> bool:
    """Say whether the volume keeps the executable bit (some network and FAT volumes do not)."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / "lock"
    probe.touch(exist_ok=True)
    before = probe.stat().st_mode
    with contextlib.suppress(OSError):
        probe.chmod(before ^ 0o100)
        changed = probe.stat().st_mode != before
        probe.chmod(before)
        return changed
    return False


def _candidates(ref: str) -> list[str]:
    """Return the full names that a ref may mean, in git's order. https://git-scm.com/docs/gitrevisions"""
    if ref == "HEAD":
        return [ref]
    full = [ref] if ref.startswith("refs/") else []
    return [*full, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"]


def _parse_refs(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the hashes by ref name, and the targets of symbolic refs, of what `git ls-remote --symref` printed."""
    refs: dict[str, str] = {}
    symbolic: dict[str, str] = {}
    for value, name in _lines(text):
        if value.startswith("ref: "):
            symbolic[name] = value.removeprefix("ref: ")
        elif is_full_hash(value):
            refs[name] = value
    return refs, symbolic


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        value, tab, name = line.partition("\t")
        if tab and re.fullmatch(r"[\x21-\x7e\x80-\U0010ffff]+", name):
            yield value, name


def _date(text: str) -> str | None:
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text).isoformat()
    return None


def _seconds(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        return float(text)
    return None


def is_damage(error: Exception) -> bool:
    """Say whether an error means that the store itself is damaged."""
    return isinstance(error, GitError) and error.reason == "corrupt"
