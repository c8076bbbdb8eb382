"""Submodules, without `git submodule`: each has a store of its own remote, and a tree within the tree of its parent.

So a submodule is fetched once for all trees, is brought up to date in place like its parent, and moves with it. Nothing
that a repository says becomes a configuration or an option of git: of `.gitmodules` only path and url are read, and the
transports are those that the repository itself may use. Called by the worker's thread.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError, GitCancelled, GitError, GitTimeout
from gitsync.base.files import unique
from gitsync.config import STORE_DIRECTORY, RepoConfig, parse_repo, transport
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import Records
from gitsync.volume.store import Store
from gitsync.volume.tree import NESTED, Tree

# Deeper nesting than this is a circle, and a commit with more submodules is made to fill the volume.
_DEEPEST: Final = 10
_MOST: Final = 1000
_GITLINK: Final = "160000"
_LONGEST_URL: Final = 4096


@dataclass(frozen=True, kw_only=True)
class _Link:
    """A submodule as the parent's commit names it; the URL may hold a login."""

    path: str
    hash: str
    url: str


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """What a walk through nested submodules carries along: the trees that were there, and those that are made."""

    mode: str
    deadline: float
    before: dict[Path, Tree]
    now: list[Tree] = field(default_factory=list)


class Submodules:
    """The submodules of one repository's trees."""

    def __init__(self, repo: RepoConfig, git: Git) -> None:
        self._repo = repo
        self._git = git
        self._directory = repo.root / STORE_DIRECTORY
        # Whether it was a submodule that the last call has failed for.
        self.failed = False

    def bring(self, tree: Tree, mode: str, *, deadline: float) -> None:
        """Make the submodules of a staged tree those of its commit; raise `GitError` or `CheckoutError`."""
        before = {nested.path: nested for nested in tree.nested()}
        walk = _Walk(mode=mode, deadline=deadline, before=before)
        if mode != "off" and (nolinks.exists(tree.path / ".gitmodules") or before):
            self.failed = True
            self._bring(tree, self._repo.repo, walk, depth=1)
        self.failed = False
        if walk.now or before:
            tree.remember_nested(walk.now)

    def _bring(self, parent: Tree, url: str, walk: _Walk, *, depth: int) -> None:
        if depth > _DEEPEST:
            raise CheckoutError(f"the submodules of {url} are nested too deeply", reason="too_many_submodules")
        for link in self._links(parent, url, deadline=walk.deadline):
            path = _inside(parent.path, link.path)
            remote = self._git.take_login(link.url)
            store = Store(self._directory, remote, self._repo, self._git)
            tree = walk.before.get(path)
            if tree is None or tree.store != store.path or not nolinks.is_directory(tree.metadata):
                tree = Tree(path=path, metadata=store.path / "worktrees" / unique(NESTED), remote=remote)
                tree.create(link.hash)
                self._provide(store, link.hash, deadline=walk.deadline)
                tree.bring(link.hash, self._git, sparse=None, deadline=walk.deadline)
            else:
                self._bring_again(tree, link.hash, store, deadline=walk.deadline)
            tree.point(path)
            walk.now.append(tree)
            _bound(len(walk.now), self._repo.repo)
            if walk.mode == "recursive":
                self._bring(tree, link.url, walk, depth=depth + 1)

    def _provide(self, store: Store, commit: str, *, deadline: float) -> None:
        """Make sure that a store has a commit."""
        if store.lookup(commit, deadline=deadline) is None:
            store.fetch_commit(commit, deadline=deadline)

    def _bring_again(self, tree: Tree, commit: str, store: Store, *, deadline: float) -> None:
        """Bring a submodule's tree up to date. Mostly it is at its commit already, so that the store has that."""
        known = tree.head() == commit
        if not known:
            self._provide(store, commit, deadline=deadline)
        try:
            tree.bring(commit, self._git, sparse=None, deadline=deadline)
        except (GitTimeout, GitCancelled):
            raise
        except GitError:
            if not known:
                raise
            # It only says so.
            self._provide(store, commit, deadline=deadline)
            tree.bring(commit, self._git, sparse=None, deadline=deadline)

    def _links(self, tree: Tree, url: str, *, deadline: float) -> list[_Link]:
        """Return the submodules that a tree's commit names; those that `.gitmodules` does not know are left out."""
        if not nolinks.exists(tree.path / ".gitmodules"):
            return []
        links = Records(b"\0", most=_MOST, wanted=f"{_GITLINK} ".encode())
        listed = self._git.run(["ls-files", "--stage", "-z"], deadline=deadline, place=tree.place, sink=links)
        _bound(links.count, url)
        hashes = {}
        for entry in filter(None, os.fsdecode(listed.raw).split("\0")):
            words, _, path = entry.partition("\t")
            hashes[path] = words.split()[1]
        if not hashes:
            return []
        urls = self._urls(tree, deadline=deadline)
        return [
            _Link(path=path, hash=commit, url=resolve_url(urls[path], url))
            for path, commit in hashes.items()
            if path in urls
        ]

    def _urls(self, tree: Tree, *, deadline: float) -> dict[str, str]:
        """Return the URLs by path that `.gitmodules` of the tree's commit has, read from the commit itself."""
        output = self._git.run(
            ["config", "--null", "--blob", "HEAD:.gitmodules", "--get-regexp", r"^submodule\..*\.(path|url)$"],
            deadline=deadline,
            place=Place(store=tree.store, git_dir=tree.metadata, remote=tree.remote),
            accept=lambda status: status in {0, 1},
        )
        paths: dict[str, str] = {}
        urls: dict[str, str] = {}
        for entry in filter(None, output.stdout.split("\0")):
            key, _, value = entry.partition("\n")
            name, _, variable = key.rpartition(".")
            (paths if variable == "path" else urls)[name] = value
        return {path: urls[name] for name, path in paths.items() if name in urls}


