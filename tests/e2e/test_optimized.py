"""Promise: all is the same with the settings that the image gives the interpreter, such as no documentation."""

import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path

from bench.programs import INTERPRETER
from gitsync import commands
from tests.conftest import StartDaemon
from tests.support.daemon import PACKAGE_ROOT
from tests.support.eventually import TIMEOUT
from tests.support.origin import Origin

PROJECT = Path(PACKAGE_ROOT)


def test_the_settings_are_the_same_everywhere() -> None:
    """What `scripts/run` and the bench give the interpreter is what the image gives it."""
    image = (PROJECT / "Dockerfile").read_text()
    assert dict(re.findall(r"^ +(PYTHONOPTIMIZE|MALLOC_\w+)=(\S+)", image, re.MULTILINE)) == INTERPRETER
    assert runpy.run_path(str(PROJECT / "scripts" / "run.py"), run_name="run")["INTERPRETER"] == INTERPRETER


def test_a_push_is_followed(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given these settings, when there is a push, then it is published, and the end is orderly."""
    daemon = start_daemon(origin.url, root, "--sync-on-signal=HUP", environment=INTERPRETER)
    daemon.wait_published(origin.head)
    daemon.sync_to(origin.commit({"index.html": "second\n"}))
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_exit() == 0


def test_help() -> None:
    """What is asked for is told as without these settings."""
    whole, optimized = (_printed(settings) for settings in ({}, INTERPRETER))
    assert optimized == whole
    assert all(f"gitsync {name} " in whole for name in commands.NAMES)


def _printed(settings: dict[str, str]) -> str:
    """Return what one process prints that is asked for all there is."""
    asked = [["--man"], *([name, "--help"] for name in sorted(commands.NAMES))]
    code = f"from gitsync.cli import main\nfor arguments in {asked}: main(arguments, {{}})"
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(PROJECT), **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout
