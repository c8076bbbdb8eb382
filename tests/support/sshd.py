"""A real OpenSSH server: one sshd for each connection, in its inetd mode, so a free port is ours before it starts."""

import contextlib
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from tests.support.processes import descendants
from tests.support.stall import TcpServer

CONFIGURATION = """\
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
AcceptEnv GIT_PROTOCOL
MaxAuthTries 4
LogLevel VERBOSE
ForceCommand if mv {directory}/next {directory}/now 2>/dev/null; then . {directory}/now; fi; \
if test -f "{directory}/answers/${{SSH_ORIGINAL_COMMAND%% *}}"; then \
. "{directory}/answers/${{SSH_ORIGINAL_COMMAND%% *}}"; exit; fi; \
echo "$GIT_PROTOCOL" >>{directory}/protocols; exec git shell -c "$SSH_ORIGINAL_COMMAND"
"""


def make_key(path: Path, *, comment: str = "test") -> str:
    """Make a key pair; return the public key's line."""
    path.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.with_name(f"{path.name}.pub").read_text()


def find_sshd() -> str | None:
    """Return the program, None if there is none."""
    return shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", os.defpath))


class SshServer(TcpServer):
    """Lets in whoever has an authorized key, for git and nothing else."""

    def __init__(self, directory: Path) -> None:
        program = find_sshd()
        if program is None:
            import pytest  # the bench does without

            pytest.skip("there is no sshd (Debian: openssh-server)")
        super().__init__()
        self._program = program
        self._directory = directory
        self._log_lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.log = ""
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # Made by the system's own start script, which nobody runs here.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.new_host_key()
        self.authorize()
        (directory / "sshd_config").write_text(CONFIGURATION.format(directory=directory))

    def configure(self, *lines: str) -> None:
        """Add to the configuration, for connections from now on; what is set there already stays."""
        with (self._directory / "sshd_config").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def new_host_key(self) -> None:
        """Turn to another host key, as a server that was set up again does."""
        self._host_key = make_key(self._directory / "host_key")

    def authorize(self, *public_keys: str) -> None:
        """Let in these keys, and no other."""
        (self._directory / "authorized_keys").write_text("".join(public_keys))

    @property
    def protocols(self) -> list[str]:
        """What each command that was let in has said of the protocol."""
        file = self._directory / "protocols"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def known_hosts(self) -> str:
        """The line that known_hosts needs to have."""
        return f"[127.0.0.1]:{self.port} {self._host_key}"

    def url_of(self, repository: Path) -> str:
        """Return a repository's ssh:// URL."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{repository}"

    def before_next(self, command: str) -> None:
        """Have a command for the shell done before the next one of a client."""
        (self._directory / "next").write_text(f"{command}\n")

    def answer(self, program: str, command: str) -> None:
        """Have a command for the shell done in the place of a program."""
        directory = self._directory / "answers"
        directory.mkdir(exist_ok=True)
        (directory / program).write_text(f"{command}\n")

    def serve_through(self, *words: str) -> None:
        """Have git served by a command that begins with these words from now on; without any, as it should be."""
        if words:
            self.answer("git-upload-pack", f'{shlex.join(words)} git shell -c "$SSH_ORIGINAL_COMMAND"')
        else:
            (self._directory / "answers" / "git-upload-pack").unlink(missing_ok=True)

    def signal(self, number: int) -> None:
        """Send a signal to all that serves a connection now."""
        with self._log_lock:
            servers = [process.pid for process in self._running]
        for process in (member for pid in servers for member in (pid, *descendants(pid))):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def serve(self, connection: socket.socket) -> None:
        """Hand the connection to an sshd of its own."""
        command = [self._program, "-i", "-e", "-f", str(self._directory / "sshd_config")]
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        with subprocess.Popen(
            command,
            stdin=connection.fileno(),
            stdout=connection.fileno(),
            stderr=subprocess.PIPE,
            env=environment,
        ) as process:
            with self._log_lock:
                self._running.add(process)
            told = process.communicate()[1]
        with self._log_lock:
            self._running.discard(process)
            self.log += told.decode(errors="replace")
