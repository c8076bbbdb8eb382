"""The volume that containers share: any user, any mount point, a read-only root filesystem."""

from collections.abc import Callable
from functools import partial

import pytest
from testcontainers.core.container import DockerContainer

from tests.container.conftest import GROUP, HARDENED, LINK, USER, StartContainer
from tests.support.docker_engine import request, run_in, stop
from tests.support.docker_git import NAME, Remote
from tests.support.eventually import eventually

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

PORT = 9484


@pytest.fixture
def sidecar(start: StartContainer, images: dict[str, str], remote: Remote, volume: str) -> DockerContainer:
    """The program as a user that no file knows, hardened, with nothing in common with the volume but a group."""
    container = start(
        images["gitsync"],
        env={"GIT_REPO": remote.url, "GITSYNC_PERIOD": "200ms"},
        ports=(PORT,),
        user=USER,
        group_add=[str(GROUP)],
        tmpfs="/tmp",
        volumes=[(volume, "/git", "rw,nocopy")],
        **HARDENED,
    )
    eventually(lambda: request(container, PORT, "/readyz")[0] == 200)
    return container


@pytest.fixture
def elsewhere(start: StartContainer, images: dict[str, str], volume: str) -> Callable[..., str]:
    """Return a function that runs a command as another user of the group, with the volume read-only at /srv/data."""
    container = start(
        images["gitsync"],
        entrypoint=["sleep", "infinity"],
        user="33:33",
        group_add=[str(GROUP)],
        volumes=[(volume, "/srv/data", "ro,nocopy")],
        **HARDENED,
    )
    return lambda *command: run_in(container, *command).strip()


def names(run: Callable[..., str], commit: str) -> bool:
    """Tell whether the link, as the other user sees it, names this commit."""
    return run("readlink", f"/srv/data/{LINK}").endswith(f"/{commit}")


def test_any_user_with_the_volume_s_group(
    sidecar: DockerContainer, remote: Remote, elsewhere: Callable[..., str]
) -> None:
    """A random user with only the volume's group in common publishes, updates and ends in order."""
    assert run_in(sidecar, "id", "-u").strip() == USER.split(":")[0]
    first = f"/srv/data/{LINK}/index.html"
    assert elsewhere("cat", first) == "first"
    assert elsewhere("stat", "-L", "-c", "%u %g", first) == f"{USER.split(':')[0]} {GROUP}"
    for content in ("second", "third"):
        commit = remote.push({"index.html": f"{content}\n"})
        eventually(partial(names, elsewhere, commit))
        assert elsewhere("cat", first) == content
    assert stop(sidecar) == 0


def test_the_volume_works_at_another_path(
    sidecar: DockerContainer, remote: Remote, elsewhere: Callable[..., str]
) -> None:
    """The link and the tree's .git file are relative: git finds the commit where the volume is mounted elsewhere."""
    assert not elsewhere("readlink", f"/srv/data/{LINK}").startswith("/")
    assert elsewhere("sed", "s/^gitdir: //", f"/srv/data/{LINK}/.git").startswith("../")
    git = ("git", "-c", "safe.directory=*", "-C", f"/srv/data/{LINK}")
    assert elsewhere(*git, "log", "-1", "--format=%H %s") == f"{remote.origin.head} First"
    assert run_in(sidecar, "git", "-C", f"/git/{LINK}", "rev-parse", "HEAD").strip() == remote.origin.head


def test_a_restart_serves_what_the_volume_has(
    sidecar: DockerContainer, remote: Remote, start: StartContainer, images: dict[str, str], volume: str
) -> None:
    """A new container on the same volume, as after a crash, is ready at once although the server is gone."""
    sidecar.get_wrapped_container().kill()
    again = start(
        images["gitsync"],
        env={"GIT_REPO": remote.url},
        ports=(PORT,),
        user=USER,
        group_add=[str(GROUP)],
        volumes=[(volume, "/git", "rw,nocopy")],
        extra_hosts={NAME: "127.0.0.1"},
    )
    eventually(lambda: request(again, PORT, "/readyz")[0] == 200, timeout=8)
    eventually(lambda: '"reason": "connect"' in request(again, PORT, "/status")[1])
    assert request(again, PORT, "/readyz")[0] == 200
    assert run_in(again, "cat", f"/git/{LINK}/index.html") == "first\n"
