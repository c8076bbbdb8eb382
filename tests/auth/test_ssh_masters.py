"""Promise: polls over ssh share a connection, which nobody notices when it fails, and which ends with the process."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.eventually import eventually
from tests.support.origin import Content, Gitlink, Origin
from tests.support.processes import Process
from tests.support.sshd import SshServer, make_key

Start = Callable[..., DaemonProcess]


@pytest.fixture
def key(tmp_path: Path, sshd: SshServer) -> Path:
    """A key that the server lets in."""
    path = tmp_path / "key"
    sshd.authorize(make_key(path))
    return path


@pytest.fixture
def tmpdir() -> Iterator[str]:
    """A temporary directory with room for the name of a socket."""
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as directory:
        yield directory


@pytest.fixture
def start(
    tmpdir: str, start_daemon: StartDaemon, sshd: SshServer, key: Path, origin: Origin, root: Path
) -> Callable[..., DaemonProcess]:
    """Start a daemon that follows `origin` over ssh."""

    def start(
        *, ssh_command: str = "ssh", tmpdir: Path | str = tmpdir, path: object = os.environ["PATH"], **options: object
    ) -> DaemonProcess:
        environment = {"TMPDIR": str(tmpdir), "GIT_SSH_COMMAND": ssh_command, "PATH": str(path)}
        flags = {"period": "100ms", "ssh_key_file": key, "ssh_known_hosts": "false", **options}
        daemon = start_daemon(sshd.url_of(origin.path), root, "-v1", environment=environment, **flags)
        daemon.wait_ready()
        return daemon

    return start


def wait_passes(daemon: DaemonProcess, count: int) -> None:
    """Wait for so many passes from now on, which have to succeed."""
    for event in daemon.wait_events("sync_finished", count=count, since=daemon.mark()):
        assert event["outcome"] != "failed", daemon.describe()


def master_of(daemon: DaemonProcess) -> Process:
    """Return the process that keeps the connection."""
    daemon.wait_event("ssh_kept")
    (found,) = [process for process in daemon.descendants() if "-M" in process.arguments]
    return found


@pytest.mark.parametrize(
    "limits",
    [(), ("MaxSessions 1",), ("ClientAliveInterval 1", "ClientAliveCountMax 1")],
    ids=["", "sessions", "alive"],
)
def test_idle_polls_share_a_connection(start: Start, sshd: SshServer, origin: Origin, limits: tuple[str, ...]) -> None:
    """Given a short period, when nothing happens, then no more connections are made, and updates come over it, also
    where the server allows one session at a time, or wants to be answered."""
    sshd.configure(*limits)
    daemon = start()
    daemon.wait_event("ssh_kept")
    wait_passes(daemon, 5)
    assert sshd.accepted == 2
    origin.commit({"a": "2"})
    daemon.wait_published(origin.head)
    wait_passes(daemon, 1)
    assert sshd.accepted == 2
    assert set(sshd.protocols) == {"version=2"}
    assert len(daemon.logs("ssh_kept")) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probe": "git"}, "--probe=git"),
        ({"ssh_command": "ssh -o ControlMaster=no"}, "the command for ssh sets ControlMaster"),
    ],
    ids=["asked for", "somebody else's"],
)
def test_each_poll_has_its_own(start: Start, sshd: SshServer, options: dict[str, str], message: str) -> None:
    """Given an option or a command that wants it, when polls run, then each has a connection of its own."""
    daemon = start(**options)
    before = sshd.accepted
    wait_passes(daemon, 4)
    # The connection of the first may have been there already.
    assert sshd.accepted >= before + 3
    assert [event["message"] for event in daemon.logs("ssh_not_kept")] == [message]


def test_long_period(start: Start) -> None:
    """Given a long period, when a pass is over, then no connection stays."""
    daemon = start(period="1h")
    daemon.wait_event("ssh_let_go")
    daemon.check_nothing_runs()


def test_new_key_is_a_new_connection(start: Start, sshd: SshServer, key: Path) -> None:
    """Given a key that is replaced, when the next pass runs, then it logs in with the new one."""
    daemon = start()
    before = master_of(daemon)
    mark = daemon.mark()
    sshd.authorize(make_key(key))
    daemon.wait_event("ssh_let_go", message="a key or the known hosts have changed", since=mark)
    daemon.wait_event("ssh_kept", since=mark)
    wait_passes(daemon, 2)
    assert master_of(daemon).pid != before.pid


def stop_master(daemon: DaemonProcess, sshd: SshServer) -> None:
    os.kill(master_of(daemon).pid, signal.SIGSTOP)


def kill_master(daemon: DaemonProcess, sshd: SshServer) -> None:
    os.kill(master_of(daemon).pid, signal.SIGKILL)


def drop_connection(daemon: DaemonProcess, sshd: SshServer) -> None:
    daemon.wait_event("ssh_kept")
    sshd.drop()


def freeze_server(daemon: DaemonProcess, sshd: SshServer) -> None:
    """Leave the connection as it is, and nobody there who answers."""
    daemon.wait_event("ssh_kept")
    sshd.signal(signal.SIGSTOP)


def break_command(daemon: DaemonProcess, sshd: SshServer) -> None:
    daemon.wait_event("ssh_kept")
    sshd.before_next("kill -9 $PPID")


def hang_command(daemon: DaemonProcess, sshd: SshServer) -> None:
    daemon.wait_event("ssh_kept")
    sshd.before_next("exec cat")


@pytest.mark.parametrize(
    "harm", [stop_master, kill_master, drop_connection, freeze_server, break_command, hang_command]
)
def test_connection_that_fails(
    start: Start, sshd: SshServer, origin: Origin, harm: Callable[[DaemonProcess, SshServer], None]
) -> None:
    """Given a connection that is kept, when it hangs or is gone, then the next pass succeeds all the same."""
    daemon = start(period="1s", jitter="0", sync_timeout="10s")
    wait_passes(daemon, 1)
    mark = daemon.mark()
    harm(daemon, sshd)
    try:
        origin.commit({"a": "2"})
        daemon.wait_published(origin.head)
        assert not daemon.logs("sync_finished", since=mark, outcome="failed")
        daemon.wait_event("ssh_let_go", since=mark)
    finally:
        sshd.signal(signal.SIGKILL)


@pytest.mark.parametrize("ending", ["exit 1", "exec sleep 60"], ids=["fails", "hangs"])
def test_connection_that_cannot_be_kept(start: Start, sshd: SshServer, tmp_path: Path, ending: str) -> None:
    """Given an ssh that fails when it is to keep a connection, when passes run, then they succeed, and it is tried
    once in a while only."""
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\ncase " $* " in *" -M "*) {ending};; esac\nexec ssh "$@"\n')
    program.chmod(0o755)
    daemon = start(ssh_command=str(program), sync_timeout="4s")
    daemon.wait_event("ssh_let_go", message="it could not be made")
    daemon.check_nothing_runs()
    before = sshd.accepted
    wait_passes(daemon, 4)
    assert len(daemon.logs("ssh_let_go")) == 1
    assert not daemon.logs("sync_finished", outcome="failed")
    # That of the first may have been there already.
    assert sshd.accepted >= before + 3


def test_no_room_for_the_socket(start: Start, tmpdir: str) -> None:
    """Given a long path of the temporary directory, when passes run, then they go without, and it is said why."""
    directory = Path(tmpdir) / ("d" * 30)
    directory.mkdir()
    daemon = start(tmpdir=directory)
    wait_passes(daemon, 2)
    (event,) = daemon.logs("ssh_not_kept")
    assert event["message"].startswith("the path of the temporary directory is too long: /tmp/")


def test_submodules_on_another_server(
    start: Start, sshd: SshServer, key: Path, make_origin: Callable[..., Origin], origin: Origin, tmp_path: Path
) -> None:
    """Given submodules on another server, when they are fetched, then each server has a connection of its own."""
    with SshServer(tmp_path / "sshd-2") as other:
        other.authorize(key.with_name("key.pub").read_text())
        files: dict[str, Content] = {}
        modules = ""
        for name in ("one", "two"):
            part = make_origin(f"{name}.git")
            files[name] = Gitlink(part.commit({"file": name}))
            modules += f'[submodule "{name}"]\n\tpath = {name}\n\turl = {other.url_of(part.path)}\n'
        origin.commit({".gitmodules": modules, **files})
        daemon = start()
        daemon.wait_published(origin.head)
        assert (sshd.accepted, other.accepted) == (2, 2)
        masters = [process.arguments for process in daemon.descendants() if "-M" in process.arguments]
        assert {words[words.index("-p") + 1] for words in masters} == {str(sshd.port), str(other.port)}


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGTERM, signal.SIGTERM], [signal.SIGKILL]], ids=str)
@pytest.mark.parametrize("stopped", [False, True], ids=["", "stopped"])
def test_it_ends_with_the_process(start: Start, numbers: list[int], stopped: bool) -> None:
    """Given a connection that is kept, when the process ends in any way, then it is gone, even if it hangs."""
    daemon = start()
    master = master_of(daemon)
    if stopped:
        os.kill(master.pid, signal.SIGSTOP)
    for number in numbers:
        daemon.signal(number)
    daemon.wait_exit()
    daemon.check_nothing_runs()
    eventually(lambda: not Path(f"/proc/{master.pid}").exists())


@pytest.mark.parametrize("count", [1, 2])
def test_it_is_ended_where_the_system_does_not_help(start: Start, tmp_path: Path, count: int) -> None:
    """Given a system without setpriv, when the process is told to end, then the connection is gone too."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "ssh", "sh", "env", "rm", "du"):
        (programs / name).symlink_to(str(shutil.which(name)))
    daemon = start(path=programs)
    master_of(daemon)
    for _ in range(count):
        daemon.signal(signal.SIGTERM)
    daemon.wait_exit()
    daemon.check_nothing_runs()
