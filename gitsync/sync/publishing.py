"""Publishes a commit that the store has: recall or fetch come before, and the observers hear of it after."""

import time
from dataclasses import replace
from typing import Final

from gitsync.base.errors import GitSyncError, PublishError
from gitsync.base.log import Logger
from gitsync.base.refusals import Refusals
from gitsync.sync.crowding import Crowding
from gitsync.sync.memory import Known
from gitsync.sync.parts import Parts
from gitsync.sync.repairs import Repairs
from gitsync.telling.events import BeforePublish, BeforeStage
from gitsync.volume.recipe import Recipe
from gitsync.volume.subpath import check_content, check_subpath
from gitsync.volume.tree import Tree

# What is wrong with the commit itself, so that nothing but another one helps.
_OF_THE_COMMIT: Final = {"bad_commit", "link_escapes", "no_subpath", "submodule", "too_large", "too_many_submodules"}


class Publishing:
    """The steps from a commit in the store to what consumers see."""

    def __init__(self, name: str, parts: Parts, *, refusals: Refusals, crowding: Crowding, log: Logger) -> None:
        self._name = name
        self._parts = parts
        self._refusals = refusals
        self._crowding = crowding
        self._log = log

    def recall(self, known: Known) -> Known:
        """Find the published commit in the store, to publish it again; raise `PublishVetoed`."""
        published = known.memory.commit
        assert published  # noqa: S101 (there is something to put in place)
        self._parts.observers.notify(BeforeStage(repo=self._name, hash=published.hash))
        commit = self._parts.stores.current.lookup(published.hash, deadline=known.deadline)
        return replace(known, commit=commit, source=known.memory.source)

    def stage(self, known: Known) -> Known:
        """Have a complete tree of the commit: one that was published before, or one made now.

        Raises `GitError`, or `PublishVetoed` for a commit that cannot be checked out, or is too large for that.
        """
        assert known.commit  # noqa: S101 (fetched or recalled)
        commit, recipe, trees, store = known.commit.hash, known.memory.recipe, self._parts.trees, self._parts.stores
        if self._parts.publisher.reuses:
            tree = trees.catalogue.published_as(commit, recipe, store.current.path, deadline=known.deadline)
            if tree:
                self._freshen(known, tree)
                return replace(known, tree=tree, fresh=False)
        self._refusals.check(commit)
        try:
            self._look_at(commit, recipe, deadline=known.deadline)
            self._crowding.make_room()
            tree = trees.staging.stage(commit, recipe, store.current, deadline=known.deadline)
            if recipe.subpath:
                check_content(recipe.subpath, commit, recipe.content(tree.path))
            trees.symlinks.confirm(recipe.content(tree.path))
        except GitSyncError as error:
            if error.reason in _OF_THE_COMMIT:
                raise self._refusals.add(commit, error) from error
            raise
        self._refusals.forget(commit)
        self._freshen(known, tree)
        return replace(known, tree=tree, fresh=True)

    def _look_at(self, commit: str, recipe: Recipe, *, deadline: float) -> None:
        """Raise `CheckoutError` for a commit that cannot, or must not, be checked out; what it takes is fetched."""
        store = self._parts.stores.current
        if recipe.subpath:
            check_subpath(recipe.subpath, commit, self._parts.git, store.place, deadline=deadline)
        self._parts.trees.weight.begin(commit, recipe, store, deadline=deadline)
        self._parts.trees.symlinks.begin(commit, recipe, store, deadline=deadline)

    def _freshen(self, known: Known, tree: Tree) -> None:
        """Let no file that changes for consumers become older than it was, unless the times are the commit's."""
        if known.memory.recipe.dated:
            return
        published, suspect = known.memory.tree, known.memory.suspect
        if published and published.path != tree.path:
            self._parts.trees.times.freshen(tree, published, suspect=suspect, deadline=known.deadline)

    def ask(self, known: Known) -> Known:
        """Let the observers look at the staged tree; raise `PublishVetoed`. One that was published before stays."""
        assert known.commit  # noqa: S101 (fetched or recalled)
        tree, deadline = known.tree, known.deadline
        if tree and known.fresh:
            self._parts.observers.notify(
                BeforePublish(
                    repo=self._name,
                    commit=known.commit,
                    tree=known.memory.recipe.content(tree.path),
                    deadline=deadline,
                    changed=lambda: self._parts.trees.catalogue.damage(tree, deadline=deadline),
                )
            )
        return known

    def publish(self, known: Known) -> Known:
        """Give the tree its name, and have consumers see it; raise `PublishError` or `OSError`."""
        commit, tree = known.commit, known.tree
        assert commit  # noqa: S101 (fetched or recalled)
        assert tree  # noqa: S101 (staged)
        if time.monotonic() >= known.deadline:
            raise PublishError("the tree is staged, but the pass is over", reason="timeout")
        with self._parts.publishing():
            if known.fresh:
                tree = self._parts.trees.staging.publish_name(tree, commit.hash)
            content = known.memory.recipe.content(tree.path)
            tree = self._parts.publisher.publish(tree, content, deadline=known.deadline)
        memory = replace(known.memory, tree=tree, commit=commit, source=known.source, condition="fine")
        if not known.memory.is_published(commit.hash):
            memory = replace(memory, repairs=Repairs())
        return replace(known, memory=memory)
