"""The image by itself: what is in it, and that GIT_REPO alone is enough."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from testcontainers.core.container import DockerContainer

from tests.container.conftest import LINK, StartContainer
from tests.support.docker_engine import engine, output_of, request, run_in, stop
from tests.support.docker_git import Remote
from tests.support.eventually import eventually

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

PORT = 9484
# What a client of git may run: submodules, worktrees, archives, packs, checks. None of it may miss what was left out.
GIT_COMMANDS = """
cd "$(mktemp -d)"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q inner && git -C inner commit -q --allow-empty -m one
git init -q outer && cd outer
git -c protocol.file.allow=always submodule --quiet add "$PWD/../inner" part
git commit -q -m two
git -c protocol.file.allow=always clone -q --recurse-submodules "file://$PWD" ../clone
cd ../clone
git worktree add -q ../tree
git archive HEAD >/dev/null
git gc -q --prune=now
git fsck --full
git submodule foreach -q git status
git -C ../tree log -1 --format=%s
"""


@pytest.fixture
def program(start: StartContainer, images: dict[str, str], remote: Remote) -> DockerContainer:
    """The image started with nothing but GIT_REPO, once it is ready."""
    container = start(images["gitsync"], env={"GIT_REPO": remote.url}, ports=(PORT,))
    wait_ready(container)
    return container


@pytest.fixture
def shell(start: StartContainer, images: dict[str, str]) -> Callable[..., str]:
    """Return a function that runs a shell script in the image as it is, without the program."""
    container = start(images["gitsync"], entrypoint=["sleep", "infinity"])
    return lambda script, user="": run_in(container, "sh", "-euc", script, user=user)


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


def test_no_tools_to_build_with_are_left(shell: Callable[..., str]) -> None:
    """There is git, and there is no pip, setuptools, compiler or make."""
    tools = "git ssh python3 tini pip pip3 easy_install gcc cc g++ c++ clang ld make"
    assert shell(f"for tool in {tools}; do command -v $tool >/dev/null && echo $tool; done; true").split() == [
        "git",
        "ssh",
        "python3",
        "tini",
    ]
    names = " -o ".join(f"-name {name} -o -name '{name}-*'" for name in ("pip", "setuptools", "wheel", "ensurepip"))
    assert shell(f"find / -xdev -path '*/python*' -type d '(' {names} ')'", user="0:0") == ""


def test_the_git_that_is_left_is_whole(shell: Callable[..., str]) -> None:
    """The image has only a client's parts of git; every command that a sync or a hook may use works."""
    assert shell(GIT_COMMANDS).strip().endswith("two")


def test_the_program_is_compiled(shell: Callable[..., str]) -> None:
    """All modules, Python's too, have byte code, which nothing could write on a read-only filesystem."""
    sources = "find /usr/lib/gitsync/lib /usr/lib/python3* -name '*.py'"
    compiled = "find /usr/lib/gitsync/lib /usr/lib/python3* -name '*.pyc' -path '*/__pycache__/*'"
    names = {path.removesuffix(".py") for path in shell(sources).split()}
    cached = {
        re.sub(r"/__pycache__/([^/]+)\.cpython-\d+\.opt-2\.pyc$", r"/\1", path) for path in shell(compiled).split()
    }
    assert len(names) > 50
    assert names - cached == set()


def test_what_the_image_says_of_itself(images: dict[str, str]) -> None:
    """User, port, root and labels are declared."""
    client = engine()
    config: dict[str, Any] = client.images.get(images["gitsync"]).attrs["Config"]
    client.close()
    assert config["User"] == "65533:65533"
    assert "9484/tcp" in config["ExposedPorts"]
    assert {"GITSYNC_ROOT=/git", "HOME=/tmp"} <= set(config["Env"])
    assert config["Labels"]["org.opencontainers.image.title"] == "gitsync"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", config["Labels"]["org.opencontainers.image.version"])


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
