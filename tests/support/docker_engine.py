"""Docker for the container tests: is it there, the images they run, and containers that never outlive the test run.

The reaper of testcontainers is an image that not every machine can pull. Instead everything is labelled with the
process that made it, and removed by that label: at the end of the run, and by the next run if this one was killed.
"""

import contextlib
import fcntl
import gc
import http.client
import os
import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.image import DockerImage

from tests.support.eventually import eventually

testcontainers_config.ryuk_disabled = True
# A file /.dockerenv on the machine would be taken as a sign that the tests run in a container themselves.
testcontainers_config.connection_mode_override = ConnectionMode.docker_host

PROJECT = Path(__file__).resolve().parents[2]
IMAGES = PROJECT / "tests" / "container" / "images"
BASE = os.environ.get("BASE") or "debian:trixie-slim"
LABEL = "gitsync.test.process"
LABELS = {LABEL: str(os.getpid())}
IMAGE = "gitsync:dev"


def engine() -> Any:
    """Return a client of the Docker daemon."""
    return DockerClient().client


def why_unavailable() -> str | None:
    """Return why no container can run here, or None if Docker answers and has the base image or can pull it."""
    if silent := _why_silent():
        # Its client forgets the socket that it could not connect, which would be told of in some test.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        return silent
    inspected = subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False)
    if inspected.returncode == 0:
        return None
    pulled = subprocess.run(["docker", "pull", "--quiet", BASE], capture_output=True, check=False, timeout=120)
    if pulled.returncode != 0:
        return f"the base image {BASE} is not there and cannot be pulled (.ci/base-image builds a stand-in)"
    return None


def _why_silent() -> str | None:
    try:
        with contextlib.closing(engine()) as client:
            client.ping()
    except Exception as error:  # every way in which Docker may be missing is a reason
        return f"Docker does not answer: {error}"
    return None


def remove_leftovers(*, own: bool = False) -> None:
    """Remove the containers, volumes and networks of runs that are gone, and of this one too if asked for."""
    with contextlib.closing(engine()) as client:
        for container in client.containers.list(all=True, filters={"label": LABEL}):
            if _is_over(container.labels[LABEL], own=own):
                container.remove(force=True, v=True)
        for volume in client.volumes.list(filters={"label": LABEL}):
            if _is_over(volume.attrs["Labels"][LABEL], own=own):
                volume.remove(force=True)
        for network in client.networks.list(filters={"label": LABEL}):
            if _is_over(network.attrs["Labels"][LABEL], own=own):
                network.remove()


def _is_over(process: str, *, own: bool) -> bool:
    return own if process == LABELS[LABEL] else not Path("/proc", process).exists()


@contextlib.contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Hold a lock that the other processes of a parallel test run share."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build_program(name: str = IMAGE, **variables: str) -> str:
    """Build the project's image as users do, with these variables for the script, and return its name."""
    passed = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "BASE", "DOCKER_HOST")}
    built = subprocess.run(
        [PROJECT / "scripts" / "image", name], capture_output=True, check=False, text=True, env=passed | variables
    )
    assert built.returncode == 0, f"scripts/image failed:\n{built.stdout}\n{built.stderr}"
    return name


def build_companion(name: str) -> str:
    """Build one of the images that the program is tested with, and return its name."""
    tag = f"gitsync-test-{name}:latest"
    image = DockerImage(IMAGES / name, tag=tag, clean_up=False, buildargs={"BASE": BASE}, rm=True, forcerm=True)
    with image:
        return tag


def labelled(image: str, **options: Any) -> DockerContainer:
    """Return a container, not started yet, that is removed with everything else of this test run."""
    return DockerContainer(image, labels=LABELS, **options)


def new_volume(client: Any) -> str:
    """Create an empty volume and return its name."""
    return str(client.volumes.create(labels=LABELS).name)


def output_of(container: DockerContainer) -> str:
    """Return everything that a container wrote."""
    return b"".join(container.get_logs()).decode(errors="replace")


def run_in(container: DockerContainer, *command: str, user: str = "") -> str:
    """Run a command in a running container and return what it wrote; fail if it fails."""
    # On a busy machine Docker sometimes loses the output of a short command; the last line tells that it is whole.
    wrapped = ["sh", "-c", '"$@"; echo "$?=end"', "sh", *command]

    def whole() -> tuple[str, int] | None:
        output = container.get_wrapped_container().exec_run(wrapped, user=user).output.decode(errors="replace")
        ending = re.search(r"(\d+)=end\n\Z", output)
        return (output[: ending.start()], int(ending[1])) if ending else None

    text, code = eventually(whole, timeout=10)
    assert code == 0, f"{' '.join(command)}: exit code {code}\n{text}"
    return text


def request(
    container: DockerContainer, port: int, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Send an HTTP request to a port that a container exposes; return status and body."""
    connection = http.client.HTTPConnection(
        container.get_container_host_ip(), container.get_exposed_port(port), timeout=10
    )
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def stop(container: DockerContainer, *, timeout: int = 20) -> int:
    """Stop a container as the kubelet does (its stop signal, SIGKILL after the timeout); return its exit code."""
    wrapped = container.get_wrapped_container()
    wrapped.stop(timeout=timeout)
    return int(wrapped.wait()["StatusCode"])
