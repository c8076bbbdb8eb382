"""Signals that stop a process and let it go on, as a debugger, a snapshot of a machine or `docker pause` do."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.invariants import Watch
from tests.faults.preload import Action, Board, Strike
from tests.faults.remains import Bounds
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin, noise
from tests.support.stall import Proxy

# Seconds.
DEADLINE = 1.5


def signal_all(daemon: DaemonProcess, number: int) -> None:
    """Send a signal to a daemon and to all that it has started."""
    for pid in [daemon.pid, *(process.pid for process in daemon.descendants())]:
        os.kill(pid, number)


@fault(
    area="signals",
    what="gitsync and its git are stopped during a fetch for longer than the pass may take, then go on",
    then="the late pass is given up or ends well; the next one publishes",
)
def test_everything_is_stopped_for_a_while(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path
) -> None:
    """Given a fetch under way, when all is stopped past the deadline and goes on, then the commit is published."""
    link, old = root / "site.git", origin.head
    with Proxy(git_http.port) as proxy, Watch(origin, link, root) as watch:
        url = git_http.url_of(origin.path, port=proxy.port)
        daemon = watch.follow(start_daemon(url, root, period="200ms", sync_timeout=f"{DEADLINE}s", max_backoff="200ms"))
        daemon.wait_published(old)
        proxy.stall(after=200_000)
        fetches = git_http.fetches
        new = origin.commit({"large.bin": noise(1_000_000)})
        daemon.until(lambda: git_http.fetches > fetches and daemon.descendants())
        signal_all(daemon, signal.SIGSTOP)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.process.wait(2 * DEADLINE)
            watch.check(old)
            proxy.pass_through()
        finally:
            signal_all(daemon, signal.SIGCONT)
        daemon.wait_published(new)


@fault(
    area="processes",
    what="a git is stopped in the middle of a fetch or a checkout, and nobody lets it go on",
    then="its process group is ended at the deadline of the pass, its locks are removed, and the next pass publishes",
)
@pytest.mark.parametrize("at", [5, 25, 45, 65])
def test_git_is_stopped_for_ever(start_daemon: StartDaemon, board: Board, origin: Origin, at: int) -> None:
    """Given a git that is stopped at a change of the volume, when the deadline comes, then another does the work."""
    with Watch(origin, board.root / "site.git", board.root, bounds=Bounds(trees=3)) as watch:
        assert start_daemon(origin.url, board.root, one_time=True).wait_exit() == 0
        new = origin.commit({"index.html": "second\n", "docs/more.txt": "more\n"})
        board.arm(at, Strike(Action.STOP))
        options: dict[str, object] = {"period": "200ms", "max_backoff": "200ms", "sync_timeout": f"{DEADLINE}s"}
        daemon = watch.follow(start_daemon(origin.url, board.root, environment=board.environment, **options))
        daemon.wait_published(new)
        daemon.until(lambda: board.struck)
        daemon.until(lambda: not [process for process in daemon.descendants() if process.state == "T"])
        origin.commit({"index.html": "third\n"})
        daemon.wait_published(origin.head)
