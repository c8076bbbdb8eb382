"""The objects of one remote: a bare repository below `ROOT/.gitsync`, one per remote and generation.

A store that turns out to be damaged is replaced by the next generation beside it, and removed when no published tree
refers to it any more. Called by the worker's thread, `generations` also by the main thread before it starts.

That an object is there does not say that what it refers to is: a fetch, or a removal of garbage, may have been ended
half way. A commit counts as fetched when it is what a ref of ours names, as those are written after a fetch, or when
all that it refers to was found.
"""

import contextlib
import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.log import get_logger
from gitsync.base.printable import printable_name
from gitsync.base.redact import scrub
from gitsync.config import GitSetting, RepoConfig, is_full_hash, render
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import Head, Sinks
from gitsync.remote.fetch import fetch
from gitsync.remote.progress import Overheard
from gitsync.telling.events import Commit, Fetching, Observers
from gitsync.volume.garbage import drop_unfinished

_T = TypeVar("_T")
PRIVATE_REF: Final = "refs/gitsync/head"
# Holds the options that the store was fetched with.
_OPTIONS: Final = "gitsync-options"
# Bytes of what git says of a commit, which may have a message of any length.
_SEEN: Final = 16384
# How git says that there is no such object, or no such ref.
_ABSENT: Final = re.compile("bad (object|revision)")
# What is said of a remote for which the options of the repository's own do not help.
_OF_ANOTHER: Final = {"auth", "not_found", "ref_missing"}
# To git it means all of the history. A plain web server, which sends that in any number of files, does not know it.
_WHOLE: Final = f"--depth={2**31 - 1}"
_RAISE: Final = "raise --max-fetch if this is meant to be fetched; what is published stays"
_NOT_COUNTED: Final = "have the server speak git's own protocol, or leave --max-fetch out"
_SUBMODULE: Final = (
    "check the submodule's URL in .gitmodules, and its login; or leave submodules out with --submodules=off"
)


