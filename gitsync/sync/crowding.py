"""Keeps the number of trees within its limit when an update needs one: by waiting, or by taking one before its time."""

import time
from typing import Final

from gitsync.base.errors import PublishVetoed
from gitsync.base.log import Logger
from gitsync.sync.memory import Known
from gitsync.sync.parts import Parts
from gitsync.telling.events import TreeTaken

# The part of the time of a pass that may go by with waiting; the rest is for the update.
_WAITING: Final = 0.5


class Crowding:
    """What an update does where there are as many trees as there may be."""

    def __init__(self, name: str, parts: Parts, log: Logger) -> None:
        self._name = name
        self._parts = parts
        self._log = log

    def wait(self, known: Known) -> Known:
        """Wait until a tree is free, if readers were promised their time; raise `PublishVetoed` if that takes too long.

        It comes before the fetch, so that what is published then is new.
        """
        assert known.target  # noqa: S101 (the remote was asked)
        give_up = time.monotonic() + (known.deadline - time.monotonic()) * _WAITING
        told = False
        while (seconds := self._seconds(known.target.hash)) > 0:
            if time.monotonic() + seconds > give_up:
                raise PublishVetoed(
                    f"all trees are in use for another {seconds:.0f} seconds", reason="trees_held", retry_in=seconds
                )
            if not told:
                self._log.info("waiting_for_tree", seconds=round(seconds, 3), hash=known.target.hash)
                told = True
            if self._parts.stop.wait(seconds):
                raise PublishVetoed("the process ends while an update waits for a tree", reason="cancelled")
        return known

    def make_room(self) -> None:
        """Have a tree for what is to be published; tell of those that went before their time. Raise `OSError`."""
        parts = self._parts
        linked, stores = parts.publisher.current(), parts.stores.all()
        for tree in parts.trees.limit.make_room(linked, stores, parts.stores.current.path):
            seconds = parts.trees.catalogue.ages.left_for(tree)
            hint = "raise --max-trees, or give --stale-worktree-timeout so that updates wait"
            self._log.warning("tree_taken_early", tree=str(tree.path), left_for=round(seconds, 3), hint=hint)
            parts.observers.notify(TreeTaken(repo=self._name, tree=tree.path, left_for=seconds))

    def _seconds(self, commit: str) -> float:
        parts = self._parts
        again = commit if parts.publisher.reuses else None
        return parts.trees.limit.wait_for(again, parts.publisher.current(), parts.stores.all())
