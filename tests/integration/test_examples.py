"""The examples in k8s/examples: rendered, valid, restricted, and consistent, with settings that gitsync takes."""

import copy
import functools
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gitsync.config.model import Config
from tests.support.loose_ends import loose_ends
from tests.support.manifests import (
    K8S,
    PROJECT,
    Manifest,
    configuration,
    containers,
    environment,
    of_kind,
    pods,
    ports,
    read,
    render,
    validate,
    violations,
)

EXAMPLES = sorted(path.name for path in (K8S / "examples").iterdir())
PRIVATE = [name for name in EXAMPLES if name.startswith("private-")]
# What migrates keeps the name that it had.
CONTAINER = {"from-git-sync": "git-sync"}


@functools.cache
def example(name: str) -> list[Manifest]:
    """Return the manifests of an example: rendered, or as they are written."""
    directory = K8S / "examples" / name
    if (directory / "kustomization.yaml").exists():
        return render(directory)
    return [manifest for path in sorted(directory.glob("*.yaml")) for manifest in read(path)]


def gitsync_of(name: str, manifests: list[Manifest]) -> tuple[Manifest, Config]:
    """Return the pod of an example, and the configuration of the gitsync in it."""
    (pod,) = pods(manifests)
    container = containers(pod["spec"])[CONTAINER.get(name, "poll")]
    return pod, configuration(environment(container, manifests), container.get("args", ()))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_api_accepts_every_field(name: str) -> None:
    """Each manifest is valid for every supported Kubernetes, and nothing in it leads nowhere."""
    manifests = example(name)
    for manifest in manifests:
        validate(manifest)
    assert loose_ends(manifests) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_pods_are_within_the_restricted_profile(name: str) -> None:
    """So are the apps beside gitsync; all that runs is bounded."""
    for pod in pods(example(name)):
        assert violations(pod["spec"]) == []
        for container in containers(pod["spec"]).values():
            assert container["resources"]["limits"].keys() == {"memory"}
            assert container["resources"]["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_gitsync_takes_the_settings(name: str) -> None:
    """None of them is unknown, wrong or without effect, and the ports are those that are declared."""
    pod, config = gitsync_of(name, example(name))
    declared = ports(pod["spec"]).values()
    assert config.http.bind is None or config.http.bind.port in declared
    assert config.receiver.bind is None or config.receiver.bind.port in declared
    assert config.repos[0].root == Path("/git")


@pytest.mark.parametrize("name", EXAMPLES)
def test_replicas_find_each_other(name: str) -> None:
    """The peers are a headless Service that has pods before they are ready."""
    manifests = example(name)
    _, config = gitsync_of(name, manifests)
    if (peers := config.receiver.peers.peers) is None:
        return
    service = of_kind("Service", manifests)[peers.host]["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    assert [port["port"] for port in service["ports"]] == [peers.port]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_documents_lead_to_it(name: str) -> None:
    """docs/kubernetes.md names each example, and each has a line at its top that says what it is."""
    assert f"(../k8s/examples/{name})" in (PROJECT / "docs" / "kubernetes.md").read_text()
    files = (K8S / "examples" / name).glob("*.yaml")
    assert any(path.read_text().startswith("# ") for path in files)


@pytest.mark.parametrize("name", EXAMPLES)
def test_files_of_configmaps_are_where_they_are_read(name: str) -> None:
    """What runs or is configured names no file below the mount of a ConfigMap that this one does not have."""
    manifests = example(name)
    maps = {key: each["data"] for key, each in of_kind("ConfigMap", manifests).items()}
    for pod in pods(manifests):
        there = containers(pod["spec"]).values()
        texts = [text for data in maps.values() for text in data.values()]
        texts += [argument for each in there for argument in each.get("args", [])]
        places = {mount["name"]: mount["mountPath"] for each in there for mount in each.get("volumeMounts", [])}
        for volume in pod["spec"]["volumes"]:
            if "configMap" in volume:
                path = re.compile(rf"{places[volume['name']]}/([\w.-]+)")
                named = {file for text in texts for file in path.findall(text)}
                assert named <= maps[volume["configMap"]["name"]].keys()


@pytest.mark.parametrize("name", PRIVATE)
def test_the_login_is_in_the_secret(name: str) -> None:
    """Every file that the settings name, or that is found by itself, is a key of the Secret that is mounted there."""
    manifests = example(name)
    pod, config = gitsync_of(name, manifests)
    (volume,) = [each["secret"] for each in pod["spec"]["volumes"] if each["name"] == "poll-login"]
    keys = of_kind("Secret", manifests)[volume["secretName"]]["stringData"].keys()
    auth = config.repos[0].auth
    files = [auth.password_file, auth.github.app_private_key_file]
    if "@" in config.repos[0].repo.partition(":")[0]:
        files += [Path("/etc/git-secret/ssh"), Path("/etc/git-secret/known_hosts")]
    assert {file for file in files if file} == {Path("/etc/git-secret") / key for key in keys}


def test_the_gate_refuses_what_it_says(tmp_path: Path) -> None:
    """A good tree passes; one without a start page or with broken JSON does not, and what is said names the file."""

    def checked() -> tuple[int, str]:
        script = K8S / "examples" / "gate" / "check.sh"
        done = subprocess.run(["sh", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout

    assert checked()[0] == 1
    (tmp_path / "index.html").write_text("hello")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.json").write_text("{}")
    assert checked()[0] == 0
    (tmp_path / "deep" / "a bad.json").write_text("{")
    assert checked() == (1, "in ./deep/a bad.json\n")


def test_the_hooks_reach_their_containers() -> None:
    """The URL that is called after a publication is one that the configuration beside it serves."""
    purge = configuration(_settings("tls-cache")).repos[0].hooks.webhook
    front = (K8S / "examples" / "tls-cache" / "front.conf").read_text()
    url = urlsplit(purge.url or "")
    assert f"listen 127.0.0.1:{url.port};" in front
    block = front.partition(f"location = {url.path} {{")[2].partition("}")[0]
    assert f"dav_methods {purge.method};" in block
    assert f"proxy_cache_path {block.partition('alias ')[2].partition('/;')[0]} " in front
    reload = urlsplit(configuration(_settings("prometheus")).repos[0].hooks.webhook.url or "")
    (pod,) = pods(example("prometheus"))
    assert reload.port == ports(pod["spec"])["web"]
    assert "--web.enable-lifecycle" in containers(pod["spec"])["prometheus"]["args"]


def test_the_migration_changes_the_image_and_probes_alone() -> None:
    """The manifest of git-sync is the same before and after, but for what the text says."""
    (before,) = read(K8S / "examples" / "from-git-sync" / "git-sync.yaml")
    (after,) = copy.deepcopy(example("from-git-sync"))
    for manifest in (before, after):
        container = containers(manifest["spec"]["template"]["spec"])["git-sync"]
        for key in ("image", "readinessProbe", "livenessProbe"):
            container.pop(key, None)
    assert before == after


def _settings(name: str) -> dict[str, str]:
    manifests = example(name)
    (pod,) = pods(manifests)
    return environment(containers(pod["spec"])["poll"], manifests)
