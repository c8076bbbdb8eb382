"""What the Kustomize components and the Helm chart make, at work: a push shows on the site."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.container.conftest import StartPod
from tests.support.docker_engine import request
from tests.support.docker_git import Remote
from tests.support.docker_pod import Pod
from tests.support.eventually import eventually
from tests.support.helm import template
from tests.support.manifests import K8S, Manifest, of_kind, read, render

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

HTTP, RECEIVER = 80, 9485
SECRETS = {name: {"secret": "open sesame"} for name in ("gitsync-webhook", "hook")}


def web_server() -> Manifest:
    """Return the web server of deployment.yaml as an app of its own, whose volumes have no group."""
    deployment = of_kind("Deployment", read(K8S / "deployment.yaml"))["site"]
    spec = deployment["spec"]["template"]["spec"]
    del spec["initContainers"], spec["securityContext"]["fsGroup"]
    spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] == "app-run"]
    for mount in spec["containers"][0]["volumeMounts"]:
        mount["name"] = mount["name"].replace("content", "poll-content")
    return deployment


def follows_pushes(pod: Pod, remote: Remote) -> bool:
    """Tell whether the site shows what is pushed after a webhook, long before the next poll."""
    eventually(partial(pod.probe, "poll", "readinessProbe"))
    eventually(lambda: pod.get(HTTP, "/") == (200, "first\n"))
    remote.push({"index.html": "second\n"})
    headers = {"Authorization": "Bearer open sesame"}
    assert request(pod.sandbox, RECEIVER, "/webhook", method="POST", headers=headers)[0] == 202
    return eventually(lambda: pod.get(HTTP, "/") == (200, "second\n"))


@pytest.mark.parametrize("form", ["native", "ordinary"])
def test_an_app_with_the_components(start_pod: StartPod, remote: Remote, tmp_path: Path, form: str) -> None:
    """Volumes that belong to root and are open to all are enough, for secrets as well."""
    shutil.copytree(K8S / "components", tmp_path / "components")
    components = ["poll", "poll-webhook", *(["poll-container"] if form == "ordinary" else [])]
    settings = [f"GIT_REPO={remote.url}", "GITSYNC_PERIOD=1h"]
    kustomization = {
        "resources": ["app.yaml"],
        "components": [f"../components/{name}" for name in components],
        "configMapGenerator": [{"name": "gitsync", "literals": settings}],
    }
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text(yaml.safe_dump(web_server()))
    (tmp_path / "app" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    pod = start_pod(render(tmp_path / "app"), secrets=SECRETS)
    assert follows_pushes(pod, remote)
    assert pod.stop() == {"app": 0, "poll": 0}


def test_the_chart(start_pod: StartPod, remote: Remote) -> None:
    """With a webhook's Secret, and one replica, which has nobody to tell."""
    pytest.importorskip("helm_python")
    poll: dict[str, Any] = {"options": {"repo": remote.url, "period": "1h"}, "webhook": {"secret": "hook"}}
    pod = start_pod(template(K8S / "chart" / "gitsync", {"replicas": 1, "poll": poll}), secrets=SECRETS)
    assert follows_pushes(pod, remote)
    assert pod.stop() == {"web": 0, "poll": 0}
