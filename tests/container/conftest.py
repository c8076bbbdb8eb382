"""What the container tests share: images built once, a git server, a network, and no container left behind."""

import base64
import contextlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from gitsync import __version__
from tests.support import docker_engine
from tests.support.docker_git import GitServer, Remote
from tests.support.docker_pod import Changes, Pod
from tests.support.manifests import K8S, Manifest, of_kind, pods, read

LINK = "beginner-html-site-scripted"

GROUP = 424242
# The images of manifests beside gitsync's, and what stands in for them.
STAND_INS = {
    "httpd:2.4": "httpd",
    "nginxinc/nginx-unprivileged:1.28": "nginx",
    "nginx/nginx-prometheus-exporter:1.5.1": "nginx-exporter",
    "busybox:1.37": "busybox",
    "prom/prometheus:v3.5.0": "prometheus",
}
COMPANIONS = ("origin", *STAND_INS.values())
# No file of the image knows this user or its group.
USER = "1000650000:31337"
HARDENED: dict[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}
SSHD = (
    "test -e /etc/ssh/sshd_test || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/sshd_test; "
    "/usr/sbin/sshd -h /etc/ssh/sshd_test -o StrictModes=no -o UsePAM=no -o AuthorizedKeysFile=/srv/authorized_keys"
)

Secrets = Mapping[str, Mapping[str, str]]
StartContainer = Callable[..., DockerContainer]


@pytest.fixture(scope="session", autouse=True)
def _docker() -> Iterator[None]:
    """Skip where no container can run; leave none behind where they can."""
    reason = docker_engine.why_unavailable()
    if reason:
        pytest.skip(reason)
    docker_engine.remove_leftovers()
    yield
    docker_engine.remove_leftovers(own=True)


@pytest.fixture(scope="session")
def images(_docker: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build all images, once at a time if the test run is parallel; return their names by what they are."""
    with docker_engine.one_at_a_time(tmp_path_factory.getbasetemp().parent / "container-images.lock"):
        # Most of it is waiting for packages.
        with ThreadPoolExecutor(max_workers=3) as pool:
            companions = dict(zip(COMPANIONS, pool.map(docker_engine.build_companion, COMPANIONS), strict=True))
        return {"gitsync": docker_engine.build_program(), **companions}


@pytest.fixture(scope="session")
def network(_docker: None) -> Iterator[Network]:
    """A network of this test run, in which containers find each other by name."""
    network = Network(docker_network_kw={"labels": docker_engine.LABELS})
    # Its client is its own, and it does not close it.
    with contextlib.closing(network._docker.client), network:
        yield network


@pytest.fixture(scope="session")
def git_server(images: dict[str, str], network: Network) -> Iterator[GitServer]:
    """A git server that speaks smart HTTP."""
    server = GitServer(images["origin"], network)
    try:
        yield server.start()
    finally:
        server.container.stop()


@pytest.fixture
def remote(git_server: GitServer, tmp_path: Path, request: pytest.FixtureRequest) -> Remote:
    """A repository of the test's own with one commit; its URL ends as that of the manifests' example does."""
    remote = git_server.remote(f"{request.node.name}/{LINK}", tmp_path)
    remote.push({"index.html": "first\n"}, message="First")
    return remote


def encoded(text: str, file: str) -> str:
    """Return the command that writes a text to a file."""
    return f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {file}"


@pytest.fixture
def key(tmp_path: Path, git_server: GitServer) -> str:
    """A key that the server lets in over ssh."""
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    docker_engine.run_in(
        git_server.container, "sh", "-c", encoded(file.with_suffix(".pub").read_text(), "/srv/authorized_keys")
    )
    docker_engine.run_in(git_server.container, "sh", "-c", SSHD)
    return file.read_text()


@pytest.fixture
def start(network: Network) -> Iterator[StartContainer]:
    """Return a function that starts a container in the network: start(image, ports, alias, tmpfs, **Docker's own)."""
    with ExitStack() as stack:

        def starter(
            image: str, *, ports: tuple[int, ...] = (), alias: str = "", tmpfs: str = "", **options: Any
        ) -> DockerContainer:
            container = docker_engine.labelled(image, **options).with_exposed_ports(*ports).with_network(network)
            if tmpfs:
                container.with_tmpfs_mount(tmpfs, "size=16m")
            if alias:
                container.with_network_aliases(alias)
            stack.callback(_show_and_remove, container)
            return container.start()

        yield starter


@pytest.fixture
def make_volume(start: StartContainer, images: dict[str, str]) -> Callable[[str], str]:
    """Return a function that makes a volume, as its owner root fills it with a command in /volume."""

    def make(command: str) -> str:
        with contextlib.closing(docker_engine.engine()) as client:
            name = docker_engine.new_volume(client)
        mount = [(name, "/volume", "rw,nocopy")]
        owner = start(images["httpd"], entrypoint=["sleep", "infinity"], user="0:0", volumes=mount)
        docker_engine.run_in(owner, "sh", "-c", f"cd /volume && {command}")
        return name

    return make


@pytest.fixture
def volume(make_volume: Callable[[str], str]) -> str:
    """A volume like an emptyDir of a pod with an fsGroup: it belongs to root and to a group."""
    return make_volume(f"chown 0:{GROUP} . && chmod 2775 .")


class StartPod(Protocol):
    """The `start_pod` fixture's function."""

    def __call__(
        self,
        source: str | list[Manifest],
        *,
        environment: Mapping[str, str] | None = None,
        secrets: Secrets | None = None,
    ) -> Pod:
        """Start the pod of a file in k8s/, or of manifests, with these variables of gitsync added or changed."""


@pytest.fixture
def start_pod(images: dict[str, str], network: Network) -> Iterator[StartPod]:
    """Start the pods of the project's manifests, called "site" in the network."""
    ours = {f"gitsync:{tag}": images["gitsync"] for tag in ("dev", __version__)}
    theirs = {name: images[companion] for name, companion in STAND_INS.items()}
    names = {"sandbox": images["httpd"], **theirs, **ours}
    with ExitStack() as stack:

        def starter(
            source: str | list[Manifest],
            *,
            environment: Mapping[str, str] | None = None,
            secrets: Secrets | None = None,
        ) -> Pod:
            manifests = read(K8S / source) if isinstance(source, str) else source
            maps = {name: each["data"] for name, each in of_kind("ConfigMap", manifests).items()}
            services = of_kind("Service", manifests).items()
            changes = Changes(
                images=names,
                environment=environment or {},
                names=tuple(name for name, each in services if each["spec"].get("clusterIP") == "None"),
                secrets=secrets or {},
                maps=maps,
            )
            pod = Pod(next(pods(manifests)), name="site", network=network, changes=changes)
            stack.callback(pod.close)
            return pod.start()

        yield starter


def _show_and_remove(container: DockerContainer) -> None:
    if container._container is not None:
        print(f"--- {container.image} ---\n{docker_engine.output_of(container)}")
    container.stop()
