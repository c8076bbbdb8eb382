"""The image by itself: GIT_REPO alone is enough, and it starts, runs and ends as it should."""

import json
import re
from collections.abc import Callable

import pytest
from testcontainers.core.container import DockerContainer

from tests.container.conftest import LINK, StartContainer
from tests.support.docker_engine import output_of, request, run_in, stop
from tests.support.docker_git import Remote
from tests.support.eventually import eventually

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

PORT = 9484


@pytest.fixture
def program(start: StartContainer, images: dict[str, str], remote: Remote) -> DockerContainer:
    """The image started with nothing but GIT_REPO, once it is ready."""
    container = start(images["gitsync"], env={"GIT_REPO": remote.url}, ports=(PORT,))
    wait_ready(container)
    return container


def wait_ready(container: DockerContainer) -> None:
    """Wait until /readyz answers 200."""
    eventually(lambda: request(container, PORT, "/readyz")[0] == 200)


def published(container: DockerContainer) -> str:
    """Return the commit that the link in the container names."""
    return run_in(container, "readlink", f"/git/{LINK}").strip().rsplit("/", 1)[-1]


def test_the_repository_alone_is_enough(program: DockerContainer, remote: Remote) -> None:
    """With GIT_REPO and nothing else the commit is published, the ports answer, and a push is followed."""
    assert published(program) == remote.origin.head
    assert run_in(program, "cat", f"/git/{LINK}/index.html") == "first\n"
    assert [request(program, PORT, path)[0] for path in ("/", "/healthz", "/metrics", "/status")] == [200] * 4
    assert request(program, PORT, "/webhook", method="POST")[0] == 404
    commit = remote.push({"index.html": "second\n"})
    eventually(lambda: published(program) == commit)
    assert run_in(program, "cat", f"/git/{LINK}/index.html") == "second\n"


def test_it_runs_as_its_user_under_an_init(program: DockerContainer) -> None:
    """Process 1 is tini, the program is its child, and both belong to the user and group 65533."""
    assert run_in(program, "cat", "/proc/1/comm").strip() == "tini"
    status = run_in(program, "cat", "/proc/1/status")
    assert re.search(r"^Uid:\s+65533\s", status, re.MULTILINE)
    assert re.search(r"^Gid:\s+65533\s", status, re.MULTILINE)
    assert run_in(program, "stat", "-c", "%U:%G %a", "/git").strip() == "git-sync:git-sync 2775"


def test_logs_are_json_lines(program: DockerContainer) -> None:
    """Where no terminal is, each line of the log is one JSON object."""
    lines = output_of(program).splitlines()
    assert {"starting", "ready"} <= {json.loads(line)["event"] for line in lines}


def test_a_stop_is_orderly(program: DockerContainer) -> None:
    """`docker stop` ends it with exit code 0; killed at the end of its time it would be 137."""
    assert stop(program, timeout=15) == 0
    assert "stopped" in [json.loads(line)["event"] for line in output_of(program).splitlines()]


def test_a_stop_is_orderly_during_a_pass(start: StartContainer, images: dict[str, str]) -> None:
    """A server that accepts and stays silent does not hold up the end."""
    silence = "import signal, socket; server = socket.create_server(('', 80)); signal.pause()"
    start(images["gitsync"], entrypoint=["python3", "-c", silence], alias="silent", user="0:0")
    program = start(images["gitsync"], env={"GIT_REPO": "http://silent/site"}, ports=(PORT,))
    eventually(lambda: "git-remote-http" in processes(program))
    assert stop(program, timeout=15) == 0


def processes(container: DockerContainer) -> str:
    """Return the command lines of a container's processes."""
    return run_in(container, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")


def test_the_name_of_git_sync_works_as_a_command(start: StartContainer, images: dict[str, str], remote: Remote) -> None:
    """A manifest of git-sync that names /git-sync as its command works, and orphans are reaped."""
    container = start(images["gitsync"], entrypoint=["/git-sync"], command=[f"--repo={remote.url}"], ports=(PORT,))
    wait_ready(container)
    assert published(container) == remote.origin.head
    assert run_in(container, "cat", "/proc/1/comm").strip() == "tini"
    orphan = run_in(container, "sh", "-c", "sleep 0.1 >/dev/null 2>&1 & echo $!").strip()
    eventually(lambda: not run_in(container, "sh", "-c", f"cat /proc/{orphan}/comm 2>/dev/null || true"))
    assert stop(container) == 0


def test_a_read_only_root_without_tmp_is_an_error_with_a_remedy(
    start: StartContainer, images: dict[str, str], make_volume: Callable[[str], str]
) -> None:
    """The line in the log names the mount that is missing, and nothing secret goes into the volume instead."""
    volume = make_volume("chmod 0777 .")
    mount = [(volume, "/git", "rw,nocopy")]
    for options in ({}, {"working_dir": "/git"}):
        container = start(
            images["gitsync"], env={"GIT_REPO": "http://nowhere/site"}, read_only=True, volumes=mount, **options
        )
        assert container.get_wrapped_container().wait()["StatusCode"] == 1
        (line,) = output_of(container).splitlines()
        told = json.loads(line)
        assert (told["event"], told["reason"]) == ("start_failed", "no_tmp")
        assert "/tmp" in told["hint"]


def test_a_volume_where_people_mount_them_hides_nothing(
    start: StartContainer, images: dict[str, str], make_volume: Callable[[str], str], remote: Remote
) -> None:
    """Empty volumes at /opt and /usr/local, and the program works."""
    volumes = [(make_volume("true"), path, "rw,nocopy") for path in ("/opt", "/usr/local", "/srv")]
    container = start(images["gitsync"], env={"GIT_REPO": remote.url}, ports=(PORT,), volumes=volumes)
    wait_ready(container)
