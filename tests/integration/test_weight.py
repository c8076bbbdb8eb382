"""Promise: a daemon imports only what it was asked for, as every pod pays for each module in memory and at start."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import StartDaemon
from tests.support.origin import Origin

# What one of them needs is imported where it is used: a file of several repositories, the page, a GitHub App, replicas,
# ranges of versions, requests, watched files, the receiver, the content of files of LFS, and the other forms of
# publication.
LIBRARIES = {"yaml", "jinja2", "jwt", "cryptography", "semver", "urllib3", "watchdog"}
OURS = {
    "gitsync.commands.group",
    "gitsync.config.file",
    "gitsync.programs.lfs",
    "gitsync.programs.lfsfilter",
    "gitsync.receiver.door",
    "gitsync.reload",
    "gitsync.volume.contents",
    "gitsync.volume.exchange",
    "gitsync.volume.inplace",
    "gitsync.volume.large",
}


def test_a_start_imports_no_module_of_what_nobody_asked_for() -> None:
    """What the daemon consists of leads to none of the optional parts."""
    code = "import sys, gitsync.cli, gitsync.daemon; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (LIBRARIES | OURS) & set(ran.stdout.split())


def test_nor_do_an_update_and_what_is_done_after_it(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """What the daemon has imported once all is done are none of them, either; it says so itself, as Python has it."""
    daemon = start_daemon(origin.url, root, sync_on_signal="HUP", environment={"PYTHONPROFILEIMPORTTIME": "1"})
    daemon.wait_ready()
    daemon.sync_to(origin.commit({"index.html": "second"}))
    # The last of the chores tells it.
    daemon.until(lambda: daemon.metrics().get("gitsync_tree_size_bytes"))
    imported = {line.rpartition("|")[2].strip() for line in daemon.log_text().splitlines() if "import time:" in line}
    assert "gitsync.volume.trees" in imported
    assert not OURS & imported
