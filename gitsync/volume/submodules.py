"""Submodules, without `git submodule`: each has a store of its own remote, and a tree within the tree of its parent.

So a submodule is fetched once for all trees, is brought up to date in place like its parent, and moves with it.
Called by the worker's thread.
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError, GitCancelled, GitError, GitTimeout, RefNotFound
from gitsync.base.files import unique
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig
from gitsync.programs.gitcmd import Git
from gitsync.programs.planted import lead_to_store
from gitsync.volume.inner import Untouched, may_have_submodules
from gitsync.volume.modules import Link, Modules, check_count
from gitsync.volume.recipe import Recipe
from gitsync.volume.store import Store
from gitsync.volume.stores import Stores
from gitsync.volume.strays import UncleanError, empty
from gitsync.volume.symlinks import Symlinks
from gitsync.volume.tree import NESTED, Tree
from gitsync.volume.weight import Weight

# Deeper nesting than this is a circle.
_DEEPEST: Final = 10
# The sparse patterns are those of the repository itself.
_WHOLE: Final = Recipe(submodules="recursive")
_NOT_PUSHED: Final = "push the submodule's commit to its own repository, or leave submodules out with --submodules=off"


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """What a walk through nested submodules carries along: the top of what is published, the trees that were there,
    those that are made, and the places that stay empty."""

    top: Path
    recipe: Recipe
    deadline: float
    before: dict[Path, Tree]
    now: list[Tree] = field(default_factory=list)
    bare: list[Path] = field(default_factory=list)


class Submodules:
    """The submodules of one repository's trees."""

    def __init__(self, repo: RepoConfig, git: Git, stores: Stores, *, weight: Weight, symlinks: Symlinks) -> None:
        self._repo = repo
        self._git = git
        self._modules = Modules(git, (*repo.git.git_config, *repo.git.git_config_add))
        self._stores = stores
        self._weight = weight
        self._symlinks = symlinks
        self.untouched = Untouched(git)
        self._log = get_logger(repo=repo.name)
        # Whether it was a submodule that the last call has failed for.
        self.failed = False

    def make_way(self, tree: Tree, commit: str, nested: Iterable[Tree], *, deadline: float) -> set[Path]:
        """Empty the directories of those submodules that the commit has not; return those that it has.

        The files of a submodule are none to git, and would stay where the commit has a directory. Raises `GitError`.
        """
        for place in tree.bare():
            # The reset would follow files of attributes that somebody has left there.
            if nolinks.is_directory(place):
                empty(place)
        before = [one for one in nested if tree.path in one.path.parents]
        for one in before:
            # Commands on the tree look into it, and we are about to.
            lead_to_store(one.metadata)
        if not before:
            return set()
        places = {tree.path / path for path in self._modules.places(tree, commit, deadline=deadline)}
        for one in before:
            within = {one.path, *one.path.parents} & places
            if not within:
                empty(one.path)
        return {one.path for one in before} & places

    def bring(self, tree: Tree, recipe: Recipe, *, deadline: float) -> None:
        """Make the submodules of a staged tree those of its commit; raise `GitError` or `CheckoutError`.

        What others have left in the places of those that stay empty goes: to git it is a submodule's own.
        """
        before = {nested.path: nested for nested in tree.nested()}
        bare = tree.bare()
        walk = _Walk(top=recipe.content(tree.path), recipe=recipe, deadline=deadline, before=before)
        if recipe.partial or before or may_have_submodules(tree):
            self.failed = True
            try:
                self._bring(tree, self._repo.repo, walk, depth=1)
            except (GitError, OSError):
                # The next try goes on from here.
                made = {nested.path for nested in walk.now}
                left = [nested for path, nested in before.items() if path not in made]
                tree.remember_nested([*walk.now, *left], [*walk.bare, *bare])
                raise
        self.failed = False
        if walk.now or before or walk.bare or bare:
            tree.remember_nested(walk.now, walk.bare)

    def _bring(self, parent: Tree, url: str, walk: _Walk, *, depth: int) -> None:
        if depth > _DEEPEST:
            raise CheckoutError(f"the submodules of {url} are nested too deeply", reason="too_many_submodules")
        for link in self._wanted(parent, url, walk, depth=depth):
            path = _inside(parent.path, link.path)
            if link.url is None:
                empty(path)
                walk.bare.append(path)
                continue
            tree = self._populate(link, path, self._git.take_login(link.url), walk)
            tree.point(path)
            check_count(len(walk.now))
            if walk.recipe.submodules == "recursive" and may_have_submodules(tree):
                self._bring(tree, link.url, walk, depth=depth + 1)

    def _wanted(self, parent: Tree, url: str, walk: _Walk, *, depth: int) -> list[Link]:
        """Return the submodules of a tree that have a directory: not those that the sparse patterns leave out."""
        if walk.recipe.submodules == "off":
            places = self._modules.places(parent, "HEAD", deadline=walk.deadline)
            links = [Link(path=path, hash=commit) for path, commit in places.items()]
        else:
            links = self._modules.links(parent, url, deadline=walk.deadline)
        if depth > 1 or not walk.recipe.partial:
            return links
        excluded = self._modules.excluded(parent, [link.path for link in links], deadline=walk.deadline)
        for path in excluded:
            nolinks.remove(parent.path / path)
        return [link for link in links if link.path not in excluded]

    def _populate(self, link: Link, path: Path, remote: str, walk: _Walk) -> Tree:
        """Return the submodule's tree at its commit: the one that was there, where that can be brought up to date."""
        store = self._stores.of(remote)
        tree = walk.before.get(path)
        usable = (
            tree is not None
            and tree.store == store.path
            and nolinks.is_directory(tree.metadata)
            and tree.hidden == walk.recipe.hidden
        )
        # Mostly it is at its commit already, so that the store has that.
        known = self._weight.knows(link.hash) and self._symlinks.knows(link.hash)
        if tree is None or not usable or tree.head() != link.hash or not known:
            self._provide(store, link.hash, deadline=walk.deadline)
        self._weight.add(link.hash, store.place, deadline=walk.deadline)
        self._symlinks.add(link.hash, store.place, within=path.relative_to(walk.top), deadline=walk.deadline)
        if tree and usable:
            walk.now.append(tree)
            try:
                return self._check_out(tree, link.hash, walk)
            except (GitTimeout, GitCancelled):
                raise
            except (GitError, OSError) as error:
                walk.now.remove(tree)
                self._log.warning("submodule_dropped", v=1, path=link.path, message=str(error))
                # It only says that it is at the commit, or it is damaged.
                self._provide(store, link.hash, deadline=walk.deadline)
        empty(path)
        tree = Tree(path=path, metadata=store.path / "worktrees" / unique(NESTED), remote=remote)
        tree.create(link.hash, walk.recipe)
        walk.now.append(tree)
        return self._check_out(tree, link.hash, walk)

    def _check_out(self, tree: Tree, commit: str, walk: _Walk) -> Tree:
        if self.untouched.is_untouched(tree, commit, deadline=walk.deadline):
            return tree
        kept = self.make_way(tree, commit, walk.before.values(), deadline=walk.deadline)
        tree.bring(commit, self._git, recipe=_WHOLE, deadline=walk.deadline, kept=kept)
        self.untouched.note(tree, commit)
        return tree

    def _provide(self, store: Store, commit: str, *, deadline: float) -> None:
        """Make sure that a store has a commit; raise `RefNotFound` if its remote has none such."""
        if store.lookup(commit, deadline=deadline) is None:
            store.fetch_commit(commit, deadline=deadline)
            if store.lookup(commit, deadline=deadline) is None:
                raise RefNotFound(f"{store.place.remote}: the remote has no commit {commit}", hint=_NOT_PUSHED)


def _inside(parent: Path, path: str) -> Path:
    """Return where a submodule goes; make sure that no part of the way leads elsewhere."""
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or any(part in {"..", ".git"} for part in parts):
        raise CheckoutError(f"{path!r} is no path for a submodule", reason="submodule")
    place = parent
    for part in parts:
        place = place / part
        if nolinks.exists(place) and not nolinks.is_directory(place):
            raise UncleanError(errno.ENOTDIR, "it leads out of the tree", str(place))
        nolinks.make_directory(place)
    return place
