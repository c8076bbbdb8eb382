"""A git server in a container: the test pushes to it, and other containers fetch from it, over smart HTTP."""

from collections.abc import Mapping
from pathlib import Path

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from tests.support.docker_engine import labelled, run_in
from tests.support.eventually import eventually
from tests.support.git import git, run_git
from tests.support.origin import Content, Origin

NAME = "origin"
PORT = 80


class Remote:
    """A repository on the server, with a local twin that the test commits to."""

    def __init__(self, origin: Origin, *, url: str, push_url: str) -> None:
        self.origin = origin
        self.url = url
        self.push_url = push_url

    def push(self, files: Mapping[str, Content], *, message: str = "A change") -> str:
        """Commit changed files, push them, and return the commit."""
        commit = self.origin.commit(files, message=message)
        run_git(self.origin.path, "push", "--quiet", self.push_url, self.origin.default_branch)
        return commit


class GitServer:
    """The server; repositories live in the container and go with it."""

    def __init__(self, image: str, network: Network) -> None:
        self.container: DockerContainer = labelled(image).with_exposed_ports(PORT)
        self.container.with_network(network).with_network_aliases(NAME)

    def start(self) -> "GitServer":
        """Start it and wait until it answers."""
        self.container.start()
        self._create("probe")
        eventually(lambda: git(None, "ls-remote", self._public("probe")) == "")
        return self

    def remote(self, name: str, directory: Path) -> Remote:
        """Create an empty repository whose URL ends in this name."""
        self._create(name)
        return Remote(Origin(directory / "twin.git"), url=f"http://{NAME}/git/{name}", push_url=self._public(name))

    def _create(self, name: str) -> None:
        run_in(self.container, "git", "init", "--quiet", "--bare", f"/srv/git/{name}", user="www-data")

    def _public(self, name: str) -> str:
        host, port = self.container.get_container_host_ip(), self.container.get_exposed_port(PORT)
        return f"http://{host}:{port}/git/{name}"
