"""A real server of git's own protocol: one `git daemon` for each connection, in its inetd mode."""

import socket
import subprocess
from pathlib import Path

from tests.support.git import git_environment
from tests.support.stall import LOOPBACK, TcpServer


class GitDaemon(TcpServer):
    """Serves every repository in a directory to anybody."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._before: tuple[str, ...] = ()

    def url_of(self, repository: Path, *, port: int | None = None) -> str:
        """Return a repository's git:// URL, through another port if something stands in front."""
        return f"git://{LOOPBACK}:{port or self.port}/{repository.relative_to(self._directory)}"

    def serve_through(self, *words: str) -> None:
        """Have each daemon be run by a command that begins with these words from now on."""
        self._before = words

    def serve(self, connection: socket.socket) -> None:
        """Hand the connection to a daemon of its own."""
        daemon = ("git", "daemon", "--inetd", "--export-all", f"--base-path={self._directory}", str(self._directory))
        stream = connection.fileno()
        subprocess.run(
            [*self._before, *daemon],
            stdin=stream,
            stdout=stream,
            stderr=subprocess.DEVNULL,
            check=False,
            env=git_environment(),
        )
