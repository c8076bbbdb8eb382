"""ssh from the image: any user, a key as Kubernetes mounts it, a read-only root filesystem."""

from collections.abc import Callable

import pytest
from testcontainers.core.container import DockerContainer

from tests.container.conftest import GROUP, HARDENED, LINK, USER, StartContainer, encoded
from tests.support.docker_engine import output_of, request, run_in
from tests.support.docker_git import NAME, GitServer, Remote
from tests.support.eventually import eventually

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

PORT = 9484


@pytest.fixture
def secret(make_volume: Callable[[str], str], key: str) -> Callable[[str], str]:
    """Return a function that makes a volume as of a Secret in a pod with an fsGroup: the group may only read it."""

    def make(host_key: str) -> str:
        known = f"{NAME} {' '.join(host_key.split()[:2])}\n"
        files = f"{encoded(key, 'ssh')} && {encoded(known, 'known_hosts')}"
        return make_volume(f"{files} && chown -R 0:{GROUP} . && chmod 0440 ssh known_hosts")

    return make


@pytest.fixture
def sidecar(
    start: StartContainer, images: dict[str, str], remote: Remote, volume: str, secret: Callable[[str], str]
) -> Callable[[str], DockerContainer]:
    """Return a function that starts the program with nothing but the repository; files lie where they usually do."""
    path = remote.url.removeprefix(f"http://{NAME}/git/")

    def run(host_key: str) -> DockerContainer:
        return start(
            images["gitsync"],
            env={"GIT_REPO": f"ssh://root@{NAME}/srv/git/{path}", "GITSYNC_PERIOD": "200ms"},
            ports=(PORT,),
            user=USER,
            group_add=[str(GROUP)],
            tmpfs="/tmp",
            volumes=[(volume, "/git", "rw,nocopy"), (secret(host_key), "/etc/git-secret", "ro,nocopy")],
            **HARDENED,
        )

    return run


def test_any_user_with_a_key_of_the_group(
    sidecar: Callable[[str], DockerContainer], git_server: GitServer, key: str
) -> None:
    """A user without a name, and a key that its group may read, are enough for ssh."""
    container = sidecar(run_in(git_server.container, "cat", "/etc/ssh/sshd_test.pub"))
    eventually(lambda: request(container, PORT, "/readyz")[0] == 200)
    assert run_in(container, "cat", f"/git/{LINK}/index.html").strip() == "first"
    assert key.splitlines()[1] not in output_of(container)


def test_a_host_key_that_is_not_the_known_one(sidecar: Callable[[str], DockerContainer]) -> None:
    """The reason is told, and nothing is published."""
    container = sidecar("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQ0qOV6FNl0rYWLx8mMPnLY9pKk8kz9pYqPTFWZWWWW")
    eventually(lambda: '"reason": "host_key"' in output_of(container))
    assert request(container, PORT, "/readyz")[0] == 503