class Store:
    """The store of one URL, with the settings of the repository that it is for."""

    def __init__(self, directory: Path, url: str, repo: RepoConfig, git: Git, observers: Observers) -> None:
        self._directory = directory
        self._url = url
        self._repo = repo
        self._git = git
        self._observers = observers
        self._filter = repo.content.partial if url == repo.repo else None
        # Whether something may have come into it since it was looked through for garbage.
        self.grown = True
        self._key = hashlib.sha256(url.encode()).hexdigest()[:12]
        # Whether git has called a fetch forced since somebody has set this to False.
        self.forced = False
        self.path = (self.generations() or [directory / f"{self._key}-1"])[-1]

    def generations(self) -> list[Path]:
        """Return the stores of this remote that there are, the newest last."""
        found = [path for path in nolinks.subdirectories(self._directory) if _is_generation(path, self._key)]
        return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))

    def renew(self) -> None:
        """Turn to a new generation; published trees go on referring to the old one."""
        numbers = [int(path.name.rpartition("-")[2]) for path in (self.path, *self.generations())]
        self.path = self._directory / f"{self._key}-{max(numbers) + 1}"
        get_logger(repo=self._repo.name).warning("store_renewed", store=str(self.path))

    @property
    def has_fetched(self) -> bool:
        """Whether a fetch into it has succeeded, as far as a look at its refs tells."""
        return any(nolinks.exists(self.path / name) for name in (PRIVATE_REF, "packed-refs"))

    @property
    def fetched(self) -> str | None:
        """The hash of what was fetched last, None where only git can tell."""
        found = (nolinks.read(self.path / PRIVATE_REF) or "").strip()
        return found if is_full_hash(found) else None

    def fetch(self, source: str, *, sha256: bool, deadline: float) -> None:
        """Fetch one ref or commit into the private ref until the deadline (monotonic seconds); raise `GitError`.

        The ref stays, so that the next fetch transfers the difference only.
        """
        self._prepare(sha256=sha256)
        depth = [f"--depth={self._repo.content.depth}"] if self._repo.content.depth else self._unshallow()
        refspecs = [f"+{source}:{PRIVATE_REF}"]
        try:
            self._fetch(refspecs, [*self._again(), *depth, *self._filtering()], deadline=deadline)
        except GitError as error:
            if "refetch" not in str(error):
                raise
            # Git before 2.36 cannot complete a store, so another one is begun.
            self.renew()
            self._prepare(sha256=sha256)
            self._fetch(refspecs, [*depth, *self._filtering()], deadline=deadline)
        nolinks.force(self.path / "shallow")  # git does that for all else (core.fsync)
        nolinks.write(self.path / _OPTIONS, self._options)

    @property
    def partial(self) -> bool:
        """Whether objects are left out that are fetched when they are needed."""
        return self._filter is not None

    @property
    def outdated(self) -> bool:
        """Whether what there is was fetched with other options, by an earlier process."""
        fetched_with = nolinks.read(self.path / _OPTIONS)
        return fetched_with is not None and fetched_with != self._options

    @property
    def _options(self) -> str:
        """What decides about the objects that are fetched."""
        return f"depth={self._repo.content.depth} filter={self._filter or ''}"

    def fetch_commit(self, commit: str, *, deadline: float) -> None:
        """Fetch a commit by its hash, from a server that hands it out only as part of a branch as well."""
        try:
            self.fetch(commit, sha256=len(commit) == 64, deadline=deadline)
        except GitError as error:
            if error.reason != "ref_missing":
                raise
            # https://git-scm.com/docs/git-config#Documentation/git-config.txt-uploadpackallowReachableSHA1InWant
            refs = ("+refs/heads/*:refs/gitsync/heads/*", "+refs/tags/*:refs/gitsync/tags/*")
            # What is gone goes first: a branch may be called like the directory of one that was.
            self._fetch(refs, ["--prune", *self._unshallow()], deadline=deadline)

    def lookup(self, revision: str, *, deadline: float) -> Commit | None:
        """Return a commit that the store has whole, None if it has no such commit; raise `GitError`."""
        if not nolinks.is_directory(self.path / "objects"):
            return None
        decorate = ("--decorate=full", f"--decorate-refs={PRIVATE_REF}", "--format=%H%n%aI%n%ct%n%D%n%an%n%s")
        command = ["log", "-1", *decorate, f"{revision}^{{commit}}", "--"]
        sinks = Sinks(output=Head(_SEEN))
        try:
            printed = self._git.run(command, deadline=deadline, place=self.place, sinks=sinks).stdout
        except GitError as error:
            if _ABSENT.search(str(error)):
                return None
            raise
        hash_, written, seconds, refs, author, *subject = printed.split("\n", 5)
        if PRIVATE_REF not in refs.split(", ") and not self._is_whole(hash_, deadline=deadline):
            return None
        return Commit(
            hash=hash_,
            author_date=_date(written),
            commit_time=_seconds(seconds),
            author=_shown(author),
            subject=_shown("".join(subject)),
        )

    @property
    def is_shallow(self) -> bool:
        """Whether it lacks some of the history."""
        return nolinks.exists(self.path / "shallow")

    def is_ancestor(self, commit: str, *, of: str, deadline: float) -> bool:
        """Say whether a commit is in the history of another one, as far as that is there; raise `GitError`."""
        command = ["merge-base", "--is-ancestor", commit, of]
        accepted = {0, 1}
        return not self._git.run(command, deadline=deadline, place=self.place, accept=accepted.__contains__).status

    @property
    def place(self) -> Place:
        """Where git works on it."""
        return Place(store=self.path, remote=self._url, largest=self._limit)

    @property
    def _limit(self) -> int | None:
        """How many bytes a fetch may bring."""
        return self._repo.content.limits.max_fetch or None

    def _is_whole(self, commit: str, *, deadline: float) -> bool:
        """Say whether all files of a commit are there, but for those that were left out on purpose."""
        promised = ["--exclude-promisor-objects"] if self._filter else []
        try:
            command = ["rev-list", "--objects", "--quiet", "--no-walk", *promised, commit]
            self._git.run(command, deadline=deadline, place=self.place)
        except (GitCancelled, GitTimeout):
            raise
        except GitError:
            return False
        return True

    def _fetch(self, refspecs: Sequence[str], options: Sequence[str], *, deadline: float) -> None:
        try:
            self._fetch_once(refspecs, options, deadline=deadline)
        except GitError as error:
            if self._url != self._repo.repo and error.reason in _OF_ANOTHER:
                error.hint = _SUBMODULE
            whole = [option for option in options if not option.startswith("--depth=")]
            if whole == list(options) or "does not support shallow" not in str(error):
                raise
            if self._limit:
                message = f"git fetch ({scrub(self._url)}): of what a plain web server sends nothing is counted"
                raise GitError(message, reason="transport", hint=_NOT_COUNTED) from error
            # A plain web server, https://git-scm.com/book/en/v2/Git-Internals-Transfer-Protocols: all of the history.
            self._fetch_once(refspecs, whole, deadline=deadline)

    def _fetch_once(self, refspecs: Sequence[str], options: Sequence[str], *, deadline: float) -> None:
        run = functools.partial(fetch, self._git, self.place, refspecs, options=options, deadline=deadline)
        self.forced |= self.transfer(lambda overheard: run(overheard=overheard))

    def transfer(self, run: Callable[[Overheard], _T]) -> _T:
        """Run a fetch, tell how it goes, and see that it leaves nothing if it is too large; raise `GitError`."""
        self.grown = True
        remote = scrub(self._url)
        overheard = Overheard(
            lambda progress: self._observers.notify(Fetching(repo=self._repo.name, remote=remote, progress=progress)),
            get_logger(repo=self._repo.name, remote=remote),
        )
        try:
            return run(overheard)
        except GitError as error:
            if error.reason != "too_large" or not self._limit:
                raise
            drop_unfinished(self.path)
            reached = f"; it was at {overheard.last}" if overheard.last else ""
            message = f"git fetch ({remote}): it brings more than the {self._limit:,} bytes of --max-fetch{reached}"
            raise GitError(message, reason="too_large", hint=_RAISE) from error
        finally:
            if overheard.last:
                self._observers.notify(Fetching(repo=self._repo.name, remote=remote, progress=None))

    def _filtering(self) -> list[str]:
        return [f"--filter={self._filter}"] if self._filter else []

    def _again(self) -> list[str]:
        """Ask for what a filter has left out: the server thinks that we have all that belongs to our commit."""
        before = (nolinks.read(self.path / _OPTIONS) or "").partition(" filter=")[2]
        return ["--refetch"] if before not in {"", self._filter} else []

    def _unshallow(self) -> list[str]:
        if self._limit:
            return [_WHOLE]
        return ["--unshallow"] if self.is_shallow else []

    def _prepare(self, *, sha256: bool) -> None:
        """Create the store, or put its configuration right: consumers of the volume may be able to write to it."""
        config = self._configuration(sha256=sha256)
        self._git.directories.configure(self.path, config)
        for directory in ("objects/pack", "objects/info", "refs/heads", "refs/gitsync", "worktrees"):
            nolinks.make_directory(self.path / directory)
        for name, content in (("config", config), ("HEAD", "ref: refs/heads/none\n")):  # for consumers' git
            if nolinks.read(self.path / name) != content:
                get_logger(repo=self._repo.name).info("store_file_written", v=1, path=str(self.path / name))
                nolinks.write(self.path / name, content)

    def _configuration(self, *, sha256: bool) -> str:
        """Return the only configuration that a store has. https://git-scm.com/docs/repository-version"""
        settings = {
            "core.repositoryFormatVersion": "1" if sha256 or self._filter else "0",
            "core.bare": "true",
            "core.fileMode": str(nolinks.keeps_modes(self._directory)).lower(),
            "core.sharedRepository": "group" if self._repo.upkeep.group_write else "umask",
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


def _is_generation(path: Path, key: str) -> bool:
    name, _, number = path.name.rpartition("-")
    return name == key and number.isascii() and number.isdigit()


def _shown(written: str) -> str:
    return printable_name(scrub(written.strip()))


def _date(written: str) -> str | None:
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(written).isoformat()
    return None


def _seconds(written: str) -> float | None:
    with contextlib.suppress(ValueError):
        return float(written)
    return None
