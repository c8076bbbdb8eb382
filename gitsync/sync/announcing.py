"""Tells the observers and the chores what is published."""

import time
from dataclasses import replace

from gitsync.sync.chores import Chores
from gitsync.sync.memory import Known
from gitsync.sync.parts import Parts
from gitsync.telling.events import Published


class Announcing:
    """The step after a publication, and after the first pass that has found one."""

    def __init__(self, name: str, parts: Parts, chores: Chores) -> None:
        self._name = name
        self._parts = parts
        self._chores = chores

    def announce(self, known: Known) -> Known:
        """Tell of an update, or of what an earlier process has published; raise `GitError` if the store cannot.

        Of the latter only when it is known what the ref is called in full.
        """
        if known.outcome == "updated":
            return self._announce(known, fresh=True)
        return known if known.memory.announced else self._announce(known, fresh=False)

    def announce_again(self, known: Known) -> Known:
        """Tell of what was put in place again, to those who have heard of it."""
        return self._announce(known, fresh=True, again=True) if known.memory.announced else known

    def _announce(self, known: Known, *, fresh: bool, again: bool = False) -> Known:
        memory, commit, tree = known.memory, known.memory.commit, known.memory.tree
        assert commit  # noqa: S101 (there is something published)
        assert tree  # noqa: S101 (and this is where)
        if commit.commit_time is None:
            found = self._parts.stores.current.lookup(commit.hash, deadline=known.deadline) or commit
            if found.hash != commit.hash:
                # A branch of the remote leads to a tag, which no git makes.
                memory = replace(memory, source=commit.hash)
            commit = found
        event = Published(
            repo=self._name,
            commit=commit,
            ref=memory.ref,
            tree=memory.recipe.content(tree.path),
            published_at=self._parts.publisher.published_at() or time.time(),
            fresh=fresh,
            again=again,
        )
        self._chores.published(tree, memory.recipe)
        self._parts.observers.notify(event)
        return replace(known, memory=replace(memory, commit=commit, announced=True))
