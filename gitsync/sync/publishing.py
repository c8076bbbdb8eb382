"""Publishes a commit that the store has: recall or fetch come before, and the observers hear of it after."""

import time
from dataclasses import replace

from gitsync.base import nolinks
from gitsync.base.errors import PublishError
from gitsync.base.log import Logger
from gitsync.sync.crowding import Crowding
from gitsync.sync.memory import Known
from gitsync.sync.parts import Parts
from gitsync.telling.events import BeforePublish, BeforeStage


class Publishing:
    """The steps from a commit in the store to what consumers see."""

    def __init__(self, name: str, parts: Parts, *, crowding: Crowding, log: Logger) -> None:
        self._name = name
        self._parts = parts
        self._crowding = crowding
        self._log = log

    def recall(self, known: Known) -> Known:
        """Find the published commit in the store, to publish it again; raise `PublishVetoed`."""
        published = known.memory.commit
        assert published  # noqa: S101 (there is something to put in place)
        self._parts.observers.notify(BeforeStage(repo=self._name, hash=published.hash))
        commit = self._parts.stores.current.lookup(published.hash, deadline=known.deadline)
        return replace(known, commit=commit)

    def stage(self, known: Known) -> Known:
        """Have a complete tree of the commit: one that was published before, or one made now; raise `GitError`."""
        assert known.commit  # noqa: S101 (fetched or recalled)
        commit, recipe, trees, store = known.commit.hash, known.memory.recipe, self._parts.trees, self._parts.stores
        tree = trees.catalogue.published_as(commit, recipe, store.current.path, deadline=known.deadline)
        if tree:
            return replace(known, tree=tree, fresh=False)
        self._crowding.make_room()
        tree = trees.staging.stage(commit, recipe, store.current, deadline=known.deadline)
        return replace(known, tree=tree, fresh=True)

    def ask(self, known: Known) -> Known:
        """Let the observers look at the staged tree; raise `PublishVetoed`. One that was published before stays."""
        assert known.commit  # noqa: S101 (fetched or recalled)
        tree, deadline = known.tree, known.deadline
        if tree and known.fresh:
            self._parts.observers.notify(
                BeforePublish(
                    repo=self._name,
                    commit=known.commit,
                    tree=tree.path,
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
        if known.fresh:
            tree = self._parts.trees.staging.publish_name(tree, commit.hash)
        self._parts.publisher.publish(tree.path)
        if "filter=lfs" in (nolinks.read(tree.path / ".gitattributes") or ""):
            # Filters of a repository never run, and those of LFS are no exception.
            self._log.warning("lfs_pointers", hint="the files that are kept in LFS are published as pointers")
        return replace(known, memory=replace(known.memory, tree=tree, commit=commit, suspect=False))
