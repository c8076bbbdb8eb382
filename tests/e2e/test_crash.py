"""Promise: kill -9 of everything at any moment of an update leaves a complete tree behind the link, and heals."""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin, noise
from tests.support.reader import numbered_files
from tests.support.stall import Proxy
from tests.support.tree import assert_published

KILLS = 16
FILES = 150


def _leftovers(root: Path) -> list[str]:
    """Return what only an interrupted writer leaves: git's lock files and temporary objects, half-made links."""
    names = [Path(directory) / name for directory, _, files in os.walk(root) for name in files]
    return [str(path) for path in names if path.suffix == ".lock" or path.name.startswith("tmp_")]


def _trees(root: Path) -> list[str]:
    return [path.name for path in (root / ".worktrees").iterdir()]


def _live_on(daemon: DaemonProcess, delay: float) -> None:
    """Let the daemon run for a while: here the moment of the kill is the test's input."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        daemon.process.wait(delay)


@pytest.mark.timeout(900)
def test_kills_at_random_moments_of_updates(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given updates under way, when everything is killed at 16 random moments, then the link always leads to one
    complete pushed commit, the newest is published in the end without help, and no litter stays."""
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    print(f"seed {seed}")
    link = root / "site.git"

    def start() -> DaemonProcess:
        return start_daemon(
            origin.url, root, period="10ms", stale_worktree_timeout="1s", max_trees="50", heal_period="5s"
        )

    pushed = {origin.commit(numbered_files(0, FILES))}
    daemon = start()
    daemon.wait_published(origin.head)
    began = time.monotonic()
    pushed.add(origin.commit(numbered_files(1, FILES)))
    daemon.wait_published(origin.head)
    usual = time.monotonic() - began  # the moments are spread over what an update takes on this machine
    spread, hits = usual, 0
    for number in range(2, KILLS + 2):
        # Every other kill hits the first pass after a start, the others an update of a settled daemon.
        if number % 2:
            daemon.wait_event("starting")
        else:
            daemon.wait_published(origin.head)
        pushed.add(origin.commit(numbered_files(number, FILES)))
        _live_on(daemon, chance.uniform(0, spread))
        daemon.kill_tree()
        assert assert_published(origin.path, link) in pushed, f"seed {seed}, kill {number - 1}"
        hit = os.readlink(link).rpartition("/")[2] != origin.head or bool(_leftovers(root))
        hits += hit
        spread *= 1.3 if hit else 0.7  # and what it takes changes, as others use the machine
        daemon = start()
    print(f"{hits} of {KILLS} kills hit an update before its end; an update takes {usual:.3f} s")
    assert hits >= KILLS // 6, "the kills came when nothing was going on"
    daemon.wait_published(origin.head)
    daemon.wait_event("ready")
    assert_published(origin.path, link)
    daemon.until(lambda: not _leftovers(root) and len(_trees(root)) <= 2)
    assert not daemon.logs("sync_finished", outcome="failed")
    assert daemon.terminate() == 0


def test_daemon_alone_is_killed_during_a_fetch(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path
) -> None:
    """Given a fetch that is held, when only the daemon is killed, then its git still owns the store; the next daemon
    is ready meanwhile, and publishes once that git has ended."""
    with Proxy(git_http.port) as proxy:
        url, old = git_http.url_of(origin.path, port=proxy.port), origin.head
        daemon = start_daemon(url, root, period="1h", sync_on_signal="HUP", sync_timeout="1h")
        daemon.wait_event("ready")
        new = origin.commit({"large.bin": noise(1_000_000)})
        fetches = git_http.fetches
        proxy.stall(after=200_000)
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda: git_http.fetches > fetches and daemon.descendants())
        daemon.signal(signal.SIGKILL)
        assert daemon.wait_exit() == -signal.SIGKILL
        second = start_daemon(url, root, period="200ms", max_backoff="400ms")
        second.wait_event("store_locked")
        second.wait_ready()
        assert assert_published(origin.path, root / "site.git") == old
        proxy.pass_through()
        second.wait_published(new)
        assert_published(origin.path, root / "site.git")
        daemon.check_nothing_runs()
