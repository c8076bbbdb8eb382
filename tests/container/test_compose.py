"""compose.yaml at work: a site that is served, followed, scraped and alerted on, with the commands that users type."""

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from testcontainers.core.network import Network

from tests.support.docker_engine import LABELS, PROJECT
from tests.support.docker_git import Remote
from tests.support.eventually import eventually
from tests.support.monitoring import alerts

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

PORTS = {"site": 80, "gitsync": 9484, "prometheus": 9090}


class Composed:
    """The services of compose.yaml as a project of this test's own."""

    def __init__(self, override: Path, environment: dict[str, str]) -> None:
        program = shutil.which("docker-compose")
        if program is None:
            pytest.skip("there is no docker-compose (Debian: docker-compose)")
        files = ["-f", str(PROJECT / "compose.yaml"), "-f", str(override), "--project-directory", str(PROJECT)]
        self._command = [program, "-p", f"gitsync-test-{os.getpid()}", *files]
        self._environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment}

    def run(self, *arguments: str) -> str:
        """Run a command of docker-compose, and return what it prints; fail if it fails."""
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, service: str, path: str) -> tuple[int, str]:
        """GET a path of a service at the port that it has for users; return status and body."""
        host, port = self.run("port", service, str(PORTS[service])).strip().split(":")
        with closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def prometheus(self, path: str) -> Any:
        """Return what Prometheus answers."""
        status, body = self.get("prometheus", path)
        assert status == 200, body
        return json.loads(body)["data"]


@pytest.fixture
def composed(images: dict[str, str], network: Network, remote: Remote, tmp_path: Path) -> Iterator[Composed]:
    """All services up, in the network of the test's git server, at ports that are free."""
    override = tmp_path / "override.yaml"
    services = {name: {"labels": LABELS} for name in PORTS}
    networks = {"default": {"external": True, "name": network.name}}
    override.write_text(
        yaml.safe_dump({"services": services, "networks": networks, "volumes": {"content": {"labels": LABELS}}})
    )
    names = {"HTTPD_IMAGE": images["httpd"], "PROMETHEUS_IMAGE": images["prometheus"], "GIT_REPO": remote.url}
    ports = {"SITE_PORT": "0", "GITSYNC_PORT": "0", "PROMETHEUS_PORT": "0"}
    made = Composed(override, {**names, **ports})
    try:
        made.run("up", "--detach", "--no-build")
        yield made
    finally:
        print(made.run("logs", "--no-color"))
        made.run("down", "--volumes", "--timeout", "20")


def test_the_first_five_minutes(composed: Composed, remote: Remote) -> None:
    """The site is served and follows a push; Prometheus scrapes it, has the alerts, and one fires for what is gone."""
    eventually(lambda: composed.get("site", "/") == (200, "first\n"))
    assert composed.get("gitsync", "/readyz?repo=current")[0] == 200
    commit = remote.push({"index.html": "second\n"})
    eventually(lambda: composed.get("site", "/") == (200, "second\n"))

    def published() -> list[str]:
        found = composed.prometheus("/api/v1/query?query=gitsync_published_info")["result"]
        return [sample["metric"]["hash"] for sample in found]

    eventually(lambda: published() == [commit])
    groups = composed.prometheus("/api/v1/rules")["groups"]
    assert {rule["name"] for group in groups for rule in group["rules"]} == alerts().keys()
    composed.run("stop", "gitsync")

    def watched() -> set[str]:
        return {alert["labels"]["alertname"] for alert in composed.prometheus("/api/v1/alerts")["alerts"]}

    eventually(lambda: "GitsyncDown" in watched())
    assert composed.get("site", "/") == (200, "second\n")
