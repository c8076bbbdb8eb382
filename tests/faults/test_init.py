"""Process 1 of a container has all orphans of it, and has to take note of their ends."""

import os
import shutil
from pathlib import Path

import pytest

from tests.faults.catalogue import fault
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE, eventually
from tests.support.origin import Origin
from tests.support.processes import descendants, processes

# As the image starts it, https://github.com/krallin/tini.
INIT = ("tini", "-s", "--")


@fault(
    area="processes",
    what="hooks leave processes behind that nobody waits for, in a container of its own",
    then="the init of the image takes note of their ends; none stays as a zombie",
)
def test_orphans(origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given hooks whose grandchildren outlive them, under the init of the image, no dead process is left."""
    if os.geteuid() != 0 or shutil.which(INIT[0]) is None:
        pytest.skip("a process namespace of its own needs root, and tini (Debian: tini)")
    hook, left = tmp_path / "hook", tmp_path / "left"
    hook.write_text(f"#!/bin/sh\nsetsid sh -c 'sleep 0.05 & echo >>{left}'\n")
    hook.chmod(0o755)
    flags = {"repo": origin.url, "root": root, "period": "100ms", "exechook-command": hook}
    flags |= {"http-bind": "127.0.0.1:0", "log-format": "json"}
    launcher = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *INIT)
    arguments = [f"--{name}={value}" for name, value in flags.items()]
    with DaemonProcess(*arguments, workdir=tmp_path / "daemon", launcher=launcher) as daemon:
        daemon.link = root / "site.git"
        for number in range(3):
            daemon.wait_published(origin.commit({"index.html": f"{number}\n"}))
            daemon.until(lambda wanted=number: left.exists() and len(left.read_text()) > wanted)  # type: ignore[misc]
        eventually(lambda: not _dead_below(daemon.pid), timeout=AT_ONCE)


def _dead_below(pid: int) -> list[int]:
    """Return the children of all that a process has started which have ended, and which nobody has waited for."""
    alive = {pid, *descendants(pid)}
    return [process.pid for process in processes() if process.state == "Z" and process.parent in alive]
