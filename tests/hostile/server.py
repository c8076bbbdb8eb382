"""A git server over http that is right until it is told to attack: then its answers are what a test says."""

import gzip
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.git import git_environment
from tests.support.serving import Handler, Server, Serving

FLUSH = b"0000"


def pkt(content: bytes) -> bytes:
    """Return a line of git's protocol. https://git-scm.com/docs/protocol-common"""
    return b"%04x%s" % (len(content) + 4, content)


@dataclass(frozen=True)
class Attack:
    """What is answered to a question: `about` is what the question has in it, `parts` come until they end."""

    about: bytes
    parts: Callable[[], Iterable[bytes]]
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


class HostileServer(Serving):
    """Serves the repositories in a directory on a free port; `attack` is None as long as it is right."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.attack: Attack | None = None
        self.attacked = 0
        super().__init__(_Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self})))

    def url_of(self, repository: Path) -> str:
        """Return a repository's URL."""
        return f"http://127.0.0.1:{self.port}/{repository.relative_to(self.directory)}"


class _Server(Server):
    daemon_threads = True
    block_on_close = False


class _Handler(Handler):
    owner: HostileServer

    def do_GET(self) -> None:
        self._answer(b"info/refs", ["--http-backend-info-refs"], b"", "application/x-git-upload-pack-advertisement")

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self._answer(body, [], body, "application/x-git-upload-pack-result")

    def _answer(self, question: bytes, options: list[str], body: bytes, kind: str) -> None:
        attack = self.owner.attack
        if attack and attack.about in question:
            self.owner.attacked += 1
            self._send(attack.status, {"Content-Type": kind, **attack.headers}, attack.parts())
            return
        repository = self.owner.directory / self.path.split("/")[1]
        version = {"GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        command = ["git", "upload-pack", "--stateless-rpc", *options, str(repository)]
        environment = {**git_environment(), **version}
        answer = subprocess.run(command, input=body, capture_output=True, check=False, env=environment).stdout
        service = pkt(b"# service=git-upload-pack\n") + FLUSH if options and b"version 2" not in answer else b""
        self._send(200, {"Content-Type": kind}, [service + answer])

    def _send(self, status: int, headers: dict[str, str], parts: Iterable[bytes]) -> None:
        """Send until it is all, or nobody listens any more; the connection ends with it."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for part in parts:
            if self.owner.closing.is_set():
                return
            self.wfile.write(part)
