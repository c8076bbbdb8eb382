"""Promise: with --symlinks=deny-escaping nobody who can commit has consumers follow a link to other files."""

import os
from pathlib import Path

from tests.conftest import StartDaemon
from tests.support.origin import Origin, Symlink
from tests.support.tree import assert_published


def test_link_that_leads_out_is_told_of_and_not_published(
    start_daemon: StartDaemon, origin: Origin, root: Path
) -> None:
    """Given a repository that is published, when a link to elsewhere is pushed, then what is published stays, log,
    status and metrics say why, and the push that takes it back is published."""
    good = origin.head
    daemon = start_daemon(origin.url, root, period="100ms", environment={"GITSYNC_SYMLINKS": "deny-escaping"})
    daemon.wait_published(good)
    link = root / "site.git"
    origin.commit({"secrets\n\x1b[2J": Symlink("/etc/shadow")})
    line = daemon.wait_event("sync_finished", outcome="failed")
    told = (r"'secrets\n\x1b[2J'", "'/etc/shadow'")
    assert line["reason"] == "link_escapes"
    assert all(words in line["message"] for words in told), line
    error = daemon.status()["error"]
    assert error["reason"] == "link_escapes"
    assert all(words in error["message"] for words in told), error
    assert "--symlinks" in error["hint"]
    assert daemon.get("/readyz")[0] == 200
    assert not any("/etc/shadow" in os.readlink(path) for path in root.rglob("*") if path.is_symlink())
    assert assert_published(origin.path, link) == good
    daemon.wait_published(origin.force_push({"new": "x"}, onto=good))
    assert daemon.terminate() == 0
