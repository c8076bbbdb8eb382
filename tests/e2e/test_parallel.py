"""Promise: repositories of one process take turns, and none of them stops the others."""

from pathlib import Path

from tests.e2e.conftest import Start
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE
from tests.support.origin import Origin
from tests.support.stall import SilentServer
from tests.support.tree import assert_published


def test_servers_that_hang(start: Start, origin: Origin, root: Path) -> None:
    """Given a server that is silent for as many repositories as may be at work at once, when another one changes, then
    it is published at once all the same, and the end does not wait for the silent ones."""
    with SilentServer() as server:
        silent = "".join(f"- {{repo: {server.url}/{name}.git, link: {name}}}\n" for name in "abcd")
        daemon = start(
            f"{silent}- {{repo: {origin.url}, link: site, period: 50ms}}\n",
            defaults="sync-timeout: 10m, max-backoff: 10ms",
        )
        daemon.link = root / "site"
        daemon.wait_published(origin.head)
        daemon.wait_published(origin.commit({"index.html": "second\n"}))
        assert server.accepted >= 4
        assert daemon.get("/healthz")[0] == 200
        assert daemon.metrics("site")
        assert daemon.terminate(timeout=AT_ONCE) == 0, daemon.describe()
        daemon.check_nothing_runs()


def test_turns(start: Start, origin: Origin, docs: Origin, root: Path) -> None:
    """Given one place, and two repositories that want it all the time, when both change, then both are published."""
    daemon = start(
        f"""\
        - {{repo: {origin.url}, link: site, period: 10ms}}
        - {{repo: {docs.url}, link: docs, period: 10ms}}
        """,
        top="parallel: 1",
        defaults="jitter: 0",
    )
    for count in range(3):
        for link, repo in (("site", origin), ("docs", docs)):
            _follows(daemon, root / link, repo, f"{count}\n")


def _follows(daemon: DaemonProcess, link: Path, origin: Origin, text: str) -> None:
    daemon.link = link
    daemon.wait_published(origin.commit({"text.txt": text}))
    assert assert_published(origin.path, link) == origin.head
