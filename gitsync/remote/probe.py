"""Asks the remote what a ref leads to: the prober whether it is the same as before, and otherwise `git ls-remote`.

Called by the worker's thread.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gitsync.base.errors import GitCancelled, GitError, GitSyncError, RefNotFound
from gitsync.base.log import get_logger
from gitsync.base.printable import printable_name
from gitsync.config import RepoConfig, is_full_hash
from gitsync.programs.gitcmd import Git, Place
from gitsync.remote.likely import nearest, short_name
from gitsync.remote.lsrefs import Refs
from gitsync.remote.prober import Prober
from gitsync.telling.events import Observers, Probed

# Asking for refs needs no repository. git would look for one, in every directory above, and read its configuration.
_NOWHERE: Final = Place(git_dir=Path(os.devnull))

_LISTED: Final = ("refs/heads/", "refs/tags/")
# So many branches are named where the default one is missing.
_SHOWN: Final = 3
_ABBREVIATED: Final = re.compile(r"[0-9a-f]{7,39}")
_WHOLE: Final = "check --ref: of a commit the whole hash is needed, as a remote cannot be asked for an abbreviated one"
_EMPTY: Final = "push a commit; or does --repo name a page about the repository, and not the repository itself?"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the remote has: the hash to publish, the full name that the ref was resolved to, and what to fetch.

    `guessed` says that it is what the remote had before, and may have something else by now.
    """

    hash: str
    ref: str
    source: str
    pinned: bool = False
    guessed: bool = False


