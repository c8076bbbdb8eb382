"""A real Prometheus server scrapes the pod as its annotations say, and answers queries on it."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from testcontainers.core.container import DockerContainer

from tests.container.conftest import StartContainer, StartPod
from tests.support.docker_engine import request
from tests.support.docker_git import Remote
from tests.support.docker_pod import Pod
from tests.support.eventually import eventually

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

PORT = 9090


def configuration(pod: Pod) -> bytes:
    """Return what a cluster's Prometheus makes of the pod's annotations."""
    annotations = pod.annotations
    assert annotations["prometheus.io/scrape"] == "true"
    job = {
        "job_name": "pods",
        "metrics_path": annotations["prometheus.io/path"],
        "static_configs": [{"targets": [f"{pod.name}:{annotations['prometheus.io/port']}"]}],
    }
    return yaml.safe_dump(
        {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": [job]}
    ).encode()


def query(server: DockerContainer, expression: str) -> list[dict[str, Any]]:
    """Return the samples that an expression gives now."""
    status, body = request(server, PORT, "/api/v1/query?" + urlencode({"query": expression}))
    assert status == 200, body
    result: list[dict[str, Any]] = json.loads(body)["data"]["result"]
    return result


def test_prometheus_sees_what_is_published(
    start_pod: StartPod, start: StartContainer, images: dict[str, str], remote: Remote
) -> None:
    """The target is up, and the published commit of a query is the one that was pushed, also after an update."""
    pod = start_pod("pod.yaml", environment={"GIT_REPO": remote.url, "GITSYNC_PERIOD": "500ms"})
    server = start(
        images["prometheus"],
        ports=(PORT,),
        transferables=[(configuration(pod), "/etc/prometheus/prometheus.yml", 0o644)],
    )
    eventually(lambda: [each["value"][1] for each in query(server, "up")] == ["1"])

    def published() -> list[str]:
        return [each["metric"]["hash"] for each in query(server, "gitsync_published_info == 1")]

    eventually(lambda: published() == [remote.origin.head])
    commit = remote.push({"index.html": "second\n"})
    eventually(lambda: published() == [commit])
    updates = query(server, 'git_sync_count_total{status="success"}')
    assert [float(each["value"][1]) for each in updates] == [2.0]
    assert query(server, "time() - gitsync_last_success_timestamp_seconds < 60")
    assert query(server, "process_resident_memory_bytes > 1e6")
