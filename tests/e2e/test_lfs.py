"""Promise: with --lfs consumers see content, and what is missing for that is said at the start."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import PACKAGE_ROOT
from tests.support.eventually import eventually
from tests.support.git_http import GitHttpServer
from tests.support.lfs import LfsContents, needs_lfs
from tests.support.origin import Origin
from tests.support.secrecy import Secrecy

PASSWORD = "aVerySecretWord-4711"


@needs_lfs
def test_daemon(start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given a server that wants a login, when a file of LFS changes, then it is served, and no secret leaves."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    with GitHttpServer(origin.path.parent, username="ada", password=PASSWORD) as server:
        server.lfs = LfsContents()
        server.lfs.commit(origin, {"a.bin": b"first"})
        daemon = start_daemon(
            server.url_of(origin.path), root, "-v9", lfs=True, username="ada", password_file=password, period="50ms"
        )
        with Secrecy(daemon, root=root, secrets=[PASSWORD]) as secrecy:
            daemon.wait_ready()
            assert daemon.link
            file = daemon.link / "a.bin"
            assert file.read_bytes() == b"first"
            server.lfs.commit(origin, {"a.bin": b"second"})
            eventually(lambda: file.read_bytes() == b"second")
        secrecy.check()


@pytest.mark.parametrize("version", [None, "git-lfs/2.13.1 (GitHub; linux amd64)"], ids=["missing", "old"])
def test_no_git_lfs(origin: Origin, root: Path, tmp_path: Path, version: str | None) -> None:
    """Given no git-lfs, or an old one, when it is started or checked, then it says what to install, and ends."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    if version:
        (programs / "git-lfs").write_text(f"#!/bin/sh\necho '{version}'\n")
        (programs / "git-lfs").chmod(0o755)
    environment = {"PATH": str(programs), "PYTHONPATH": str(PACKAGE_ROOT), "HOME": os.environ["HOME"]}
    options = ["--lfs", f"--repo={origin.url}", f"--root={root}", "--http-bind=off", "--log-format=json"]
    ended = subprocess.run(
        [sys.executable, "-m", "gitsync", *options], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    said = json.loads(ended.stderr.splitlines()[-1])
    assert said["reason"] == "lfs"
    assert "install git-lfs 3.0" in said["hint"]
    checked = subprocess.run(
        [sys.executable, "-m", "gitsync", "check", "--json", *options[:-1]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = {one["check"]: one["outcome"] for one in json.loads(checked.stdout)["checks"]}
    assert outcomes["lfs"] == "failed"
