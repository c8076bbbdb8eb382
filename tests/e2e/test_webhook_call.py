"""Promise: after a publication, and once after a start, a URL is called; no pass waits for it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.eventually import AT_ONCE
from tests.support.origin import Origin
from tests.support.sink import Sink
from tests.support.stall import SilentServer

RUNS = 'git_sync_hook_run_count_total{name="webhook",status="%s"}'


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server to call."""
    with Sink() as server:
        yield server


def test_is_called_with_the_hash(start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink) -> None:
    """Given a URL, when commits are published, then it is called with POST and the hash of each."""
    first = origin.head
    daemon = start_daemon(origin.url, root, period="1h", webhook_url=sink.target)
    daemon.wait_event("hook_finished", hook="webhook", hash=first)
    second = origin.commit({"index.html": "second\n"})
    daemon.wait_event("hook_finished", hash=second)
    assert sink.hashes() == [first, second]
    assert {(request.method, request.path) for request in sink.requests} == {("POST", "/published?from=test")}
    assert daemon.metrics()[RUNS % "success"] == 2
    assert sink.target not in daemon.log_text()  # such URLs hold tokens


def test_method_and_login(start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink) -> None:
    """Given another method and a login in the URL, when it is called, then both are used and not logged."""
    url = sink.target.replace("http://", "http://user:hook-secret@")
    daemon = start_daemon(origin.url, root, period="1h", webhook_url=url, webhook_method="GET")
    (request,) = sink.wait()
    assert request.method == "GET"
    assert request.headers["Authorization"] == f"Basic {base64.b64encode(b'user:hook-secret').decode()}"
    daemon.wait_event("hook_finished")
    assert "hook-secret" not in daemon.log_text()


def test_other_status_is_a_failure_and_tried_again(
    start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink
) -> None:
    """Given a server that fails twice, when it is called, then it is called again until it succeeds."""
    sink.statuses = [500, 404]
    daemon = start_daemon(origin.url, root, period="1h", webhook_url=sink.target, webhook_backoff="20ms")
    daemon.wait_event("hook_finished")
    failures = daemon.logs("hook_failed")
    assert [failure["retry_in"] for failure in failures] == [0.02, 0.04]
    assert "answered with 500, and not with 200" in failures[0]["message"]
    assert sink.hashes() == [origin.head] * 3
    assert daemon.metrics()[RUNS % "error"] == 2


def test_expected_status(start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink) -> None:
    """Given another success status, when the server answers with it, then that is success."""
    sink.status = 202
    daemon = start_daemon(origin.url, root, period="1h", webhook_url=sink.target, webhook_success_status=202)
    assert daemon.wait_event("hook_finished")["output"] == "status 202"


@pytest.mark.parametrize(("status", "code"), [(200, 0), (500, 1)])
def test_one_time_waits_for_the_call(
    start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink, status: int, code: int
) -> None:
    """Given --one-time, when the call succeeds or fails, then the process ends after one call, with its success."""
    sink.status = status
    daemon = start_daemon(origin.url, root, one_time=True, webhook_url=sink.target)
    assert daemon.wait_exit() == code, daemon.describe()
    assert sink.hashes() == [origin.head]


def test_one_time_waits_for_all_hooks(
    start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink, tmp_path: Path
) -> None:
    """Given --one-time and a hook that fails at once, when another is slow, then that one comes to its end."""
    done = tmp_path / "done"
    command = f"sh -c 'sleep 0.3; touch {done}'"
    sink.status = 500
    daemon = start_daemon(origin.url, root, one_time=True, webhook_url=sink.target, exechook_command=command)
    assert daemon.wait_exit() == 1, daemon.describe()
    assert done.exists()


def test_fire_and_forget(start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink) -> None:
    """Given success status 0, when the server fails or does not answer, then the call counts as a success."""
    sink.status = 500
    daemon = start_daemon(
        origin.url, root, period="1h", webhook_url=sink.target, webhook_success_status=0, webhook_timeout="3s"
    )
    daemon.wait_event("hook_finished", hash=origin.head)
    sink.hold()
    second = origin.commit({"index.html": "second\n"})
    daemon.wait_event("hook_finished", hash=second)
    assert not daemon.logs("hook_failed")
    assert sink.hashes()[-1] == second


def test_hanging_server_blocks_no_pass_and_no_end(
    start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink
) -> None:
    """Given a server that does not answer for an hour, when commits are published, then each is at once, and the
    process ends at once as well."""
    sink.hold()
    daemon = start_daemon(
        origin.url, root, period="1h", webhook_url=sink.target, webhook_timeout="1h", shutdown_timeout="1h"
    )
    sink.wait()
    for number in range(3):
        daemon.wait_published(origin.commit({"index.html": f"{number}\n"}))
    assert len(sink.requests) == 1
    assert daemon.terminate() == 0
    assert not daemon.logs("thread_left")


def test_token_in_the_url_is_told_nowhere(start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink) -> None:
    """Given a URL with tokens in path and query, when calls fail, hang and run, then they are in no log or answer."""
    url = sink.target.replace("/published?from=test", "/T0KEN-path?key=T0KEN-query")
    sink.statuses = [500]
    daemon = start_daemon(
        origin.url,
        root,
        "-v9",
        period="1h",
        webhook_url=url,
        webhook_timeout="5s",
        webhook_backoff="10ms",
        http_pprof=True,
    )
    daemon.wait_event("hook_finished")
    sink.hold()
    second = origin.commit({"index.html": "second\n"})
    sink.wait(3)
    stacks = daemon.get("/debug/pprof/")[1]
    assert "fetchurl" in stacks
    daemon.wait_event("hook_failed", hash=second, reason="timeout")
    told = daemon.log_text() + stacks + daemon.get("/status")[1] + daemon.get("/metrics")[1]
    assert "T0KEN" not in told


def test_silent_server_is_a_timeout(
    start_daemon: StartDaemon, origin: Origin, root: Path, silent_server: SilentServer
) -> None:
    """Given a server that accepts and stays silent, when it is called, then the log says so after the timeout."""
    daemon = start_daemon(origin.url, root, period="1h", webhook_url=silent_server.url, webhook_timeout="200ms")
    failure = daemon.wait_event("hook_failed")
    assert failure["reason"] == "timeout"
    assert failure["duration"] < AT_ONCE


def test_is_called_after_a_start_without_news(
    start_daemon: StartDaemon, origin: Origin, root: Path, sink: Sink
) -> None:
    """Given a published tree, when the program starts and nothing has changed, then there is one call."""
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    daemon = start_daemon(origin.url, root, "-v1", period="50ms", webhook_url=sink.target)
    daemon.wait_events("sync_finished", count=3, outcome="unchanged")
    daemon.wait_event("hook_finished")
    assert sink.hashes() == [origin.head]
