"""Promise: `gitsync check` says what a gitsync with the same options would meet, in a bounded time, without a trace."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import StartDaemon
from tests.e2e.test_commands import run
from tests.support.daemon import PACKAGE_ROOT
from tests.support.eventually import TIMEOUT, eventually
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.stall import SilentServer

WELL, FAILED = 0, 1
PASSWORD = "Tr0ub4dor-and-3"


def everything(directory: Path) -> dict[str, int]:
    """Return all that is below a directory, with its times."""
    return {str(path): path.lstat().st_mtime_ns for path in directory.rglob("*")}


def test_options_and_variables(origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given options and variables of the daemon, when it is checked, then both count, and nothing is left behind."""
    before = everything(tmp_path)
    variables = {"GITSYNC_ROOT": str(root), "GITSYNC_HTTP_BIND": "127.0.0.1:0", "TMPDIR": str(tmp_path)}
    code, said = run("check", "--repo", origin.url, "--ref=main", **variables)
    assert code == WELL, said
    assert f"refs/heads/main is at {origin.head}" in said
    assert everything(tmp_path).keys() == before.keys()


def test_secrets(origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given a password that is refused, when it is checked, then it fails, and nothing that is printed shows it."""
    variables = {"GITSYNC_ROOT": str(root), "GITSYNC_HTTP_BIND": "off", "TMPDIR": str(tmp_path)}
    with GitHttpServer(origin.path.parent, username="ada", password="another") as server:
        url = server.url_of(origin.path).replace("//", f"//ada:{PASSWORD}@")
        for form in ([], ["--json"]):
            ended = subprocess.run(
                [sys.executable, "-m", "gitsync", "check", *form, "-v9"],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE_ROOT), "GITSYNC_REPO": url, **variables},
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            assert ended.returncode == FAILED
            assert "access" in ended.stdout
            assert PASSWORD not in ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    assert {one["check"]: one["outcome"] for one in told["checks"]}["access"] == "failed"


def test_beside_a_daemon(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a daemon, when it is checked with its options, then nothing fails, and what is published stays."""
    daemon = start_daemon(origin.url, root)
    daemon.wait_ready()
    link = os.readlink(root / "site.git")
    code, said = run("check", "--repo", origin.url, "--root", str(root), f"--http-bind=127.0.0.1:{daemon.port}")
    assert code == WELL, said
    assert f"is in use ({daemon.pid} on " in said
    assert "MB, is here already" in said
    assert os.readlink(root / "site.git") == link
    assert not [path for path in root.iterdir() if path.name.startswith(".site")]


def test_signal(silent_server: SilentServer, root: Path, tmp_path: Path) -> None:
    """Given a server that says nothing, when it is ended, then its private files and its git go with it."""
    command = ["check", "--http-bind=off", f"--root={root}", f"--repo=git://127.0.0.1:{silent_server.port}/site.git"]
    with subprocess.Popen(
        [sys.executable, "-m", "gitsync", *command],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE_ROOT), "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        eventually(lambda: list(tmp_path.glob("gitsync-*/0/gitconfig")))
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 130
    assert not list(tmp_path.glob("gitsync-*"))
