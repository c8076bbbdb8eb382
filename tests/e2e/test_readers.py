"""Promise: whoever reads through the link sees one complete commit, however often it changes."""

from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.origin import Origin
from tests.support.reader import Readers, Seen, numbered_files
from tests.support.tree import assert_published

READERS = 4
PUBLICATIONS = 80
FILES = 25


def _check(results: list[Seen], *, at_least: int) -> None:
    """Every reader worked, saw many of the commits, and saw no trace of an update under way."""
    assert len(results) == READERS
    for seen in results:
        assert not seen.problems, seen.problems[:5]
        assert seen.turns > at_least
        assert len(seen.numbers) > at_least, f"{len(seen.numbers)} of the commits were seen in {seen.turns} turns"


@pytest.mark.timeout(900)
def test_publications_under_four_readers(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given 4 readers, when 80 commits are published, then none misses a file or sees files of two commits."""
    origin.commit(numbered_files(0, FILES))
    daemon = start_daemon(
        origin.url, root, period="1h", sync_on_signal="HUP", stale_worktree_timeout="2s", max_trees="50"
    )
    daemon.wait_ready()
    with Readers(root / "site.git", files=FILES, count=READERS) as readers:
        for number in range(1, PUBLICATIONS + 1):
            commit = origin.commit(numbered_files(number, FILES))
            daemon.signal(1)
            daemon.wait_event("sync_finished", hash=commit, outcome="updated")
    _check(readers.results, at_least=PUBLICATIONS // 4)
    assert assert_published(origin.path, root / "site.git") == origin.head


@pytest.mark.timeout(600)
def test_pushes_faster_than_publications(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given 4 readers and a poll every 10 ms, when 60 commits come in a rush, then readers see the same order."""
    origin.commit(numbered_files(0, FILES))
    daemon = start_daemon(origin.url, root, period="10ms", stale_worktree_timeout="5s", max_trees="50")
    daemon.wait_ready()
    with Readers(root / "site.git", files=FILES, count=READERS) as readers:
        for number in range(1, 61):
            origin.commit(numbered_files(number, FILES))
        daemon.wait_published(origin.head)
    _check(readers.results, at_least=5)
    assert assert_published(origin.path, root / "site.git") == origin.head
