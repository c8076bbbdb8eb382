"""A git server over http that is right until it is told to attack: then its answers are what a test says."""

import gzip
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.git import git_environment
from tests.support.web import Asked, Reply, WebServer

FLUSH, DELIMITER = b"0000", b"0001"


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


class HostileServer(WebServer):
    """Serves the repositories in a directory on a free port; `attack` is None as long as it is right."""

    def __init__(self, directory: Path) -> None:
        super().__init__(self._answer)
        self.directory = directory
        self.attack: Attack | None = None
        self.attacked = 0

    def url_of(self, repository: Path) -> str:
        """Return a repository's URL."""
        return f"{self.url}/{repository.relative_to(self.directory)}"

    def _answer(self, asked: Asked) -> Reply:
        discovers = asked.method == "GET"
        body = gzip.decompress(asked.body) if asked.headers.get("Content-Encoding") == "gzip" else asked.body
        kind = f"application/x-git-upload-pack-{'advertisement' if discovers else 'result'}"
        attack = self.attack
        if attack and attack.about in (b"info/refs" if discovers else body):
            self.attacked += 1
            return Reply(attack.status, headers={"Content-Type": kind, **attack.headers}, parts=attack.parts())
        options = ["--http-backend-info-refs"] if discovers else []
        command = ["git", "upload-pack", "--stateless-rpc", *options, str(self.directory / asked.path.split("/")[1])]
        environment = {**git_environment(), "GIT_PROTOCOL": asked.headers.get("Git-Protocol", "")}
        answer = subprocess.run(command, input=body, capture_output=True, check=False, env=environment).stdout
        service = pkt(b"# service=git-upload-pack\n") + FLUSH if discovers and b"version 2" not in answer else b""
        return Reply(body=service + answer, headers={"Content-Type": kind})
