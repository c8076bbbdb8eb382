"""What this process asks a remote itself: what it costs, where it stands aside, and how it gets there."""

import base64
import functools
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
import trustme

from gitsync.remote import prober
from gitsync.telling.events import Probed
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.git import run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.serving import Server, Serving
from tests.support.stall import Proxy, Tunnel
from tests.support.web import server_context

USER, PASSWORD = "reader", "s3cret-of-the-reader"


@pytest.fixture
def authority() -> trustme.CA:
    """Who vouches for the server."""
    return trustme.CA()


def asked(bench: Workbench, *, since: int = 0) -> list[tuple[str, str]]:
    """Return who has asked the remote, and what came of it."""
    events = [event for event in bench.recorder.events if isinstance(event, Probed)]
    return [(str(event.via), str(event.outcome)) for event in events][since:]


@pytest.fixture
def bench(make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin) -> Workbench:
    """A repository on an http server, published."""
    made = make_workbench(git_http.url_of(origin.path))
    assert made.run().failure is None
    return made


def test_unchanged_remote_costs_a_request(bench: Workbench, git_http: GitHttpServer) -> None:
    """One request over the same connection each time, and none of git's."""
    made, connections = len(git_http.requests), git_http.connections
    for _ in range(5):
        assert bench.run().outcome == "unchanged"
    assert asked(bench) == [("git", "changed")] + [("http", "unchanged")] * 5
    assert len(git_http.requests) - made == 5
    assert git_http.connections - connections == 1


def test_it_stands_aside_where_it_is_of_no_use(
    bench: Workbench, git_http: GitHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never answers as it should is left to git for a while, and says why; then it is tried again."""
    git_http.environment = {"GIT_PROTOCOL": "version=0"}
    for _ in range(5):
        assert bench.run().outcome == "unchanged"
    assert asked(bench, since=1) == [("http", "unsure"), ("git", "unchanged")] * 3 + [("git", "unchanged")] * 2
    (*_, last) = [event for event in bench.recorder.events if isinstance(event, Probed)]
    assert last.obstacle
    git_http.environment = {}
    monkeypatch.setattr(bench.remote._prober, "_aside_until", 0.0)
    assert bench.run().outcome == "unchanged"
    assert asked(bench)[-1] == ("http", "unchanged")


SETTINGS = {
    "--probe=git": {"probe": "git"},
    "http.sslVerify": {"git_config": "http.sslVerify:false"},
    "url.": {"git_config": '"url.http://127.0.0.1/.insteadOf":"http://nowhere/"'},
    "credential.helper": {"git_config_add": 'credential.helper:"!echo"'},
}


@pytest.mark.parametrize(("obstacle", "options"), SETTINGS.items(), ids=SETTINGS)
def test_settings_that_are_gits(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, obstacle: str, options: dict[str, str]
) -> None:
    """Where a setting may change who is asked, or how, git is the one to ask, and that is told."""
    bench = make_workbench(git_http.url_of(origin.path), **options)
    for _ in range(2):
        assert bench.run().failure is None
    assert asked(bench) == [("git", "changed"), ("git", "unchanged")]
    (*_, last) = [event for event in bench.recorder.events if isinstance(event, Probed)]
    assert obstacle in (last.obstacle or "")


def test_silent_server_costs_the_patience(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing any more is left to git, which knows what to tell of it."""
    monkeypatch.setattr(prober, "_PATIENCE", 0.3)
    with Proxy(git_http.port) as proxy:
        bench = make_workbench(git_http.url_of(origin.path, port=proxy.port))
        for _ in range(2):
            assert bench.run().failure is None
        proxy.stall()
        failure = bench.run(2.0).failure
        assert failure
        assert failure.reason == "timeout"
        assert asked(bench) == [("git", "changed"), ("http", "unchanged"), ("http", "unsure"), ("git", "failed")]
        proxy.pass_through()
        assert bench.run().failure is None


def test_login_is_sent_to_its_server(make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin) -> None:
    """As git would, and in no other way."""
    git_http.credentials = f"{USER}:{PASSWORD}"
    url = git_http.url_of(origin.path).replace("://", f"://{USER}:{PASSWORD}@")
    bench = make_workbench(url)
    for _ in range(2):
        assert bench.run().failure is None
    assert asked(bench)[-1] == ("http", "unchanged")
    sent = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert git_http.requests[-1].login == f"Basic {sent}"


def test_end_does_not_wait_for_an_answer(bench: Workbench, git_http: GitHttpServer) -> None:
    """A question that is on its way at the shutdown is dropped, and none follows."""
    assert bench.run().outcome == "unchanged"
    bench.remote.cancel()
    assert bench.run().outcome == "unchanged", "git is ended by itself"
    assert asked(bench)[-2:] == [("http", "unsure"), ("git", "unchanged")]


def test_https_goes_through_a_tunnel(
    make_workbench: MakeWorkbench,
    origin: Origin,
    tmp_path: Path,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over the proxy that git uses, and one tunnel for all questions."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with (
        GitHttpServer(origin.path.parent, tls=server_context(authority, "host.test")) as server,
        Tunnel(server.port) as tunnel,
    ):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{tunnel.port}")
        # What is on this machine would not be asked for through a proxy.
        url = server.url_of(origin.path).replace("://127.0.0.1", "://host.test")
        bench = make_workbench(url, ca_file=tmp_path / "ca.pem")
        assert bench.run().failure is None
        opened = tunnel.accepted
        for _ in range(3):
            assert bench.run().outcome == "unchanged"
        assert asked(bench, since=1) == [("http", "unchanged")] * 3
        assert tunnel.accepted == opened + 1


def test_sha256_repository(make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin) -> None:
    """Its hashes are longer, which the question says."""
    path = origin.path.parent / "sha256"
    run_git(None, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", str(path))
    run_git(path, "commit", "--quiet", "--allow-empty", "--message=First")
    bench = make_workbench(git_http.url_of(path / ".git"))
    assert [bench.run().outcome for _ in range(2)] == ["updated", "unchanged"]
    assert asked(bench)[-1] == ("http", "unchanged")
    run_git(path, "commit", "--quiet", "--allow-empty", "--message=Second")
    assert bench.run().outcome == "updated"


def test_plain_web_server(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Files of a repository answer no question, so it is git's."""
    run_git(origin.path, "update-server-info")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(origin.path.parent))
    with Serving(Server(("127.0.0.1", 0), handler)) as server:
        bench = make_workbench(f"http://127.0.0.1:{server.port}/{origin.path.name}")
        for _ in range(5):
            assert bench.run().failure is None
        assert asked(bench)[-1] == ("git", "unchanged")
        assert ("http", "unchanged") not in asked(bench)
