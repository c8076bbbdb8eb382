"""Keys and host keys for ssh, and a name for a user that has none.

ssh refuses keys that others may read, as those of a volume with an fsGroup are, so it is given private copies. It also
refuses to run for a user id that the system knows no name of, as clusters like to assign; there, and only there, a
library that adds one is loaded into ssh (https://cwrap.org/nss_wrapper.html), which needs no writable /etc/passwd.
"""

import os
import pwd
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base.errors import CredentialError
from gitsync.base.log import get_logger
from gitsync.config import GitSetting, RepoConfig, transport
from gitsync.credentials.base import GivenLogin, PrivateFile, read_file, read_lines, write_private
from gitsync.credentials.keys import private_key

DEFAULT_KEY: Final = Path("/etc/git-secret/ssh")
DEFAULT_KNOWN_HOSTS: Final = Path("/etc/git-secret/known_hosts")
_KEY_OPTION: Final = "--ssh-key-file"
_HOSTS_OPTION: Final = "--ssh-known-hosts-file"
_ALWAYS: Final = ("BatchMode=yes", "ConnectTimeout=20", "ServerAliveCountMax=2")
# A server that does not even answer to that is gone after 20 seconds, as one of https is.
_QUIET: Final = 10
# Where there is little time for a pass it has to know soon, so that there is time for another connection.
_QUESTIONS: Final = 6
_WRAPPER: Final = "libnss_wrapper.so"
_LIBRARIES: Final = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


@dataclass(frozen=True)
class SshFiles:
    """The files that were asked for, or that lie where they usually do, and the command that they are for."""

    keys: tuple[Path, ...]
    known_hosts: Path | None
    verify: bool
    # Whether the repository itself is reached by ssh; only submodules may be, otherwise.
    needed: bool
    # For the shell; what it says goes before our options, as ssh takes the first value of each.
    command: str = "ssh"
    # Seconds that a pass may take.
    timeout: float = 60.0

    @classmethod
    def of(cls, repo: RepoConfig, *, command: str) -> "SshFiles":
        """Return the files of a configuration."""
        ssh = repo.auth.ssh
        needed = transport(repo.repo) == "ssh"
        return cls(ssh.key_file, ssh.known_hosts_file, ssh.known_hosts, needed, command, repo.schedule.sync_timeout)


class Ssh:
    """Keeps the copies up to date, and puts the command together."""

    def __init__(self, files: SshFiles, *, directory: Path, uid: int | None = None) -> None:
        self._files = files
        self._directory = directory
        self._uid = os.geteuid() if uid is None else uid
        self._keys = [PrivateFile(directory / f"ssh-key-{index}") for index in range(len(files.keys) or 1)]
        self._known_hosts = PrivateFile(directory / "known_hosts")
        self._used: list[Path] = []
        self._hosts_used = False
        self._told: set[Path] = set()
        self._wrapping: dict[str, str] | None = None

    @property
    def generation(self) -> int:
        """Grows whenever a key or the known hosts change."""
        return sum(file.generation for file in (*self._keys, self._known_hosts))

    def refresh(self, *, deadline: float) -> None:
        """Copy the files again."""
        used = []
        for path, copy in zip(self._files.keys or (DEFAULT_KEY,), self._keys, strict=True):
            if self._copy(path, copy, _read_key, asked_for=bool(self._files.keys)):
                used.append(copy.path)
        self._used = used
        if self._files.verify:
            named = self._files.known_hosts
            path = named or DEFAULT_KNOWN_HOSTS
            self._hosts_used = self._copy(path, self._known_hosts, _read_hosts, asked_for=named is not None)
        if self._wrapping is None:
            self._wrapping = self._name_user()

    def _copy(self, path: Path, copy: PrivateFile, read: Callable[[Path], str], *, asked_for: bool) -> bool:
        """Return whether there is such a file.

        One that nobody asked for may be missing, and all may where ssh may not be needed at all.
        """
        if not asked_for and _missing(path):
            copy.drop()
            return False
        try:
            copy.write(read(path))
        except CredentialError as error:
            if self._files.needed:
                raise
            if asked_for and path not in self._told:
                get_logger().warning("ssh_file_unusable", message=str(error), hint="submodules may need it")
                self._told.add(path)
            copy.drop()
            return False
        self._told.discard(path)
        return True

    def _name_user(self) -> dict[str, str]:
        """Return the variables with which ssh finds a name for this user; raise `CredentialError`."""
        try:
            pwd.getpwuid(self._uid)
            return {}
        except KeyError:
            pass
        library = _find_wrapper()
        if library is None:
            if not self._files.needed:
                return {}
            raise CredentialError(
                f"the user id {self._uid} has no name, without which ssh does not run",
                hint="install libnss-wrapper, or give the user an entry in /etc/passwd",
            )
        passwd, group = self._directory / "passwd", self._directory / "group"
        gid = os.getegid()
        write_private(passwd, f"git-sync:x:{self._uid}:{gid}::{self._directory}:/bin/sh\n")
        write_private(group, f"git-sync:x:{gid}:\n")
        return {"LD_PRELOAD": str(library), "NSS_WRAPPER_PASSWD": str(passwd), "NSS_WRAPPER_GROUP": str(group)}

    def refused(self) -> bool:
        """The keys may have changed since they were read."""
        return True

    def settings(self) -> list[GitSetting]:
        """Return nothing."""
        return []

    def logins(self) -> list[GivenLogin]:
        """Return none."""
        return []

    def environment(self) -> dict[str, str]:
        """Return the command, for git and for nobody else; the library is for ssh alone."""
        quiet = max(1, min(_QUIET, int(self._files.timeout / _QUESTIONS)))
        options = [*_ALWAYS, f"ServerAliveInterval={quiet}", *self._host_options()]
        if self._used:
            # Others, such as those of an agent, would use up the tries that a server allows.
            options += ["IdentitiesOnly=yes", *(f"IdentityFile={_quoted(path)}" for path in self._used)]
        words = [f"{name}={shlex.quote(value)}" for name, value in (self._wrapping or {}).items()]
        words += [self._files.command, *(f"-o {shlex.quote(option)}" for option in options)]
        # git tells by the first word which ssh it is, and asks it at length if that does not help.
        return {"GIT_SSH_COMMAND": " ".join(words), "GIT_SSH_VARIANT": "ssh"}

    def _host_options(self) -> list[str]:
        if not self._files.verify:
            nowhere = ["UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null"]
            # Else it says at each call that it has added the key.
            return ["StrictHostKeyChecking=no", *nowhere, "LogLevel=ERROR"]
        files = [f"UserKnownHostsFile={_quoted(self._known_hosts.path)}"] if self._hosts_used else []
        return ["StrictHostKeyChecking=yes", *files]


def _read_key(path: Path) -> str:
    """Return the key of a file; raise `CredentialError`."""
    return private_key(read_file(path, option=_KEY_OPTION), given=f"{_KEY_OPTION}={path}")


def _read_hosts(path: Path) -> str:
    """Return the known hosts of a file; raise `CredentialError`."""
    return read_lines(path, option=_HOSTS_OPTION)


def _missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _quoted(path: Path) -> str:
    """Return a path as ssh_config(5) wants it: blanks in quotes, percent signs doubled."""
    escaped = str(path).replace("%", "%%")
    return f'"{escaped}"'


def _find_wrapper() -> Path | None:
    for directory in map(Path, _LIBRARIES):
        for pattern in (_WRAPPER, f"*/{_WRAPPER}"):
            for found in directory.glob(pattern):
                return found
    return None