def _bound(count: int, url: str) -> None:
    if count > _MOST:
        message = f"{url} has more than {_MOST} submodules, with those of submodules"
        raise CheckoutError(message, reason="too_many_submodules")


def _inside(parent: Path, path: str) -> Path:
    """Return where a submodule goes; make sure that no part of the way leads elsewhere."""
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or any(part in {"..", ".git"} for part in parts):
        raise CheckoutError(f"{path!r} is no path for a submodule", reason="submodule")
    place = parent
    for part in parts:
        place = place / part
        if nolinks.exists(place) and not nolinks.is_directory(place):
            raise CheckoutError(f"{path!r} leads out of the tree", reason="submodule")
        nolinks.make_directory(place)
    return place


def resolve_url(url: str, parent: str) -> str:
    """Return a submodule's URL; one that begins with `./` or `../` is relative to that of its parent.

    https://git-scm.com/docs/git-submodule: the parent's URL counts as a directory, in the way of a path.
    """
    if url.startswith("-") or not url.isprintable() or not 0 < len(url) <= _LONGEST_URL:
        raise CheckoutError(f"{url[:_LONGEST_URL]!r} is no URL for a submodule", reason="submodule")
    if not re.match(r"\.\.?/", url):
        if transport(url) == "file" and transport(parent) != "file":
            raise CheckoutError(f"{url!r}: a submodule cannot be a local path", reason="submodule")
        return _checked(url)
    base = parent.rstrip("/")
    while match := re.match(r"(\.\.?)/", url):
        url = url[match.end() :]
        if match[1] == "..":
            head, slash, _ = base.rpartition("/")
            if slash and not head.endswith("/"):
                base = head
            elif not slash and ":" in base:
                base = base.rpartition(":")[0] + ":"
            else:
                raise CheckoutError("a submodule's URL leads above that of its parent", reason="submodule")
    return _checked(f"{base}{url}" if base.endswith(":") else f"{base}/{url}")


def _checked(url: str) -> str:
    """Return a URL whose login, if it has one, is written as one; otherwise git would show it."""
    if "@" in url:
        try:
            parse_repo(url)
        except ValueError as error:
            raise CheckoutError(f"the URL of a submodule: {error}", reason="submodule") from None
    return url
