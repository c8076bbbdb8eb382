"""Promise: a pass can be asked for by hand, and its outcome waited for; and a pause keeps what is published, truly.

The period is an hour, so that nothing but what is asked for can be the reason of an update.
"""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE, TIMEOUT
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.stall import Proxy
from tests.support.tree import assert_published, published_hash
from tests.support.webhook import bearer

SECRET = "s3cret-of-the-receiver"
OPTIONS = {"period": "1h", "receiver_spacing": "0s", "sync_on_signal": "HUP"}
ENVIRONMENT = {"GITSYNC_RECEIVER_SECRET": SECRET}

Answer = tuple[int, Any]


def tell(daemon: DaemonProcess, path: str) -> Answer:
    """Ask for something by hand; return the status, and the answer."""
    status, body = daemon.request("POST", path, headers=bearer(SECRET), timeout=TIMEOUT)
    return status, json.loads(body)


def begin(daemon: DaemonProcess, path: str, *, count: int = 1) -> Callable[[], list[Answer]]:
    """Ask so many times at once for something that waits; return what waits for the answers."""
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(tell(daemon, path))) for _ in range(count)]
    for thread in threads:
        thread.start()

    def join() -> list[Answer]:
        for thread in threads:
            thread.join(TIMEOUT)
        return answers

    return join


@pytest.fixture
def daemon(start_daemon: StartDaemon, origin: Origin, root: Path) -> DaemonProcess:
    """A daemon that has published, and that can be told by hand."""
    started = start_daemon(origin.url, root, "-v1", environment=ENVIRONMENT, **OPTIONS)
    started.wait_ready()
    return started


@pytest.fixture
def proxy(git_http: GitHttpServer) -> Iterator[Proxy]:
    """A proxy in front of the git server."""
    with Proxy(git_http.port) as running:
        yield running


@pytest.fixture
def slow(start_daemon: StartDaemon, git_http: GitHttpServer, proxy: Proxy, origin: Origin, root: Path) -> DaemonProcess:
    """A daemon that has published from a server that can be held, and is between passes."""
    url = git_http.url_of(origin.path, port=proxy.port)
    started = start_daemon(url, root, "-v1", environment=ENVIRONMENT, **OPTIONS)
    started.wait_ready()
    started.wait_event("sync_finished")
    proxy.stall()
    return started


def held_pass(daemon: DaemonProcess, proxy: Proxy) -> None:
    """Begin a pass, and return when the server holds it."""
    accepted = proxy.accepted
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda: proxy.accepted > accepted)


