"""What was done before a kill, or a failure, is not done again: the next process goes on from there."""

import shutil
from collections.abc import Callable

import pytest

from gitsync.telling.events import Event
from tests.faults.catalogue import fault
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Gitlink, Origin, noise
from tests.support.tree import assert_published

# Bytes of each repository, which cannot be compressed; what a server has to say otherwise is far less.
MUCH = 300_000


class KilledError(BaseException):
    """Stands for a kill: nothing of ours handles it."""


def killed_at(bench: Workbench, step: str) -> None:
    """Run a pass that ends at a step."""

    def kill(event: Event) -> None:
        if type(event).__name__ == step:
            raise KilledError

    bench.recorder.react = kill
    with pytest.raises(KilledError):
        bench.run()
    bench.close()


def fill(origin: Origin) -> str:
    """Commit much; return the commit."""
    return origin.commit({"large": noise(MUCH, seed=len(origin.path.name))})


def sent(server: GitHttpServer) -> int:
    """Return how many bytes the server has sent, and count anew."""
    found = sum(request.sent for request in server.requests)
    server.requests.clear()
    return found


def begin(make: MakeWorkbench, url: str, **options: object) -> Workbench:
    """Have a process begin its work."""
    bench = make(url, **options)
    bench.sync.adopt()
    return bench


@fault(
    area="crash",
    what="a first publication, an update, or the repair of a damaged store is killed when all is fetched",
    then="the next start publishes without fetching that again",
)
@pytest.mark.parametrize("step", ["Fetched", "BeforePublish"])
@pytest.mark.parametrize("work", ["first", "update", "repair"])
def test_after_a_kill(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, work: str, step: str
) -> None:
    """Given work that is killed after its fetch, when started again, then the server sends next to nothing."""
    url = git_http.url_of(origin.path)
    if work != "first":
        bench = begin(make_workbench, url)
        assert bench.run().failure is None
        bench.close()
        if work == "repair":
            for path in (bench.stores.current.path / "objects").glob("??"):
                shutil.rmtree(path)
    new = fill(origin)
    sent(git_http)
    killed_at(begin(make_workbench, url), step)
    assert sent(git_http) > MUCH
    again = begin(make_workbench, url)
    assert again.run().failure is None
    assert sent(git_http) < MUCH / 10
    assert assert_published(origin.path, again.repo.link) == new


@fault(
    area="remote",
    what="one of several submodules cannot be had for a while",
    then="the others, and the commit itself, are fetched once, however often that is tried",
)
def test_after_a_failure(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, make_origin: Callable[..., Origin]
) -> None:
    """Given a commit with two submodules, one of which is away, when it is back, then only that one is fetched."""
    parts = {name: make_origin(f"{name}.git") for name in ("one", "two")}
    modules = "".join(f'[submodule "{name}"]\n\tpath = {name}\n\turl = ../{name}.git\n' for name in parts)
    files: dict[str, Content] = {name: Gitlink(fill(part)) for name, part in parts.items()}
    origin.commit({**files, ".gitmodules": modules, "large": noise(MUCH)})
    away = parts["two"].path.rename(parts["two"].path.with_name("away"))
    bench = begin(make_workbench, git_http.url_of(origin.path))
    failure = bench.run().failure
    assert failure
    assert failure.reason == "not_found"
    assert sent(git_http) > 2 * MUCH
    failure = bench.run().failure
    assert failure
    assert sent(git_http) < MUCH / 10
    away.rename(parts["two"].path)
    assert bench.run().failure is None
    assert MUCH < sent(git_http) < 1.1 * MUCH
