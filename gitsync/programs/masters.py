"""Connections of ssh that are kept, so that a command over one need not log in: one for each user, host and port.

A handshake costs more than ten times what a question over a connection does. So a server that git has reached twice
within some minutes is connected to by an ssh of ours (a master), which git's ssh then uses, and which ends when nobody
has needed it for as long. It is never git's own child, so it is not ended with git's process group, and does not
outlive ours. Git works without one just as well: what goes wrong with it ends it, and it is not tried again for a
while. Called by the worker's thread; `cancel` and `kill` by the main thread.
"""

import shlex
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base.backoff import backoff
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig, ssh_destination
from gitsync.programs.master import Master
from gitsync.programs.sshcommand import sharing_obstacle

_COMMAND: Final = "GIT_SSH_COMMAND"
# Seconds without use after which a connection is not kept: over a longer time it saves less than 0.3 ms of CPU a
# second, takes some megabytes here and there, and many a server or router ends it.
_WORTH: Final = 300.0
# Seconds after which a server is connected to anew: a name may lead to another one, and a key may have been revoked.
_OLDEST: Final = 900.0
# Of one repository, at the same time.
_MOST: Final = 4
# Seconds that a handshake may take, as git's own ssh has it, and the part of a pass's time.
_HANDSHAKE: Final = 20.0
_PART: Final = 0.25
# Seconds without one after it has misbehaved.
_ASIDE: Final = 60.0
_LONGEST_ASIDE: Final = 3600.0
# sun_path has room for 108 bytes; ssh takes a hash of 40 for the name, and 17 more while it makes the socket.
_ROOM: Final = 107 - 1 - 40 - 17


@dataclass
class _Server:
    """What is known of a user at a host and port; `generation` is that of the keys, `used` counts commands."""

    reached_at: float
    master: Master | None = None
    generation: int = 0
    used: int = 0
    failures: int = 0
    aside_until: float = 0.0


class Masters:
    """The kept connections of one repository, with their sockets in a private directory."""

    def __init__(self, repo: RepoConfig, directory: Path) -> None:
        self._log = get_logger(repo=repo.name)
        self._directory = directory
        self._never = "--probe=git" if repo.git.probe == "git" else None
        if len(str(directory).encode()) > _ROOM:
            self._never = f"the path of the temporary directory is too long: {directory}"
        self._rests_for_long = repo.schedule.period > _WORTH
        self._servers: dict[tuple[str, ...], _Server] = {}
        self._told: str | None = None
        # The handler of a second signal may interrupt the main thread while it holds it.
        self._guard = threading.RLock()
        self._cancelled = False

    def lead(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return variables for git with which its ssh finds the connections; it makes its own where there is none."""
        led = dict(environment)
        if any(server.master for server in self._servers.values()):
            led[_COMMAND] += f" {self._socket_option} -o ControlMaster=no"
        return led

    def prepare(self, url: str, environment: Mapping[str, str], *, generation: int, deadline: float) -> bool:
        """Have a connection ready for a command to this URL, if there should be one, and say so; raise nothing.

        `environment` has the command for ssh, `generation` grows with each change of keys or known hosts.
        """
        destination = ssh_destination(url)
        server = self._servers.get(destination) if destination else None
        command = environment.get(_COMMAND)
        if server is None or destination is None or command is None or self._obstacle(command):
            return False
        if server.master:
            self._check(destination, server, server.master, generation)
        if server.master is None and self._is_worth(server):
            server.generation, server.used = generation, 0
            self._start(destination, server, command, deadline=deadline)
        server.used += 1
        return server.master is not None

    def reached(self, url: str) -> None:
        """Hear that a command has reached the server of this URL."""
        destination = ssh_destination(url)
        if destination:
            now = time.monotonic()
            self._servers.setdefault(destination, _Server(now)).reached_at = now

    def drop(self, *, why: str) -> bool:
        """End all connections, because something went wrong that may be their fault; say whether there were any."""
        kept = [(destination, server) for destination, server in self._servers.items() if server.master]
        for destination, server in kept:
            self._end(destination, server, why=why, misbehaved=True)
        return bool(kept)

    def rest(self) -> None:
        """End the connections that are not worth it until the next pass."""
        for destination, server in list(self._servers.items()):
            unused = time.monotonic() - server.reached_at > _WORTH
            if server.master and (unused or self._rests_for_long):
                self._end(destination, server, why="nobody needs it for long")
            if unused and time.monotonic() >= server.aside_until:
                del self._servers[destination]

    def cancel(self) -> None:
        """End all, and start no more."""
        with self._guard:
            self._cancelled = True
            for server in list(self._servers.values()):
                if server.master:
                    server.master.kill()

    def _obstacle(self, command: str) -> str | None:
        found = self._never or sharing_obstacle(command)
        if found != self._told:
            self._told = found
            self._log.info("ssh_not_kept", v=1, message=found)
        return found

    def _is_worth(self, server: _Server) -> bool:
        now = time.monotonic()
        running = sum(1 for other in self._servers.values() if other.master)
        return now >= server.aside_until and now - server.reached_at <= _WORTH and running < _MOST

    def _check(self, destination: tuple[str, ...], server: _Server, master: Master, generation: int) -> None:
        """End a connection that is not as it should be."""
        if server.generation != generation:
            self._end(destination, server, why="a key or the known hosts have changed")
        elif master.age > _OLDEST:
            self._end(destination, server, why="it is old")
        elif not master.answers():
            # One that has served more than once was worth it.
            self._end(destination, server, why="it is gone, or hangs", misbehaved=server.used < 2)

    def _start(self, destination: tuple[str, ...], server: _Server, command: str, *, deadline: float) -> None:
        now = time.monotonic()
        # What git adds for its protocol goes through as well.
        options = "-M -N -T -o ControlPersist=no -o SendEnv=GIT_PROTOCOL"
        words = " ".join(map(shlex.quote, destination))
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            with self._guard:
                if self._cancelled:
                    return
                server.master = Master(f"{command} {self._socket_option} {options} {words}", sockets=self._directory)
        except OSError as error:
            self._end(destination, server, why=str(error), misbehaved=True)
            return
        limit = now + min(_HANDSHAKE, max(0.0, deadline - now) * _PART)
        if server.master.wait(deadline=limit, cancelled=lambda: self._cancelled):
            self._log.info("ssh_kept", v=1, server=destination[-1], duration=round(time.monotonic() - now, 3))
        else:
            self._end(destination, server, why="it could not be made", misbehaved=True)

    def _end(self, destination: tuple[str, ...], server: _Server, *, why: str, misbehaved: bool = False) -> None:
        if server.master:
            server.master.end()
        server.master = None
        server.failures = server.failures + 1 if misbehaved else 0
        if misbehaved:
            aside = backoff(_ASIDE, failures=server.failures, most=_LONGEST_ASIDE)
            server.aside_until = time.monotonic() + aside
        self._log.info("ssh_let_go", v=1, server=destination[-1], message=why)

    @property
    def _socket_option(self) -> str:
        """The name is a hash of user, host and port, so no client can take the connection of another server."""
        path = str(self._directory).replace("%", "%%")
        return "-o " + shlex.quote(f'ControlPath="{path}/%C"')