def test_outcome_of_a_sync(daemon: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a new commit, when a pass is asked for and waited for, then the answer is that it is published."""
    commit = origin.commit({"index.html": "second\n"})
    status, told = tell(daemon, "/sync?wait=1m")
    assert (status, told["done"]) == (200, True)
    (repo,) = told["repos"]
    assert (repo["hash"], repo["ref"], repo["error"]) == (commit, "refs/heads/main", None)
    assert published_hash(root / "site.git") == commit
    assert repo["duration"] > 0
    status, told = tell(daemon, "/sync?wait=1m")
    assert (status, told["repos"][0]["outcome"], told["repos"][0]["hash"]) == (200, "unchanged", commit)


def test_sync_without_a_wait(daemon: DaemonProcess, origin: Origin) -> None:
    """Given a new commit, when a pass is asked for, then the answer comes at once, and the commit after it."""
    commit = origin.commit({"index.html": "second\n"})
    assert tell(daemon, "/sync") == (202, {"done": False, "message": "a pass begins"})
    daemon.wait_published(commit)


def test_outcome_of_a_failure(daemon: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a remote that is gone, when a pass is waited for, then the answer says why it failed, and what stays."""
    before = origin.head
    origin.path.rename(origin.path.with_name("gone"))
    status, told = tell(daemon, "/sync?wait=1m")
    assert (status, told["done"]) == (424, True)
    (repo,) = told["repos"]
    assert (repo["outcome"], repo["hash"], repo["error"]["reason"]) == ("failed", before, "not_found")
    assert repo["error"]["message"]
    assert repo["error"]["hint"]
    assert published_hash(root / "site.git") == before


def test_pass_that_had_begun_is_no_answer(slow: DaemonProcess, proxy: Proxy, origin: Origin, root: Path) -> None:
    """Given a pass that has asked already, when another is waited for, then the answer is that of the other."""
    held_pass(slow, proxy)
    waited = begin(slow, "/sync?wait=1m")
    slow.wait_event("sync_asked")
    commit = origin.commit({"index.html": "second\n"})
    proxy.pass_through()
    ((status, told),) = waited()
    assert (status, told["repos"][0]["hash"]) == (200, commit)
    lines = slow.wait_events("sync_finished", count=3)
    assert [line["trigger"] for line in lines][1:] == ["signal", "sync"]


def test_wait_that_ends_before_the_pass(slow: DaemonProcess, proxy: Proxy, origin: Origin) -> None:
    """Given a server that answers nothing, when a pass is waited for, then the time is kept, and the pass goes on."""
    begun = time.monotonic()
    status, told = tell(slow, "/sync?wait=300ms")
    assert 0.3 <= time.monotonic() - begun < AT_ONCE
    assert (status, told["done"], told["repos"][0]["outcome"]) == (504, False, None)
    commit = origin.commit({"index.html": "second\n"})
    proxy.pass_through()
    assert tell(slow, "/sync?wait=1m")[1]["repos"][0]["hash"] == commit
    # Both were asked for by hand, and one of them has published.
    assert slow.metrics()['gitsync_trigger_to_publish_seconds_count{source="sync"}'] == 1


def test_probes_while_many_wait(slow: DaemonProcess, proxy: Proxy) -> None:
    """Given ten who wait for a pass that is held, when probes and Prometheus ask, then they are answered at once."""
    waited = begin(slow, "/sync?wait=1m", count=10)
    slow.wait_events("sync_asked", count=10)
    begun = time.monotonic()
    for path in ("/healthz", "/readyz", "/metrics", "/status", "/") * 5:
        assert slow.get(path, timeout=AT_ONCE)[0] == 200, path
    assert time.monotonic() - begun < AT_ONCE
    proxy.pass_through()
    assert [status for status, _ in waited()] == [200] * 10
    # All but those that came before the pass had begun share one.
    assert len(slow.logs("sync_finished")) <= 3


def test_end_while_somebody_waits(slow: DaemonProcess) -> None:
    """Given somebody who waits for a pass that is held, when the process is told to end, then he is told so."""
    waited = begin(slow, "/sync?wait=10m", count=3)
    slow.wait_events("sync_asked", count=3)
    assert slow.terminate() == 0
    assert {(status, told["message"]) for status, told in waited()} == {(503, "the process ends")}
    slow.check_nothing_runs()


def test_pause_keeps_what_is_published(daemon: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a pause, when there are a new commit and triggers, then nothing changes, until the end of the pause."""
    before = published_hash(root / "site.git")
    status, told = tell(daemon, "/pause?reason=bad%20release")
    assert (status, told["survives_restart"]) == (200, True)
    mark = daemon.mark()
    commit = origin.commit({"index.html": "second\n"})
    daemon.signal(signal.SIGHUP)
    assert daemon.post("/webhook", headers=bearer(SECRET))[0] == 202
    assert tell(daemon, "/sync?wait=1m")[0] == 409
    assert tell(daemon, "/sync")[0] == 202
    assert daemon.status()["paused"]["reason"] == "bad release"
    assert daemon.metrics()["gitsync_paused"] == 1
    assert [daemon.get(path)[0] for path in ("/healthz", "/readyz", "/")] == [200] * 3
    assert published_hash(root / "site.git") == before
    assert not daemon.logs("sync_finished", since=mark)
    assert tell(daemon, "/resume")[0] == 200
    daemon.wait_published(commit)
    event = daemon.wait_event("sync_finished", since=mark)
    assert set(event["trigger"].split(",")) >= {"signal", "webhook", "sync"}
    assert daemon.status()["paused"] is None
    assert daemon.metrics()["gitsync_paused"] == 0
    assert_published(origin.path, root / "site.git")


def test_pause_during_a_pass(slow: DaemonProcess, proxy: Proxy, origin: Origin, root: Path) -> None:
    """Given a pass that is under way, when it is paused, then it does not publish any more; the next one does."""
    before = published_hash(root / "site.git")
    commit = origin.commit({"index.html": "second\n"})
    held_pass(slow, proxy)
    assert tell(slow, "/pause")[0] == 200
    proxy.pass_through()
    event = slow.wait_event("sync_finished", outcome="failed")
    assert (event["reason"], event["consecutive_failures"]) == ("paused", 0)
    assert published_hash(root / "site.git") == before
    status = slow.status()
    assert (status["error"]["reason"], status["ready"]) == ("paused", True)
    assert tell(slow, "/resume")[0] == 200
    slow.wait_published(commit)
    assert_published(origin.path, root / "site.git")
    slow.until(lambda: slow.status()["error"] is None)


def test_nothing_is_repaired_during_a_pause(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a pause, when what is published is damaged, then it stays as it is until the end of the pause."""
    options = {**OPTIONS, "heal_period": "100ms"}
    daemon = start_daemon(origin.url, root, "-v1", environment=ENVIRONMENT, **options)
    daemon.wait_ready()
    tell(daemon, "/pause")
    file = root / "site.git" / "index.html"
    file.write_text("changed for a while\n")
    mark = daemon.mark()
    later = time.monotonic() + 0.5  # some time for a comparison
    daemon.until(lambda: time.monotonic() > later)
    assert daemon.get("/healthz")[0] == 200
    assert file.read_text() == "changed for a while\n"
    assert not daemon.logs("damage_found", since=mark)
    tell(daemon, "/resume")
    daemon.wait_event("sync_finished", outcome="repaired")
    assert_published(origin.path, root / "site.git")


@pytest.mark.parametrize("kill", [False, True], ids=["in order", "killed"])
def test_restart_while_paused(start_daemon: StartDaemon, origin: Origin, root: Path, kill: bool) -> None:
    """Given a pause, when the container is restarted, then nothing is published before the end of the pause."""
    daemon = start_daemon(origin.url, root, "-v1", environment=ENVIRONMENT, **OPTIONS)
    daemon.wait_ready()
    before = published_hash(root / "site.git")
    since = tell(daemon, "/pause?reason=bad%20release")[1]["repos"][0]["paused"]["since"]
    if kill:
        daemon.kill_tree()
    else:
        assert daemon.terminate() == 0
    commit = origin.commit({"index.html": "second\n"})
    again = start_daemon(origin.url, root, "-v1", environment=ENVIRONMENT, **OPTIONS)
    again.wait_event("git_found")
    assert again.get("/readyz")[0] == 200
    paused = again.status()["paused"]
    assert (paused["reason"], paused["since"][:16]) == ("bad release", since[:16])
    assert again.metrics()["gitsync_paused"] == 1
    again.signal(signal.SIGHUP)
    assert tell(again, "/sync?wait=1m")[0] == 409
    assert published_hash(root / "site.git") == before
    assert not again.logs("sync_finished")
    assert tell(again, "/resume")[0] == 200
    again.wait_published(commit)
    assert not (root / ".gitsync" / "paused").exists()
    assert again.terminate() == 0


def test_end_while_paused(daemon: DaemonProcess) -> None:
    """Given a pause, when the process is told to end, then it does so in order."""
    tell(daemon, "/pause")
    assert daemon.terminate() == 0
    daemon.check_nothing_runs()


@pytest.mark.parametrize("published", [True, False])
def test_one_time_while_paused(start_daemon: StartDaemon, origin: Origin, root: Path, published: bool) -> None:
    """Given a pause, when a single pass is asked for, then nothing changes, and the end says if something is there."""
    if published:
        assert start_daemon(origin.url, root, "--one-time").wait_exit() == 0
    (root / ".gitsync").mkdir(parents=True, exist_ok=True)
    (root / ".gitsync" / "paused").write_text("bad release\n")
    before = published_hash(root / "site.git") if published else None
    origin.commit({"index.html": "second\n"})
    daemon = start_daemon(origin.url, root, "--one-time")
    assert daemon.wait_exit() == (0 if published else 1)
    assert daemon.logs("left_paused")[0]["hash"] == before
    assert (published_hash(root / "site.git") if published else None) == before


def test_without_a_secret_nothing_can_be_told(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given no secret, when something is asked for by hand, then 404."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_ready()
    for path in ("/sync", "/pause", "/resume"):
        assert daemon.request("POST", path, headers=bearer(SECRET))[0] == 404
