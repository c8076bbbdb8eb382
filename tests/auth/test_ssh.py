"""Promise: ssh works with any readable key, knows its hosts, says what is wrong, and needs no name of its user."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitsync.credentials.ssh import Ssh, SshFiles, _find_wrapper
from tests.auth.conftest import StartSecret
from tests.integration.conftest import soon
from tests.support.origin import Origin
from tests.support.sshd import SshServer, make_key

NO_USER = 1_000_650_000


@pytest.fixture
def keys(tmp_path: Path, sshd: SshServer) -> tuple[Path, Path]:
    """Two keys that a group may read, as on a volume with an fsGroup; the server lets in the second one."""
    paths = tmp_path / "first", tmp_path / "second"
    lines = [make_key(path) for path in paths]
    for path in paths:
        path.chmod(0o440)
    sshd.authorize(lines[1])
    return paths


@pytest.fixture
def known_hosts(tmp_path: Path, sshd: SshServer) -> Path:
    """A file with the server's key."""
    file = tmp_path / "hosts"
    file.write_text(sshd.known_hosts)
    return file


def secret_of(key: Path) -> str:
    """Return a line of a private key that nothing else has."""
    return key.read_text().splitlines()[3]


def test_command_of_the_environment(
    start_secret: StartSecret,
    sshd: SshServer,
    keys: tuple[Path, Path],
    known_hosts: Path,
    origin: Origin,
    tmp_path: Path,
) -> None:
    """Given a command for ssh, when a pass runs, then it is used, with the files of the options."""
    used = tmp_path / "used"
    program = tmp_path / "an ssh"
    program.write_text(f'#!/bin/sh\necho "$1" >"{used}"\nexec ssh "$@"\n')
    program.chmod(0o755)
    environment = {"GIT_SSH_COMMAND": f"'{program}' -oCompression=yes"}
    daemon = start_secret(
        sshd.url_of(origin.path),
        secrets=[secret_of(keys[1])],
        environment=environment,
        ssh_key_file=keys[1],
        ssh_known_hosts_file=known_hosts,
    )
    daemon.wait_ready()
    assert used.read_text() == "-oCompression=yes\n"
    assert not daemon.logs("config_warning")


def test_keys_are_tried_in_order(
    start_secret: StartSecret, sshd: SshServer, keys: tuple[Path, Path], known_hosts: Path, origin: Origin
) -> None:
    """Given two keys, when the server knows the second, then passes work; and when it does not, the reason is auth."""
    environment = {"GITSYNC_SSH_KEY_FILE": ":".join(map(str, keys))}
    secrets = [secret_of(key) for key in keys]
    daemon = start_secret(
        sshd.url_of(origin.path), secrets=secrets, environment=environment, ssh_known_hosts_file=known_hosts
    )
    daemon.wait_ready()
    origin.commit({"a": "2"})
    daemon.sync_to(origin.head)
    sshd.authorize()
    event = daemon.sync_by_signal()
    assert event["reason"] == "auth"
    assert "Permission denied (publickey)" in event["message"]


def test_replaced_key_counts_from_the_next_pass(
    start_secret: StartSecret, sshd: SshServer, keys: tuple[Path, Path], known_hosts: Path, origin: Origin
) -> None:
    """Given a key file, when it is replaced, emptied or unreadable, then the next pass says so, or works with it."""
    url = sshd.url_of(origin.path)
    daemon = start_secret(url, secrets=[], ssh_key_file=keys[0], ssh_known_hosts_file=known_hosts)
    daemon.wait_event("sync_finished", reason="auth")
    keys[0].chmod(0o600)
    # As a Secret that was pasted together on another system.
    keys[0].write_bytes(keys[1].read_bytes().replace(b"\n", b"\r\n").rstrip())
    daemon.sync_to(origin.head)
    keys[0].write_text("")
    event = daemon.sync_by_signal()
    assert event["reason"] == "credential"
    assert event["message"] == f"--ssh-key-file={keys[0]}: it is empty"


def test_host_key_that_is_not_the_known_one(
    start_secret: StartSecret, sshd: SshServer, keys: tuple[Path, Path], known_hosts: Path, origin: Origin
) -> None:
    """Given a server with another key than the known one, when a pass fails, then reason and text are clear, and when
    the file is right, the next pass works."""
    sshd.new_host_key()
    url = sshd.url_of(origin.path)
    daemon = start_secret(url, secrets=[], ssh_key_file=keys[1], ssh_known_hosts_file=known_hosts)
    event = daemon.wait_event("sync_finished", reason="host_key")
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in event["message"]
    assert "SHA256:" in event["message"]
    assert "--ssh-known-hosts-file" in event["hint"]
    known_hosts.write_text(
        "another.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJKS2yOgoAgLkdxZqsMKSZFFCFm0KCQMLnrLNIHgYqA\n"
    )
    event = daemon.sync_by_signal()
    assert event["reason"] == "host_key"
    assert "host key is known" in event["message"]
    known_hosts.write_text(sshd.known_hosts)
    daemon.sync_to(origin.head)


def test_hosts_need_not_be_known(
    start_secret: StartSecret, sshd: SshServer, keys: tuple[Path, Path], origin: Origin
) -> None:
    """Given --ssh-known-hosts=false, when the server is an unknown one, then it is believed."""
    url = sshd.url_of(origin.path)
    start_secret(url, secrets=[], ssh_key_file=keys[1], ssh_known_hosts="false").wait_ready()


def test_scp_like_url(start_secret: StartSecret, sshd: SshServer, keys: tuple[Path, Path], origin: Origin) -> None:
    """Given a URL as git's users write it, when the server is given by a setting, then it is followed."""
    url = f"{sshd.user}@host.test:{origin.path}"
    setting = f'"url.ssh://{sshd.user}@127.0.0.1:{sshd.port}/.insteadOf":"{sshd.user}@host.test:/"'
    flags: dict[str, Any] = {"ssh_key_file": keys[1], "ssh_known_hosts": "false", "git_config": setting, "ssh": True}
    start_secret(url, secrets=[], **flags).wait_ready()


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can reach, and NO_USER owns."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as a user that has no name")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        private = directory / "with blank & 100%"
        private.mkdir()
        os.chown(private, NO_USER, NO_USER)
        yield private


@pytest.mark.skipif(_find_wrapper() is None, reason="libnss-wrapper is not installed")
def test_user_without_a_name(sshd: SshServer, keys: tuple[Path, Path], origin: Origin, open_directory: Path) -> None:
    """Given a user id that the system does not know, when git's command for ssh is run as that user, then it works,
    and without it ssh refuses."""
    source = Ssh(SshFiles((keys[1],), None, verify=False, needed=True), directory=open_directory, uid=NO_USER)
    source.refresh(deadline=soon())
    for path in open_directory.iterdir():
        os.chown(path, NO_USER, NO_USER)
    environment = source.environment()
    assert "LD_PRELOAD" not in environment
    # As git calls it: the command for the other side is one word here.
    command = shlex.quote(f"git-upload-pack '{origin.path}'")
    words = f"-p {sshd.port} {sshd.user}@127.0.0.1 {command} </dev/null"
    result = _as_nobody(f"{environment['GIT_SSH_COMMAND']} {words}")
    assert b"refs/heads/main" in result.stdout, result.stderr
    bare = environment["GIT_SSH_COMMAND"]
    bare = bare[bare.index("ssh -o ") :]
    assert b"No user exists for uid" in _as_nobody(f"{bare} {words}").stderr


def _as_nobody(command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        check=False,
        user=NO_USER,
        group=NO_USER,
        extra_groups=[],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
    )
