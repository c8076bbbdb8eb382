"""Promise: each alert and each panel of the dashboard asks for what a running gitsync really tells Prometheus."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.e2e.conftest import Document, Start
from tests.support.daemon import DaemonProcess
from tests.support.eventually import eventually
from tests.support.git_http import GitHttpServer
from tests.support.hook import HookScript
from tests.support.lfs import ATTRIBUTES, pointer_to
from tests.support.monitoring import RULES, alerts, dashboard_expressions
from tests.support.origin import Origin
from tests.support.prometheus import Prometheus, program
from tests.support.replicas import told
from tests.support.webhook import bearer

SECRET = "s3cret-of-the-receiver"
ENVIRONMENT = {"GITSYNC_RECEIVER_SECRET": SECRET}
# What nobody can wait for, or bring about on a machine of others, is asked for in another measure.
EASIER = {
    "GitsyncBehind": ("> 600", "> 0"),
    "GitsyncVolumeLow": ("<", ">"),
    "GitsyncInodesLow": ("<", ">="),
    "GitsyncUndeletable": ("> 0", ">= 0"),
}
# The pod that each is about; replicas that differ are several.
ABOUT = {
    "GitsyncStale": "broken",
    "GitsyncBehind": "behind",
    "GitsyncFailing": "broken",
    "GitsyncHookFailing": "current",
    "GitsyncVolumeLow": "current",
    "GitsyncInodesLow": "current",
    "GitsyncUndeletable": "current",
    "GitsyncLfsPointers": "current",
    "GitsyncWebhooksRejected": "current",
    "GitsyncPeersMissed": "current",
    "GitsyncReplicasDiffer": "",
    "GitsyncPaused": "paused",
    "GitsyncRestarts": "restarting",
    "GitsyncConfigInvalid": "misread",
}
# Those without a time to wait for.
AT_ONCE = {"GitsyncWebhooksRejected", "GitsyncPeersMissed", "GitsyncRestarts"}
STARTS = 'changes(process_start_time_seconds{pod="restarting"}[1h]) > 0'


class Fleet:
    """A pod that is up to date, one that refuses news, one that is paused, one that fails, one that starts anew, and
    one that reads a file."""

    def __init__(self, start: StartDaemon, url: str, directory: Path, misread: DaemonProcess) -> None:
        self._start = start
        self._url = url
        self._directory = directory
        gate = HookScript(directory / "gate", "! grep -q second index.html")
        failing = HookScript(directory / "fails", "exit 1")
        self.current = self._pod(
            "current", exechook_command=failing, exechook_backoff="100ms", peers="localhost:1", receiver_spacing="0s"
        )
        self.behind = self._pod("behind", pre_publish_exechook_command=gate, pre_publish_exechook_backoff="100ms")
        self.paused = self._pod("paused")
        self.broken = self._pod("broken", ref="nothing", period="100ms", max_backoff="100ms", sync_timeout="2s")
        self.restarting = self._pod("restarting")
        self.misread = misread
        for pod in (self.current, self.behind, self.paused, self.restarting, self.misread):
            pod.wait_ready()
        self.tell(self.paused, "/pause")

    def _pod(self, name: str, **options: object) -> DaemonProcess:
        root = self._directory / f"root-of-{name}"
        return self._start(self._url, root, environment=ENVIRONMENT, **{"period": "1h", **options})

    @property
    def targets(self) -> dict[str, dict[str, str]]:
        """What Prometheus scrapes, with the labels that a cluster gives it."""
        named = {name: pod for name, pod in vars(self).items() if isinstance(pod, DaemonProcess)}
        return {f"127.0.0.1:{pod.port}": {"namespace": "shop", "pod": name} for name, pod in named.items()}

    def tell(self, pod: DaemonProcess, path: str, secret: str = SECRET) -> int:
        """POST to a pod with a secret; return the status."""
        return pod.post(path, headers=bearer(secret))[0]

    def restart(self) -> None:
        """Start the pod anew at its old address."""
        address = f"127.0.0.1:{self.restarting.port}"
        self.restarting.terminate()
        self.restarting = self._pod("restarting", http_bind=address)
        self.restarting.wait_ready()


@pytest.fixture
def fleet(start_daemon: StartDaemon, start: Start, git_http: GitHttpServer, origin: Origin, tmp_path: Path) -> Fleet:
    """Pods in all states that alerts are about; their remote is reached over HTTP."""
    program("prometheus")
    url = git_http.url_of(origin.path)
    return Fleet(start_daemon, url, tmp_path, start(f"- {{repo: '{url}', link: site}}\n"))


@pytest.fixture
def prometheus(fleet: Fleet, tmp_path: Path) -> Iterator[Prometheus]:
    """A server that has scraped all of them."""
    with Prometheus(tmp_path / "prometheus", fleet.targets, rules=[RULES]) as server:
        eventually(lambda: len(server.query("gitsync_build_info")) == len(fleet.targets))
        yield server


def values(server: Prometheus, expression: str) -> dict[str, float]:
    """Return what an expression gives that is a number, by pod."""
    samples = [(each["metric"].get("pod", ""), float(each["value"][1])) for each in server.query(expression)]
    return {pod: value for pod, value in samples if not math.isnan(value)}


def expression_of(alert: str) -> str:
    """Return what an alert asks for, or what is as good where that takes too long."""
    hard, easy = EASIER.get(alert, ("", ""))
    expression: str = alerts()[alert]["expr"]
    assert hard in expression
    return expression.replace(hard, easy, 1)


def filled_in(expression: str) -> str:
    """Return an expression of the dashboard as Grafana sends it, if everything is chosen."""
    return re.sub(r"\$\w+", ".*", expression.replace("$__rate_interval", "1m"))


def make_trouble(fleet: Fleet, prometheus: Prometheus, origin: Origin) -> None:
    """Bring about what is to be seen, after Prometheus has seen how it was before."""
    requests = "gitsync_receiver_requests_total{pod='current',outcome='{}'}"
    assert fleet.tell(fleet.current, "/webhook", "wrong") == 401
    eventually(lambda: values(prometheus, requests.replace("{}", "unauthorized")))
    origin.commit({"index.html": "second\n", "large.bin": pointer_to(b"large"), ".gitattributes": ATTRIBUTES})
    for count in range(1, 8):
        assert fleet.tell(fleet.current, "/webhook", "wrong") == 401
        assert fleet.tell(fleet.current, "/webhook") == 202
        # Those that come in the meantime would be passed on as one.
        eventually(lambda: sum(told(fleet.current).values()) >= count)  # noqa: B023
    assert fleet.tell(fleet.behind, "/webhook") == 202
    for starts in range(1, 4):
        fleet.restart()
        eventually(lambda: values(prometheus, STARTS) == {"restarting": starts})  # noqa: B023


def all_fire(server: Prometheus) -> bool:
    """Check that each alert, but for the one on pods that are gone, is about the pod that it should be about."""
    silent = {name for name, pod in ABOUT.items() if pod not in values(server, expression_of(name))}
    assert not silent
    return True


def all_have_data(server: Prometheus) -> bool:
    """Check that each panel has something to show."""
    empty = [(title, text) for title, text in dashboard_expressions() if not values(server, filled_in(text))]
    assert not empty
    return True


def test_alerts_and_dashboard_have_data(
    fleet: Fleet, prometheus: Prometheus, origin: Origin, document: Document
) -> None:
    """Given pods in trouble, when Prometheus has scraped them, then each alert is about one, and panels have data."""
    make_trouble(fleet, prometheus, origin)
    document.replace("- {}\n")
    eventually(lambda: all_fire(prometheus))
    eventually(lambda: all_have_data(prometheus))
    eventually(lambda: prometheus.firing() >= AT_ONCE)
    fleet.restarting.terminate()
    eventually(lambda: values(prometheus, expression_of("GitsyncDown")).keys() == {"restarting"})


def test_every_alert_has_a_pod() -> None:
    """None is left out of the test above."""
    assert {*ABOUT, "GitsyncDown"} == alerts().keys()
