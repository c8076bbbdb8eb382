"""Promise: a signal or an authentic webhook starts a pass at once, and none is lost or multiplied.

The period is an hour, so that nothing but the trigger can be the reason of an update.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess, ask
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.processes import signal_thread
from tests.support.stall import Proxy
from tests.support.tree import assert_published, published_hash
from tests.support.webhook import bearer, signed

SECRET = "s3cret-of-the-receiver"
PAYLOAD = b'{"ref": "refs/heads/main"}'
LIMIT = 3 * 1024 * 1024


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with the receiver's secret and, as editors leave it, a line end."""
    path = tmp_path / "receiver-secret"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def receiver(start_daemon: StartDaemon, origin: Origin, root: Path, secret_file: Path) -> DaemonProcess:
    """A daemon that has published, with a period of an hour, a webhook receiver and a sync signal."""
    daemon = start_daemon(
        origin.url, root, "-v1", period="1h", receiver_secret_file=secret_file, sync_on_signal="SIGHUP"
    )
    daemon.wait_ready()
    return daemon


def test_signal_starts_a_pass(receiver: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a new commit, when the signal arrives, then the commit is published."""
    commit = origin.commit({"index.html": "second\n"})
    receiver.signal(signal.SIGHUP)
    receiver.wait_published(commit)
    assert_published(origin.path, root / "site.git")
    assert receiver.metrics()['gitsync_triggers_total{source="signal"}'] == 1


@pytest.mark.parametrize("main", [True, False], ids=["the main thread", "another thread"])
def test_signal_starts_a_pass_whichever_thread_takes_it(receiver: DaemonProcess, origin: Origin, main: bool) -> None:
    """Given a new commit, when the kernel hands the signal to one thread or another, then the commit is published."""
    commit = origin.commit({"index.html": "second\n"})
    signal_thread(receiver.pid, signal.SIGHUP, main=main)
    receiver.wait_published(commit)


def test_signed_webhook_starts_a_pass(receiver: DaemonProcess, origin: Origin) -> None:
    """Given a new commit, when a webhook with a good signature arrives, then 202 and the commit is published."""
    commit = origin.commit({"index.html": "second\n"})
    assert receiver.post("/webhook", body=PAYLOAD, headers=signed(PAYLOAD, SECRET))[0] == 202
    receiver.wait_published(commit)


def test_bearer_webhook_starts_a_pass(receiver: DaemonProcess, origin: Origin) -> None:
    """Given a new commit, when a webhook with the secret as bearer token arrives, then 202 and it is published."""
    commit = origin.commit({"index.html": "second\n"})
    assert receiver.post("/webhook", headers=bearer(SECRET))[0] == 202
    receiver.wait_published(commit)


def test_forged_webhooks_start_nothing(receiver: DaemonProcess, origin: Origin, root: Path) -> None:
    """Given a new commit, when webhooks without a good proof arrive, then 401 each and no pass runs."""
    before = origin.head
    origin.commit({"index.html": "second\n"})
    mark = receiver.mark()
    forged = [
        {},
        signed(PAYLOAD, "another secret"),
        signed(PAYLOAD + b" ", SECRET),
        bearer("another secret"),
        bearer(""),
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "nonsense"},
        {"Authorization": f"Basic {SECRET}"},
    ]
    assert [receiver.post("/webhook", body=PAYLOAD, headers=headers)[0] for headers in forged] == [401] * len(forged)
    assert receiver.metrics().get('gitsync_triggers_total{source="webhook"}', 0.0) == 0
    assert not receiver.logs("sync_finished", since=mark)
    assert published_hash(root / "site.git") == before


def test_other_methods_are_refused(receiver: DaemonProcess) -> None:
    """Given a receiver, when it is not POST, then 405 and no pass."""
    for method in ("GET", "PUT", "DELETE"):
        assert receiver.request(method, "/webhook", headers=bearer(SECRET))[0] == 405, method
    assert receiver.metrics().get('gitsync_triggers_total{source="webhook"}', 0.0) == 0


def test_body_over_the_limit_is_refused(receiver: DaemonProcess) -> None:
    """Given a receiver, when a request announces more than 3 MiB, then 413 before a byte of it; 3 MiB are taken."""
    for length in (LIMIT + 1, 100 * LIMIT):
        headers = {**bearer(SECRET), "Content-Length": str(length)}
        assert receiver.request("POST", "/webhook", headers=headers)[0] == 413, length
    assert receiver.metrics()['gitsync_triggers_total{source="webhook"}'] == 0
    fits = b"x" * LIMIT
    assert receiver.post("/webhook", body=fits, headers=signed(fits, SECRET))[0] == 202


def test_endless_body_is_refused(receiver: DaemonProcess) -> None:
    """Given a receiver, when an authentic body comes in chunks and grows over 3 MiB, then it is not taken."""
    chunks = (b"x" * 65536 for _ in range(2 * LIMIT // 65536))
    with contextlib.suppress(ConnectionError):  # the answer can be lost when the connection is closed on us
        assert receiver.request("POST", "/webhook", body=chunks, headers=bearer(SECRET))[0] == 413
    assert receiver.get("/healthz")[0] == 200
    assert receiver.metrics()['gitsync_triggers_total{source="webhook"}'] == 0


def test_no_secret_means_no_receiver(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given no secret, when a webhook arrives, then 404."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_ready()
    assert daemon.post("/webhook", body=PAYLOAD, headers=signed(PAYLOAD, ""))[0] == 404


@pytest.fixture
def proxy(git_http: GitHttpServer) -> Iterator[Proxy]:
    """A proxy in front of the git server."""
    with Proxy(git_http.port) as running:
        yield running


@pytest.fixture
def slow(
    start_daemon: StartDaemon, git_http: GitHttpServer, proxy: Proxy, origin: Origin, root: Path, secret_file: Path
) -> DaemonProcess:
    """A daemon that has published from a server that can be held, whose next pass is held."""
    url = git_http.url_of(origin.path, port=proxy.port)
    patient = "--git-config=http.lowSpeedTime:1000"
    daemon = start_daemon(
        url, root, "-v1", patient, period="1h", receiver_secret_file=secret_file, sync_on_signal="SIGHUP"
    )
    daemon.wait_ready()
    daemon.wait_event("sync_finished")
    proxy.stall()
    accepted = proxy.accepted
    assert daemon.post("/webhook", headers=bearer(SECRET))[0] == 202
    daemon.until(lambda: proxy.accepted > accepted)
    return daemon


def test_webhooks_during_a_pass_become_one_more_pass(
    slow: DaemonProcess, proxy: Proxy, origin: Origin, root: Path
) -> None:
    """Given a pass that is held, when a thousand webhooks arrive, then exactly one more pass follows it."""
    mark = slow.mark()
    with contextlib.closing(HTTPConnection("127.0.0.1", slow.port)) as sender:
        for _ in range(1000):
            assert ask(sender, "POST", "/webhook", body=PAYLOAD, headers=signed(PAYLOAD, SECRET))[0] == 202
    commit = origin.commit({"index.html": "second\n"})
    proxy.pass_through()
    slow.wait_published(commit)
    slow.wait_events("sync_finished", count=2, since=mark)
    slow.sync_by_signal()  # a fence: whatever else was due has run before it
    assert len(slow.logs("sync_finished", since=mark)) == 3
    assert slow.metrics()['gitsync_triggers_total{source="webhook"}'] == 2
    assert_published(origin.path, root / "site.git")


def test_time_to_publication_is_counted_per_source(slow: DaemonProcess, proxy: Proxy, origin: Origin) -> None:
    """Given a pass that is held, when others are triggered, then each update counts once, for what has led to it."""
    slow.signal(signal.SIGHUP)
    first = origin.commit({"index.html": "second\n"})
    proxy.pass_through()
    slow.wait_published(first)
    slow.wait_event("sync_finished", trigger="signal")
    assert latencies(slow) == {"webhook": 1}  # the signal's pass came too late to find something
    second = origin.commit({"index.html": "third\n"})
    slow.signal(signal.SIGHUP)
    slow.wait_published(second)
    slow.until(lambda: latencies(slow) == {"webhook": 1, "signal": 1})


def latencies(daemon: DaemonProcess) -> dict[str, float]:
    """Return how many updates were counted for each source."""
    prefix = 'gitsync_trigger_to_publish_seconds_count{source="'
    return {
        name.removeprefix(prefix).removesuffix('"}'): count
        for name, count in daemon.metrics().items()
        if name.startswith(prefix) and count
    }


def test_signals_during_a_pass_become_one_more_pass(slow: DaemonProcess, proxy: Proxy, origin: Origin) -> None:
    """Given a pass that is held, when signals arrive, then one more pass follows it and is theirs."""
    mark = slow.mark()
    for _ in range(5):
        slow.signal(signal.SIGHUP)
    proxy.pass_through()
    passes = slow.wait_events("sync_finished", count=2, since=mark)
    assert passes[1]["trigger"] == "signal"


def test_receiver_secret_that_is_made_later_counts(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a secret file that is not there at the start, when it is made, then webhooks are let in."""
    file = tmp_path / "later"
    daemon = start_daemon(origin.url, root, period="1h", receiver_secret_file=file)
    daemon.wait_ready()
    assert daemon.post("/webhook", headers=bearer(SECRET))[0] == 503
    file.write_text(f"{SECRET}\r\n")
    assert daemon.post("/webhook", headers=bearer(SECRET))[0] == 202
    assert daemon.post("/webhook", headers=bearer("another"))[0] == 401


def test_receiver_has_a_port_of_its_own(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given another address for the receiver, then the webhook is there only, and nothing else is."""
    environment = {"GITSYNC_RECEIVER_SECRET": SECRET}
    daemon = start_daemon(origin.url, root, period="1h", environment=environment, receiver_bind="127.0.0.1:0")
    daemon.wait_ready()
    port = int(daemon.wait_event("receiver_listening")["port"])
    assert daemon.post("/webhook", headers=bearer(SECRET))[0] == 404
    with contextlib.closing(HTTPConnection("127.0.0.1", port)) as receiver:
        assert ask(receiver, "GET", "/metrics")[0] == 404
        commit = origin.commit({"index.html": "second\n"})
        assert ask(receiver, "POST", "/webhook", headers=bearer(SECRET))[0] == 202
    daemon.wait_published(commit)


def test_storm_of_pushes_ends_on_the_last_commit(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, secret_file: Path
) -> None:
    """Given pushes with a webhook each, when they end, then few passes have run and the last commit is there."""
    url = git_http.url_of(origin.path)
    receiver = start_daemon(url, root, period="1h", receiver_secret_file=secret_file, sync_on_signal="SIGHUP")
    receiver.wait_ready()
    begun = time.monotonic()
    for number in range(40):
        commit = origin.commit({"index.html": f"{number}\n"})
        assert receiver.post("/webhook", body=PAYLOAD, headers=signed(PAYLOAD, SECRET))[0] == 202
    took = time.monotonic() - begun
    receiver.wait_published(commit)
    receiver.sync_by_signal()
    assert receiver.metrics()['gitsync_triggers_total{source="webhook"}'] <= 2 + took
    assert_published(origin.path, root / "site.git")
