"""Whatever becomes of the server of LFS, or of us while contents come, files have the content of one commit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.support.daemon import DaemonProcess
from tests.support.eventually import eventually
from tests.support.git_http import GitHttpServer
from tests.support.lfs import LfsContents, needs_lfs
from tests.support.origin import Origin, noise
from tests.support.processes import Repeating

pytestmark = needs_lfs
OLD = {"a.bin": noise(300_000, seed=1), "b.bin": noise(20, seed=2)}
NEW = {"a.bin": noise(300_000, seed=3), "b.bin": noise(20, seed=4)}


@dataclass
class Site:
    """A repository with contents, published by a daemon, and a reader that looks at them all the while."""

    start: StartDaemon
    server: GitHttpServer
    lfs: LfsContents
    origin: Origin
    root: Path

    def __post_init__(self) -> None:
        self.link = self.root / "site.git"
        self.seen: list[dict[str, bytes]] = []

    def look(self) -> None:
        """Note what consumers see, if that is another thing than before."""
        if self.link.is_symlink():
            top = self.link.resolve()
            now = {path: (top / path).read_bytes() for path in OLD}
            if now not in self.seen[-1:]:
                self.seen.append(now)

    def run(self) -> DaemonProcess:
        """Start a daemon."""
        url = self.server.url_of(self.origin.path)
        options: dict[str, object] = {
            "period": "200ms",
            "sync_timeout": "2s",
            "max_backoff": "200ms",
            "stale_worktree_timeout": "10s",
        }
        return self.start(url, self.root, lfs=True, **options)  # type: ignore[arg-type]

    def wait_shown(self, files: dict[str, bytes]) -> None:
        """Wait until consumers see these contents."""
        eventually(lambda: self.seen[-1:] == [files])


@pytest.fixture
def site(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path) -> Iterator[Site]:
    """The first commit is there; at the end readers have seen nothing but the two commits."""
    git_http.lfs = LfsContents()
    git_http.lfs.commit(origin, OLD)
    made = Site(start_daemon, git_http, git_http.lfs, origin, root)
    with Repeating(made.look, interval=0.01):
        yield made
        made.wait_shown(NEW)
    git_http.lfs.flowing.set()
    assert made.seen == [OLD, NEW]


@fault(
    area="network",
    what="the server of LFS says nothing while contents are fetched",
    then="passes fail with `timeout` and leave no git-lfs behind; once it answers, the commit is published",
)
def test_server_says_nothing(site: Site) -> None:
    """Given a published commit, when contents of the next one do not come, then it stays until they do."""
    daemon = site.run()
    site.wait_shown(OLD)
    site.lfs.flowing.clear()
    site.lfs.commit(site.origin, NEW)
    for number in (1, 2):
        daemon.until(lambda number=number: len(daemon.logs("sync_finished", reason="timeout")) >= number)  # type: ignore[misc]
    asking = [process for process in daemon.descendants() if "lfs" in process.arguments]
    assert len(asking) <= 1
    site.lfs.flowing.set()
    site.wait_shown(NEW)
    daemon.until(lambda: not daemon.descendants())


@fault(
    area="crash",
    what="gitsync, git and git-lfs are killed while contents are fetched",
    then="what is published stays; the next start fetches what is missing and publishes",
)
def test_killed_while_contents_come(site: Site) -> None:
    """Given contents that are on their way, when all is killed, then the next start has the rest."""
    daemon = site.run()
    site.wait_shown(OLD)
    site.lfs.flowing.clear()
    site.lfs.commit(site.origin, NEW)
    daemon.until(lambda: site.lfs.waiting)
    daemon.kill_tree()
    site.lfs.flowing.set()
    site.run()
    site.wait_shown(NEW)


@fault(
    area="content",
    what="the server of LFS lacks one content of a commit, for a while",
    then="passes fail with `lfs`, and nothing of that commit is published before it is there",
)
def test_one_content_is_missing(site: Site) -> None:
    """Given two contents of which one cannot be had, when that changes, then both are published together."""
    daemon = site.run()
    site.wait_shown(OLD)
    kept = site.lfs.contents
    site.lfs.commit(site.origin, NEW)
    missing = list(kept)[-1]
    content = kept.pop(missing)
    daemon.until(lambda: len(daemon.logs("sync_finished", reason="lfs")) >= 2)
    kept[missing] = content
    site.wait_shown(NEW)
