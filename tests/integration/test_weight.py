"""Promise: a daemon imports only what it was asked for, as every pod pays for each module in memory and at start."""

import subprocess
import sys

# What one of them needs is imported where it is used: a file of several repositories, the page, a GitHub App, replicas,
# ranges of versions, requests, watched files, the receiver, and the other forms of publication.
LIBRARIES = {"yaml", "jinja2", "jwt", "cryptography", "semver", "urllib3", "watchdog"}
OURS = {
    "gitsync.commands.group",
    "gitsync.config.file",
    "gitsync.receiver.door",
    "gitsync.reload",
    "gitsync.volume.exchange",
    "gitsync.volume.inplace",
}


def test_a_start_imports_no_module_of_what_nobody_asked_for() -> None:
    """What the daemon consists of leads to none of the optional parts."""
    code = "import sys, gitsync.cli, gitsync.daemon; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (LIBRARIES | OURS) & set(ran.stdout.split())
