"""Remotes of other kinds: what they are, and what is said of them where nothing can be done."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gitsync.base.errors import RefNotFound
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.git import git, run_git
from tests.support.origin import Gitlink, Origin
from tests.support.tree import assert_published


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(origin: Origin) -> Iterator[str]:
    """A plain web server that has the origin's directory; return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(origin.path.parent))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_plain_web_server_is_followed(make_workbench: MakeWorkbench, origin: Origin, web: str) -> None:
    """A server without git cannot leave out history, so all of it is fetched."""
    bench = make_workbench(f"{web}/{origin.path.name}")
    for number in range(2):
        commit = origin.commit({"index.html": f"{number}\n"})
        run_git(origin.path, "update-server-info")
        assert bench.run().failure is None
        assert bench.published() == commit
        assert_published(origin.path, bench.repo.link)


@pytest.mark.parametrize("depth", [0, 1])
def test_plain_web_server_is_refused_where_bytes_count(
    make_workbench: MakeWorkbench, origin: Origin, web: str, depth: int
) -> None:
    """What comes as any number of files has no size before all of them are there."""
    run_git(origin.path, "update-server-info")
    bench = make_workbench(f"{web}/{origin.path.name}", depth=depth, max_fetch="1Gi")
    failure = bench.run().failure
    assert failure
    assert failure.reason == "transport"
    assert "--max-fetch" in (failure.hint or "")
    assert not any((bench.stores.current.path / "objects" / "pack").iterdir())


@pytest.mark.parametrize("depth", [0, 1])
def test_shallow_remote_is_followed(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, depth: int) -> None:
    """A remote may lack history itself, which is no reason not to have what it has."""
    origin.commit({"index.html": "second\n"})
    shallow = tmp_path / "shallow"
    run_git(None, "clone", "--quiet", "--bare", "--depth=1", f"file://{origin.path}", str(shallow))
    bench = make_workbench(f"file://{shallow}", depth=depth)
    assert bench.run().failure is None
    commit = origin.commit({"index.html": "third\n"})
    run_git(shallow, "fetch", "--quiet", "--depth=1", "origin", "+main:main")
    assert bench.run().failure is None
    assert bench.published() == commit
    assert_published(origin.path, bench.repo.link)


def test_missing_default_branch_has_a_hint(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What there is instead is named."""
    origin.branch("release")
    run_git(origin.path, "symbolic-ref", "HEAD", "refs/heads/gone")
    with pytest.raises(RefNotFound, match="not there") as caught:
        make_workbench(origin.url).remote.probe(deadline=soon())
    assert "release" in (caught.value.hint or "")


@pytest.mark.parametrize("page", ["<html>Sign in</html>", "<html>\nSign in\n</html>\n"], ids=["a line", "lines"])
def test_page_instead_of_a_repository_has_a_hint(
    make_workbench: MakeWorkbench, origin: Origin, web: str, page: str
) -> None:
    """A page that is answered with 200 is no list of refs."""
    refs = origin.path.parent / "page" / "info" / "refs"
    refs.parent.mkdir(parents=True, exist_ok=True)
    refs.write_text(page)
    failure = make_workbench(f"{web}/page").run().failure
    assert failure is not None
    assert failure.reason in {"not_found", "ref_missing"}
    assert "--repo" in (failure.hint or "")


def test_missing_submodule_has_a_hint(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """It is not the option of the repository itself that has to be checked."""
    modules = '[submodule "lib"]\n\tpath = lib\n\turl = ../gone.git\n'
    origin.commit({".gitmodules": modules, "lib": Gitlink(origin.head)})
    bench = make_workbench(origin.url)
    failure = bench.run().failure
    assert failure is not None
    assert failure.reason == "not_found"
    assert "submodule" in (failure.hint or "")
    assert "gone.git" in failure.message


def test_pinned_commit_is_found_in_the_history(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A server that hands out the tips of its refs only has it in the history of one; branches may come and go."""
    wanted = origin.head
    git(origin.path, "config", "uploadpack.allowAnySHA1InWant", "false")
    git(origin.path, "config", "protocol.version", "0")
    origin.branch("topic", at=origin.commit({"index.html": "second\n"}))
    bench = make_workbench(origin.url, ref=wanted, git_config="protocol.version:0")
    assert bench.run().failure is None
    assert bench.published() == wanted
    origin.delete_ref("refs/heads/topic")
    later = origin.commit({"index.html": "third\n"})
    origin.branch("topic/inner", at=origin.commit({"index.html": "fourth\n"}))
    bench.close()
    bench = make_workbench(origin.url, ref=later, git_config="protocol.version:0")
    assert bench.run().failure is None
    assert bench.published() == later
