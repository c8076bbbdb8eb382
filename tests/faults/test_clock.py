"""The wall clock is set, far ahead or back: nothing is done early, late or not at all for that."""

import json
import re
import signal

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.invariants import Watch
from tests.faults.preload import Board
from tests.faults.remains import Bounds
from tests.support.origin import Origin

DAY = 86400


@fault(
    area="clock",
    what="the wall clock is set two days ahead, or back, while gitsync runs",
    then="passes come as before, and a tree that the link has left keeps its place for its time, and no longer",
)
@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY], ids=["ahead", "back"])
def test_clock_jumps(start_daemon: StartDaemon, board: Board, origin: Origin, jump: int) -> None:
    """Given a tree that readers may still have, when the clock jumps, then it stays, and updates go on."""
    link, first = board.root / "site.git", origin.head
    options = {"max_trees": 9, "max_backoff": "300ms", "sync_on_signal": "HUP"}
    with Watch(origin, link, board.root, kept=3600.0, bounds=Bounds(trees=4)) as watch:
        daemon = watch.follow(
            start_daemon(
                origin.url,
                board.root,
                environment=board.environment,
                period="300ms",
                stale_worktree_timeout="1h",
                **options,
            )
        )
        daemon.wait_published(first)
        daemon.wait_published(second := origin.commit({"index.html": "second\n"}))
        # The mark that the link has left the first one is written by then.
        daemon.wait_event("sync_finished", hash=second)
        board.turn_clock(jump)
        # By its period, and by a signal.
        daemon.wait_published(third := origin.commit({"index.html": "third\n"}))
        daemon.signal(signal.SIGHUP)
        assert daemon.sync_by_signal()["outcome"] == "unchanged"
        assert {path.name for path in (board.root / ".worktrees").iterdir()} >= {first, second, third}
        watch.check(third)


@fault(
    area="clock",
    what="the wall clock is set two days ahead, or back, long before the next pass",
    then="what is published is no more stale than it was, and nobody is told otherwise",
)
@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY], ids=["ahead", "back"])
def test_clock_jumps_between_passes(start_daemon: StartDaemon, board: Board, origin: Origin, jump: int) -> None:
    """Given what a pass has just confirmed, when the clock jumps, then all pages say that it is up to date."""
    with Watch(origin, board.root / "site.git", board.root, kept=1.0) as watch:
        daemon = watch.follow(start_daemon(origin.url, board.root, environment=board.environment, period="1h"))
        daemon.wait_ready()
        confirmed = daemon.status()["last_success"]
        board.turn_clock(jump)
        status, readiness = daemon.status(), json.loads(daemon.get("/readyz")[1])["repos"][0]
        assert (status["stale"], readiness["stale"]) == (False, False)
        assert re.fullmatch(r"up to date, as the server has said \d+ s ago", status["state"])
        assert status["last_success"] == confirmed
        assert daemon.get("/healthz")[0] == 200
        watch.check(origin.head)


@fault(
    area="clock",
    what="the wall clock is set back while a tree waits for its time to be over",
    then="it becomes the standby when its time is over",
)
def test_clock_is_set_back_while_a_tree_waits(start_daemon: StartDaemon, board: Board, origin: Origin) -> None:
    """Given a tree that the link has left, when the clock is set back, then it does not wait for days."""
    with Watch(origin, board.root / "site.git", board.root, kept=1.0) as watch:
        daemon = watch.follow(
            start_daemon(
                origin.url,
                board.root,
                environment=board.environment,
                period="200ms",
                stale_worktree_timeout="1s",
            )
        )
        daemon.wait_published(origin.head)
        daemon.wait_published(origin.commit({"index.html": "second\n"}))
        daemon.wait_event("sync_finished", hash=origin.head)
        board.turn_clock(-DAY)
        daemon.until(lambda: list((board.root / ".worktrees").glob(".tree-*")))
        daemon.wait_published(origin.commit({"index.html": "third\n"}))
