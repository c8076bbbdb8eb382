"""Promise: the newest version is what is published and shown, and a step back is said."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.tree import assert_published

FAST = "100ms"


def test_newest_version_is_published_and_shown(
    start_daemon: StartDaemon, origin: Origin, git_http: GitHttpServer, root: Path
) -> None:
    """Given a pattern, when tags come and go, then the newest is published, and named by status and metrics."""
    first = origin.tag("v1.9.0")
    daemon = start_daemon(git_http.url_of(origin.path), root, ref_pattern="v*", period=FAST)
    daemon.wait_published(first)
    second = origin.commit({"index.html": "second\n"})
    origin.annotated_tag("v1.10.0")
    daemon.wait_published(second)
    daemon.until(lambda: daemon.status()["resolved_ref"] == "refs/tags/v1.10.0")
    assert daemon.status()["ref"] == "v*"
    origin.tag("v1.11.0")
    daemon.until(lambda: daemon.status()["resolved_ref"] == "refs/tags/v1.11.0")
    shown = [name for name in daemon.metrics() if name.startswith("gitsync_published_info")]
    assert len(shown) == 1
    assert 'ref="refs/tags/v1.11.0"' in shown[0]
    origin.delete_ref("refs/tags/v1.11.0")
    origin.delete_ref("refs/tags/v1.10.0")
    daemon.wait_published(first)
    assert assert_published(origin.path, root / "site.git") == first
    moved = daemon.wait_event("ref_moved_back", ref="refs/tags/v1.9.0")
    assert (moved["hash"], moved["previous_hash"]) == (first, second)
    assert daemon.wait_event("sync_finished", moved="back")["ref"] in {"refs/tags/v1.9.0", "refs/tags/v1.10.0"}
    daemon.until(lambda: daemon.metrics()['gitsync_ref_moves_total{kind="back"}'] >= 1)


@pytest.mark.parametrize("options", [{"ref": "main", "ref_pattern": "v*"}, {"ref_semver": "newest"}])
def test_what_cannot_be_meant_ends_the_start(
    start_daemon: StartDaemon, origin: Origin, root: Path, options: dict[str, Any]
) -> None:
    """Given options that contradict each other or are none, then nothing starts, and the message says what to do."""
    daemon = start_daemon(origin.url, root, **options)
    assert daemon.wait_exit() == 1
    assert "--ref" in daemon.log_text()
    assert not root.exists()
