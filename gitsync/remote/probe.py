"""Asks the remote what a ref leads to, with one `git ls-remote`. Called by the worker's thread."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base.errors import RefNotFound
from gitsync.base.log import get_logger
from gitsync.base.printable import printable_name
from gitsync.config import RepoConfig, is_full_hash
from gitsync.programs.gitcmd import Git, Place

# Asking for refs needs no repository. git would look for one, in every directory above, and read its configuration.
_NOWHERE: Final = Place(git_dir=Path(os.devnull))

# So many branches are named where the default one is missing.
_SHOWN: Final = 3
_EMPTY: Final = "push a commit; or does --repo name a page about the repository, and not the repository itself?"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the remote has: the hash to publish, the full name that the ref was resolved to, and what to fetch."""

    hash: str
    ref: str
    source: str
    pinned: bool = False


class Remote:
    """The remote of one repository."""

    def __init__(self, repo: RepoConfig, git: Git) -> None:
        self._repo = repo
        self._git = git
        self._log = get_logger(repo=repo.name)
        # The server sends all refs of these kinds, whatever names are asked for. Of pull requests there may be many.
        self._kinds = () if repo.ref == "HEAD" else ("--heads", "--tags")

    def probe(self, *, deadline: float) -> Target:
        """Ask for the ref until the deadline (monotonic seconds); raise `RefNotFound` or `GitError`.

        A pinned commit needs no asking.
        """
        ref = self._repo.ref
        if is_full_hash(ref):
            return Target(hash=ref, ref=ref, source=ref, pinned=True)
        candidates = full_names(ref)
        refs, symbolic = self._ask(candidates, deadline=deadline)
        present = [name for name in candidates if name in refs]
        if not present and self._kinds:
            # It may be of another kind; if so, it is looked for among all from now on.
            kinds, self._kinds = self._kinds, ()
            refs, symbolic = self._ask(candidates, deadline=deadline)
            present = [name for name in candidates if name in refs]
            self._kinds = () if present else kinds
        if not present:
            raise self._missing(ref, deadline=deadline)
        if len(present) > 1:
            self._log.warning("ambiguous_ref", v=1, ref=ref, taken=present[0], others=present[1:])
        name = present[0]
        return Target(hash=refs.get(f"{name}^{{}}", refs[name]), ref=symbolic.get(name, name), source=name)

    def _missing(self, ref: str, *, deadline: float) -> RefNotFound:
        """Return the error for a ref that is not there; raise `GitError`."""
        message = f"git ls-remote ({self._repo.repo}): the remote has no ref {ref!r}"
        if ref != "HEAD":
            return RefNotFound(message)
        listed = self._git.run(
            ["ls-remote", "--quiet", "--heads", "--", self._repo.repo], deadline=deadline, place=_NOWHERE
        )
        names = [name.removeprefix("refs/heads/") for name in _parse_refs(listed.stdout)[0]]
        if not names:
            return RefNotFound(f"{message}; the repository may be empty", hint=_EMPTY)
        shown = ", ".join(map(printable_name, names[:_SHOWN]))
        return RefNotFound(
            f"{message}: it names a branch that is not there", hint=f"use --ref, with a branch such as {shown}"
        )

    def _ask(self, candidates: list[str], *, deadline: float) -> tuple[dict[str, str], dict[str, str]]:
        """Return the hashes that the remote has for these names, and what those that are symbolic stand for."""
        patterns = (
            candidates if candidates == ["HEAD"] else [part for name in candidates for part in (name, f"{name}^{{}}")]
        )
        arguments = ["ls-remote", "--quiet", "--symref", *self._kinds, "--", self._repo.repo, *patterns]
        return _parse_refs(self._git.run(arguments, deadline=deadline, place=_NOWHERE).stdout)


def full_names(ref: str) -> list[str]:
    """Return the full names that a ref may mean, in git's order. https://git-scm.com/docs/gitrevisions"""
    if ref == "HEAD":
        return [ref]
    full = [ref] if ref.startswith("refs/") else []
    return [*full, f"refs/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}"]


def _parse_refs(printed: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the hashes by ref name, and the targets of symbolic refs, of what `git ls-remote --symref` printed."""
    refs: dict[str, str] = {}
    symbolic: dict[str, str] = {}
    for value, name in _lines(printed):
        if value.startswith("ref: "):
            # It is shown, in logs and as a label, and leads nowhere.
            symbolic[name] = printable_name(value.removeprefix("ref: "))
        elif is_full_hash(value):
            refs[name] = value
    return refs, symbolic


def _lines(printed: str) -> Iterator[tuple[str, str]]:
    for line in printed.splitlines():
        value, tab, name = line.partition("\t")
        if tab and re.fullmatch(r"[\x21-\x7e\x80-\U0010ffff]+", name):
            yield value, name
