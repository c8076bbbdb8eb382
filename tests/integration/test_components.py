"""The Kustomize components in k8s/components: gitsync in any workload, by a few lines of a kustomization."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.loose_ends import loose_ends
from tests.support.manifests import (
    K8S,
    Manifest,
    configuration,
    containers,
    environment,
    of_kind,
    pods,
    ports,
    render,
    validate,
    violations,
)

Kustomize = Callable[..., list[Manifest]]
KINDS = ["Deployment", "StatefulSet", "DaemonSet"]
HARDENED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def app(kind: str) -> Manifest:
    """Return a workload with containers, volumes and ports of its own."""
    mounts = [{"name": "poll-content", "mountPath": "/srv", "readOnly": True}, {"name": "own", "mountPath": "/own"}]
    spec = {
        "securityContext": {"runAsNonRoot": True, "fsGroup": 7, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [{"name": "own-init", "image": "own", "securityContext": HARDENED}],
        "containers": [
            {
                "name": "app",
                "image": "app",
                "volumeMounts": mounts,
                "ports": [{"name": "metrics", "containerPort": 80}],
                "securityContext": HARDENED,
            }
        ],
        "volumes": [{"name": "own", "emptyDir": {}}],
    }
    labels = {"app": "any"}
    template = {"metadata": {"labels": labels}, "spec": spec}
    details = {"serviceName": "any"} if kind == "StatefulSet" else {}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": kind.lower()},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **details},
    }


@pytest.fixture
def kustomize(tmp_path: Path) -> Kustomize:
    """Render these workloads with these components, and with one setting."""
    shutil.copytree(K8S / "components", tmp_path / "components")
    (tmp_path / "app").mkdir()

    def rendered(*components: str, kinds: list[str] = KINDS, **more: Any) -> list[Manifest]:
        (tmp_path / "app" / "app.yaml").write_text(yaml.safe_dump_all(app(kind) for kind in kinds))
        kustomization = {
            "resources": ["app.yaml"],
            "components": [f"../components/{name}" for name in components],
            "configMapGenerator": [{"name": "gitsync", "literals": ["GIT_REPO=https://git.example.com/site"]}],
            **more,
        }
        (tmp_path / "app" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return render(tmp_path / "app")

    return rendered


@pytest.mark.parametrize(
    "components",
    [("poll",), ("poll", "poll-webhook"), ("poll", "poll-container"), ("poll", "poll-webhook", "poll-container")],
)
def test_every_workload_is_whole_with_it(kustomize: Kustomize, components: tuple[str, ...]) -> None:
    """All kinds are valid, within the restricted profile, and nothing in them leads nowhere."""
    manifests = kustomize(*components)
    assert len(list(pods(manifests))) == len(KINDS)
    for manifest in manifests:
        validate(manifest)
    for pod in pods(manifests):
        assert violations(pod["spec"]) == []
        config = configuration(environment(containers(pod["spec"])["poll"], manifests))
        assert config.http.bind
        assert config.http.bind.port == ports(pod["spec"])["poll-metrics"]
    assert loose_ends(manifests) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_apps_own_parts_stay(kustomize: Kustomize, kind: str) -> None:
    """Only containers, volumes and the ConfigMap are added; whatever the pod has said for itself is as it was."""
    manifests = kustomize("poll", "poll-webhook", kinds=[kind])
    spec = of_kind(kind, manifests)[kind.lower()]["spec"]["template"]["spec"]
    before = app(kind)["spec"]["template"]["spec"]
    assert spec.keys() == before.keys()
    assert spec["securityContext"] == before["securityContext"]
    assert spec["containers"] == before["containers"]
    assert [each["name"] for each in spec["initContainers"]] == ["poll", "own-init"]
    assert {"name": "own", "emptyDir": {}} in spec["volumes"]


def test_the_sidecar_is_a_native_one(kustomize: Kustomize) -> None:
    """The containers after it, init containers too, start once its startup probe has seen the content."""
    (pod,) = pods(kustomize("poll", kinds=["Deployment"]))
    poll = containers(pod["spec"])["poll"]
    assert poll["restartPolicy"] == "Always"
    assert poll["startupProbe"]["httpGet"] == {"path": "/readyz?repo=current", "port": "poll-metrics"}


def test_the_ordinary_container_is_the_same_but_for_the_start(kustomize: Kustomize) -> None:
    """It is moved, not written a second time."""
    (native,) = pods(kustomize("poll", kinds=["Deployment"]))
    (ordinary,) = pods(kustomize("poll", "poll-container", kinds=["Deployment"]))
    assert [each["name"] for each in ordinary["spec"]["containers"]] == ["app", "poll"]
    assert [each["name"] for each in ordinary["spec"]["initContainers"]] == ["own-init"]
    poll = containers(native["spec"])["poll"]
    left_out = {"restartPolicy", "startupProbe"}
    assert containers(ordinary["spec"])["poll"] == {key: poll[key] for key in poll.keys() - left_out}


def test_webhooks_have_a_port_and_a_secret_that_may_come_later(kustomize: Kustomize) -> None:
    """The variables, the port and the volume agree."""
    manifests = kustomize("poll", "poll-webhook", kinds=["Deployment"])
    (pod,) = pods(manifests)
    poll = containers(pod["spec"])["poll"]
    receiver = configuration(environment(poll, manifests)).receiver
    assert receiver.bind
    assert receiver.bind.port == ports(pod["spec"])["poll-receiver"]
    (mount,) = [each for each in poll["volumeMounts"] if each["name"] == "poll-webhook"]
    assert receiver.secret_file == Path(mount["mountPath"]) / "secret"
    (volume,) = [each for each in pod["spec"]["volumes"] if each["name"] == "poll-webhook"]
    assert volume["secret"]["optional"] is True


def test_a_changed_setting_is_a_rollout(kustomize: Kustomize) -> None:
    """The name of the ConfigMap in the pod changes with what is in it."""
    literals = ["GIT_REPO=https://git.example.com/site", "GITSYNC_REF=next"]
    changed = [{"name": "gitsync", "literals": literals}]
    first, second = kustomize("poll"), kustomize("poll", configMapGenerator=changed)
    assert of_kind("ConfigMap", first).keys().isdisjoint(of_kind("ConfigMap", second))
    assert loose_ends(second) == []


def test_without_settings_there_is_no_pod(kustomize: Kustomize) -> None:
    """A kustomization that has forgotten the ConfigMap is refused."""
    with pytest.raises(AssertionError, match="gitsync"):
        kustomize("poll", configMapGenerator=[])


def test_names_and_images_are_the_users(kustomize: Kustomize) -> None:
    """A prefix reaches the ConfigMap that the pod names, and the image can be taken from anywhere."""
    images = [{"name": "gitsync", "newName": "registry.example.com/gitsync", "newTag": "1.2.3"}]
    manifests = kustomize("poll", namePrefix="blue-", images=images, kinds=["Deployment"])
    (pod,) = pods(manifests)
    assert containers(pod["spec"])["poll"]["image"] == "registry.example.com/gitsync:1.2.3"
    assert all(name.startswith("blue-gitsync-") for name in of_kind("ConfigMap", manifests))
    assert loose_ends(manifests) == []
