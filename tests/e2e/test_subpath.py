"""Promise: --subpath publishes one directory as safely as a whole tree, through restarts and kill -9."""

import contextlib
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.origin import Origin
from tests.support.tree import assert_tree

KILLS = 10
SUBPATHS = ("docs", "docs/deep")
TARGET = re.compile(r"\.worktrees/(?:\.again-[0-9a-f]+/)?([0-9a-f]{40})/(docs(?:/deep)?)")


def files(number: int) -> dict[str, str]:
    """Return the content of a commit."""
    return {f"docs/{'deep/' * (index % 2)}{index}": f"{number}\n" for index in range(100)}


def shown(origin: Origin, link: Path) -> tuple[str, str]:
    """Return the commit and the directory of it that consumers see, whole."""
    target = os.readlink(link)
    found = TARGET.fullmatch(target)
    assert found, target
    assert_tree(origin.path, link.parent / target, f"{found[1]}:{found[2]}")
    return found[1], found[2]


@pytest.mark.timeout(300)
def test_kills_while_the_directory_changes(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given starts that each ask for another directory, and pushes, when everything is killed at random moments, then
    the link always leads to one of these directories, whole, and in the end to the one that is asked for."""
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    link = root / "site.git"
    pushed = {origin.commit(files(0), replace=True)}
    for number in range(1, KILLS + 1):
        subpath = SUBPATHS[number % 2]
        daemon = start_daemon(origin.url, root, subpath=subpath, period="10ms", stale_worktree_timeout="200ms")
        daemon.wait_event("starting")
        pushed.add(origin.commit(files(number)))
        if number == 1:
            daemon.wait_ready()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.process.wait(chance.uniform(0, 1.5))  # here the moment of the kill is the test's input
        daemon.kill_tree()
        assert shown(origin, link)[0] in pushed, f"seed {seed}, kill {number}"
    daemon = start_daemon(origin.url, root, subpath=SUBPATHS[0], period="50ms")
    daemon.wait_event("ready")
    daemon.until(lambda: shown(origin, link) == (origin.head, SUBPATHS[0]))
    assert daemon.terminate() == 0
