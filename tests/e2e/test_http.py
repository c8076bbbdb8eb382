"""Promise: the HTTP side tells the truth about the work, and a port that is taken is dealt with as documented."""

import contextlib
import json
import shutil
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.git import git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin

DEFAULT_PORT = 9484


@pytest.fixture
def taken_default_port() -> Iterator[None]:
    """Have the default port taken: by us, or by whoever has it already."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            holder.bind(("", DEFAULT_PORT))
            holder.listen()
        yield


@pytest.mark.usefixtures("taken_default_port")
def test_taken_default_port_is_only_a_warning(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given another sidecar on the default port, when started without --http-bind, then it warns and publishes."""
    daemon = start_daemon(origin.url, root, http_bind=None, period="100ms")
    assert daemon.wait_event("http_port_taken")["level"] == "warning"
    daemon.wait_published(origin.head)
    daemon.wait_published(origin.commit({"index.html": "second\n"}))
    assert daemon.terminate() == 0


@pytest.mark.usefixtures("taken_default_port")
def test_taken_default_port_ends_a_sidecar(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given two sidecars in one pod on the default port, then the second ends, as its probes would ask the first."""
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    daemon = start_daemon(origin.url, root, http_bind=None, environment=pod)
    assert daemon.wait_exit() == 1, daemon.describe()
    (line,) = daemon.logs("start_failed")
    assert line["reason"] == "port_taken"
    assert "--http-bind" in line["hint"]


def test_probe_can_name_its_repository(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a sidecar that is ready, when a probe names another one's link, then the answer is 404 and not 200."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_ready()
    for path in ("/readyz", "/healthz"):
        assert daemon.get(f"{path}?repo=site.git")[0] == 200
        assert daemon.get(f"{path}?repo={origin.url}")[0] == 200
        assert daemon.get(f"{path}?repo=other")[0] == 404


def test_taken_explicit_port_is_an_error(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given an address that is taken, when it is asked for explicitly, then exit 1 and a line that names it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        daemon = start_daemon(origin.url, root, http_bind=address)
        assert daemon.wait_exit() == 1, daemon.describe()
    assert any(address in line and "Traceback" not in line for line in daemon.log_text().splitlines())


def test_http_can_be_off(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given --http-bind=off, when started, then it publishes and listens nowhere."""
    daemon = start_daemon(origin.url, root, http_bind="off")
    daemon.wait_published(origin.head)
    daemon.wait_event("ready")
    assert not daemon.logs("http_listening")
    assert not daemon.logs("http_port_taken")


def test_status_tells_what_is_published(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a publication, when /status is read, then it has the versions and everything about the repository."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_ready()
    daemon.wait_event("sync_finished")
    whole = json.loads(daemon.get("/status")[1])
    assert whole["version"]
    assert whole["git_version"] in git(None, "--version")
    status = daemon.status()
    assert (status["repo"], status["url"]) == ("site.git", origin.url)
    assert status["ref"] == "HEAD"
    assert status["resolved_ref"] == "refs/heads/main"
    assert status["hash"] == origin.head
    assert status["ready"] is True
    assert status["error"] is None
    assert status["consecutive_failures"] == 0
    assert Path(root, status["link"]) == root / "site.git"
    author_date = int(git(origin.path, "log", "-1", "--format=%at", origin.head))
    assert _moment(status["author_date"]).timestamp() == author_date
    assert _moment(status["last_attempt"]) <= _moment(status["published_at"]) <= _moment(status["last_success"])
    assert _moment(status["next_pass"]) > _moment(status["last_success"])


def test_name_is_what_it_is_called(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a name, when it is at work, then the log, the metrics, the pages and probes call it so, and no other."""
    daemon = start_daemon(origin.url, root, "-v5", name="docs", link="current", period="1h")
    daemon.wait_ready()
    assert {line["repo"] for line in daemon.logs() if "repo" in line} == {"docs"}
    lines = daemon.get("/metrics")[1].splitlines()
    about = [line for line in lines if line.startswith(("git_sync_", "git_fetch_", "gitsync_")) and "_total{" in line]
    assert about
    assert [line for line in about if 'repo="docs"' not in line] == []
    for path in ("/readyz", "/healthz", "/status"):
        assert [daemon.get(f"{path}?repo={name}")[0] for name in ("docs", "current", "site.git")] == [200, 200, 404]
    assert daemon.status()["repo"] == "docs"


def test_trouble_and_recovery_are_visible(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path
) -> None:
    """Given a server that fails for a while, when it does and when it is back, then metrics and status show both."""
    old, url = origin.head, git_http.url_of(origin.path)
    daemon = start_daemon(url, root, period="200ms", max_backoff="400ms")
    daemon.wait_ready()
    daemon.until(lambda: daemon.metrics().get('git_sync_count_total{status="success"}', 0.0) == 1)
    git_http.fail_with = 500
    daemon.until(lambda: daemon.metrics()["gitsync_consecutive_failures"] >= 2)
    metrics, status = daemon.metrics(), daemon.status()
    reason = status["error"]["reason"]
    assert status["error"]["message"]
    assert metrics[f'gitsync_failures_total{{reason="{reason}"}}'] >= 2
    assert metrics['git_sync_count_total{status="error"}'] >= 2
    assert metrics["gitsync_last_attempt_timestamp_seconds"] > metrics["gitsync_last_success_timestamp_seconds"] > 0
    assert metrics[f'gitsync_published_info{{hash="{old}",ref="refs/heads/main",url="{url}"}}'] == 1
    # Whether there is something new, nobody knows.
    assert metrics["gitsync_behind_since_timestamp_seconds"] == 0
    assert metrics["gitsync_stale_after_seconds"] == pytest.approx(120.6)
    assert metrics["gitsync_volume_size_bytes"] == shutil.disk_usage(root).total
    assert daemon.get("/readyz")[0] == 200
    new = origin.commit({"index.html": "second\n"})
    git_http.fail_with = None
    daemon.wait_published(new)
    daemon.until(lambda: daemon.metrics()["gitsync_consecutive_failures"] == 0)
    metrics = daemon.metrics()
    assert daemon.status()["error"] is None
    assert metrics[f'gitsync_published_info{{hash="{new}",ref="refs/heads/main",url="{url}"}}'] == 1
    assert f'gitsync_published_info{{hash="{old}",ref="refs/heads/main",url="{url}"}}' not in metrics


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "auth"), (403, "auth"), (404, "not_found"), (429, "rate_limited")]
)
def test_reason_of_a_refusal(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, status: int, reason: str
) -> None:
    """Given a server that refuses with a status, when a pass fails, then the reason says which kind it was."""
    git_http.fail_with = status
    daemon = start_daemon(git_http.url_of(origin.path), root, one_time=True)
    assert daemon.wait_exit() == 1
    assert daemon.wait_event("sync_finished")["reason"] == reason


@pytest.mark.parametrize("probe", ["auto", "git"])
@pytest.mark.parametrize("ref", ["HEAD", "main", "v1"])
def test_idle_poll_asks_for_no_objects(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, ref: str, probe: str
) -> None:
    """Given a published branch or annotated tag, when passes find nothing new, then only refs are asked for."""
    origin.annotated_tag("v1")
    url = git_http.url_of(origin.path)
    daemon = start_daemon(url, root, "-v1", ref=ref, period="50ms", heal_period="10ms", probe=probe)
    daemon.wait_ready()
    daemon.wait_event("sync_finished")
    fetches = git_http.fetches
    assert fetches >= 1
    assert {event["outcome"] for event in daemon.wait_events("sync_finished", count=4)[1:]} == {"unchanged"}
    assert git_http.fetches == fetches
    series = f'gitsync_probes_total{{outcome="unchanged",via="{"git" if probe == "git" else "http"}"}}'
    assert daemon.metrics()[series] >= 3


def test_push_is_never_held_back_by_a_question(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path
) -> None:
    """Given polls in quick succession, when pushes come at any moment, then the next question sees each of them."""
    daemon = start_daemon(git_http.url_of(origin.path), root, "-v1", period="50ms")
    daemon.wait_ready()
    for number in range(40):
        commit = origin.commit({"index.html": f"{number}\n"})
        mark = daemon.mark()
        daemon.wait_published(commit)
        daemon.wait_event("sync_finished", since=mark, outcome="updated")
        outcomes = [event["outcome"] for event in daemon.logs("sync_finished", since=mark)]
        # One may have been on its way.
        assert outcomes.index("updated") <= 1, outcomes


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return moment
