"""Tells when what is followed has gone back, or has another history: that is published like anything else, and said.

An update forward costs nothing here. Of one ref there are two signs: its commit is dated before the one that was
published, or git has called the fetch forced. Then git is asked which of the two came first, if the store has all of
the history. If it has not, nothing more is fetched: an earlier date counts as a step back, and no more is said. Where
another ref was chosen, the versions tell. Runs on the worker's thread, after a pass that has succeeded.
"""

from typing import Final

from gitsync.base.errors import GitSyncError
from gitsync.base.log import Logger
from gitsync.sync.memory import Memory
from gitsync.sync.parts import Parts
from gitsync.telling.events import Commit, Moved

_EVENTS: Final[dict[Moved, str]] = {"back": "ref_moved_back", "rewritten": "history_rewritten"}


class Moves:
    """What one repository has published last, and how the next one relates to it."""

    def __init__(self, parts: Parts, log: Logger) -> None:
        self._parts = parts
        self._log = log
        self._last: tuple[str, Commit] | None = None

    def look(self, memory: Memory, *, deadline: float) -> Moved | None:
        """Compare what is published with what was at the last call; git, if asked, has until then (monotonic seconds).

        Of what an earlier process has published nothing is said, as it is not known which ref led to it.
        """
        store, last = self._parts.stores.current, self._last
        forced, store.forced = store.forced, False
        assert memory.commit  # noqa: S101 (the pass has succeeded)
        self._last = now = (memory.ref, memory.commit)
        if last is None or (last[0], last[1].hash) == (now[0], now[1].hash):
            return None
        if last[0] == now[0]:
            moved = self._compare(last[1], now[1], forced=forced, deadline=deadline)
        else:
            moved = "back" if self._parts.remote.is_older(now[0], than=last[0]) else None
        if moved:
            before = {"previous_ref": last[0], "previous_hash": last[1].hash}
            self._log.warning(_EVENTS[moved], ref=now[0], hash=now[1].hash, **before)
        return moved

    def _compare(self, before: Commit, now: Commit, *, forced: bool, deadline: float) -> Moved | None:
        """Say how two commits of one ref relate; None if the later one follows, or nobody knows."""
        first, second = before.commit_time, now.commit_time
        earlier = first is not None and second is not None and second < first
        store = self._parts.stores.current
        if not (earlier or forced):
            return None
        if store.is_shallow:
            return "back" if earlier else None
        try:
            if store.is_ancestor(now.hash, of=before.hash, deadline=deadline):
                return "back"
            return None if store.is_ancestor(before.hash, of=now.hash, deadline=deadline) else "rewritten"
        except GitSyncError:
            return None