class Remote:
    """The remote of one repository."""

    def __init__(self, repo: RepoConfig, git: Git, prober: Prober, observers: Observers) -> None:
        self._repo = repo
        self._git = git
        self._prober = prober
        self._observers = observers
        self._log = get_logger(repo=repo.name)
        # The server sends all refs of these kinds, whatever names are asked for. Of pull requests there may be many.
        self._kinds = () if repo.ref == "HEAD" else ("--heads", "--tags")
        # What git has found last.
        self._last: Target | None = None

    def probe(self, *, deadline: float) -> Target:
        """Ask for the ref until the deadline (monotonic seconds); raise `RefNotFound` or `GitError`.

        A pinned commit needs no asking.
        """
        ref = self._repo.ref
        if is_full_hash(ref):
            return Target(hash=ref, ref=ref, source=ref, pinned=True)
        before, self._last = self._last, None
        # Only what git has found can be found again.
        asked = before if not self._prober.obstacle else None
        if asked and self._is_unchanged(asked, deadline=deadline):
            self._last = asked
            return asked
        try:
            found = self._ask_git(ref, deadline=deadline)
        except GitSyncError:
            self._tell("git", "failed")
            raise
        self._last = found
        if asked:
            self._prober.settle(agreed=found == before)
        self._tell("git", "unchanged" if found == before else "changed")
        return found

    def reach(self, *, deadline: float) -> bool:
        """Ask git for HEAD alone, and say whether there is one; raise `GitError` where nobody lets us ask."""
        return bool(self._ask(["HEAD"], deadline=deadline).hashes)

    @property
    def last(self) -> Target | None:
        """What the ref led to when it was last asked for or fetched; None for a pinned commit, and after an error."""
        return self._last

    def remember(self, target: Target) -> None:
        """Note what a fetch has found."""
        self._last = target

    def cancel(self) -> None:
        """End what is asked, and ask no more. Called by the main thread; `close` comes when the worker is gone."""
        self._prober.cancel()

    def close(self) -> None:
        """Close the connection that is kept."""
        self._prober.close()

    def _is_unchanged(self, before: Target, *, deadline: float) -> bool:
        candidates = full_names(self._repo.ref)
        if self._kinds:
            candidates = [name for name in candidates if name.startswith(_LISTED)]
        refs = self._prober.ask(candidates, known=before.hash, deadline=deadline)
        unchanged = refs is not None and self._resolve(candidates, refs) == before
        self._tell("http", "unchanged" if unchanged else "unsure")
        return unchanged

    def _tell(self, via: Literal["http", "git"], outcome: Literal["unchanged", "changed", "unsure", "failed"]) -> None:
        self._observers.notify(Probed(repo=self._repo.name, via=via, outcome=outcome, obstacle=self._prober.obstacle))

    def _ask_git(self, ref: str, *, deadline: float) -> Target:
        candidates = full_names(ref)
        found = self._resolve(candidates, self._ask(candidates, deadline=deadline))
        if not found and self._kinds:
            # It may be of another kind; if so, it is looked for among all from now on.
            kinds, self._kinds = self._kinds, ()
            found = self._resolve(candidates, self._ask(candidates, deadline=deadline))
            self._kinds = () if found else kinds
        if not found:
            raise self._missing(ref, deadline=deadline)
        return found

    def _resolve(self, candidates: Sequence[str], refs: Refs) -> Target | None:
        """Return what the first of the candidates leads to that the remote has, None if it has none of them."""
        present = [name for name in candidates if name in refs.hashes]
        if not present:
            return None
        if len(present) > 1:
            self._log.warning("ambiguous_ref", v=1, ref=self._repo.ref, taken=present[0], others=present[1:])
        name = present[0]
        commit = refs.hashes.get(f"{name}^{{}}", refs.hashes[name])
        return Target(hash=commit, ref=refs.symbolic.get(name, name), source=name)

    def _missing(self, ref: str, *, deadline: float) -> RefNotFound:
        """Return the error for a ref that is not there, with those that may be meant; raise `GitCancelled`."""
        message = f"git ls-remote ({self._repo.repo}): the remote has no ref {ref!r}"
        if _ABBREVIATED.fullmatch(ref):
            return RefNotFound(message, hint=_WHOLE)
        kinds = ["--heads"] if ref == "HEAD" else ["--heads", "--tags", "--refs"]
        arguments = ["ls-remote", "--quiet", *kinds, "--", self._repo.repo]
        try:
            # Only now, as there may be many.
            listed = self._git.run(arguments, deadline=deadline, place=_NOWHERE)
        except GitCancelled:
            raise
        except GitError:
            # What the remote has said before is true nevertheless.
            return RefNotFound(message)
        names = [short_name(name) for name in _parse_refs(listed.stdout).hashes]
        if not names:
            return RefNotFound(f"{message}; the repository may be empty", hint=_EMPTY)
        if ref != "HEAD":
            return RefNotFound(message, hint=_meant(ref, names))
        return RefNotFound(
            f"{message}: it names a branch that is not there",
            hint=f"use --ref, with a branch such as {_shown(names)}",
        )

    def _ask(self, candidates: list[str], *, deadline: float) -> Refs:
        """Return what the remote has of these names."""
        patterns = (
            candidates if candidates == ["HEAD"] else [part for name in candidates for part in (name, f"{name}^{{}}")]
        )
        arguments = ["ls-remote", "--quiet", "--symref", *self._kinds, "--", self._repo.repo, *patterns]
        return _parse_refs(self._git.run(arguments, deadline=deadline, place=_NOWHERE).stdout)


def _meant(ref: str, names: list[str]) -> str:
    """Say which of the names somebody may have meant."""
    near = nearest(ref, names, most=_SHOWN)
    if near:
        return f"check --ref: did you mean {_shown(near)}?"
    return f"check --ref: a full ref name, a tag, a branch or a full commit hash; there are such as {_shown(names)}"


def _shown(names: list[str]) -> str:
    return ", ".join(map(printable_name, names[:_SHOWN]))


def full_names(ref: str) -> list[str]:
    """Return the full names that a ref may mean, in git's order. https://git-scm.com/docs/gitrevisions"""
    if ref == "HEAD":
        return [ref]
    full = [ref] if ref.startswith("refs/") else []
    return [*full, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"]


def _parse_refs(printed: str) -> Refs:
    """Return what `git ls-remote --symref` printed."""
    refs = Refs()
    for value, name in _lines(printed):
        if value.startswith("ref: "):
            # It is shown, in logs and as a label, and leads nowhere.
            refs.symbolic[name] = printable_name(value.removeprefix("ref: "))
        elif is_full_hash(value):
            refs.hashes[name] = value
    return refs


def _lines(printed: str) -> Iterator[tuple[str, str]]:
    for line in printed.splitlines():
        value, tab, name = line.partition("\t")
        if tab and re.fullmatch(r"[\x21-\x7e\x80-\U0010ffff]+", name):
            yield value, name
