"""Names in manifests that lead nowhere: the API takes them, and the pod never starts, or nobody reaches it."""

from collections.abc import Iterator, Mapping

from tests.support.manifests import WORKLOADS, Manifest, containers, of_kind, pods, ports


def loose_ends(manifests: list[Manifest]) -> list[str]:
    """Say which volumes, ConfigMaps, ports, labels and Services are named and not there, or there and not used."""
    maps, services = of_kind("ConfigMap", manifests), of_kind("Service", manifests)
    templates = list(pods(manifests))
    found: list[str] = []
    for manifest in manifests:
        if manifest["kind"] in WORKLOADS:
            found += _of_workload(manifest)
        if manifest["kind"] == "Ingress":
            found += _of_ingress(manifest, services)
    for pod in templates:
        found += _of_probes(pod["spec"])
    wanted = {name for pod in templates for name in _maps(pod["spec"])}
    found += [f"ConfigMap {name}" for name in sorted(wanted ^ maps.keys())]
    for name, service in services.items():
        found += _of_service(name, service["spec"], templates)
    return found


def _of_workload(manifest: Manifest) -> Iterator[str]:
    """Compare mounts with volumes, and the selector with the labels."""
    pod = manifest["spec"]["template"]
    claimed = {claim["metadata"]["name"] for claim in manifest["spec"].get("volumeClaimTemplates", [])}
    there = {volume["name"] for volume in pod["spec"].get("volumes", [])} | claimed
    mounts = [mount for each in containers(pod["spec"]).values() for mount in each.get("volumeMounts", [])]
    yield from (f"volume {name}" for name in sorted({mount["name"] for mount in mounts} ^ there))
    selector = manifest["spec"].get("selector", {}).get("matchLabels", {})
    if not selector.items() <= _labels(pod).items():
        yield f"selector of {manifest['metadata']['name']}"


def _of_probes(spec: Manifest) -> Iterator[str]:
    """Look for the ports of probes among those of their container."""
    for name, container in containers(spec).items():
        declared = {port["name"] for port in container.get("ports", [])}
        for kind, probe in container.items():
            if kind.endswith("Probe") and (probe.get("httpGet") or probe["tcpSocket"])["port"] not in declared:
                yield f"{kind} of {name}"


def _maps(spec: Manifest) -> Iterator[str]:
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            yield volume["configMap"]["name"]
    for container in containers(spec).values():
        yield from (each["configMapRef"]["name"] for each in container.get("envFrom", []) if "configMapRef" in each)


def _of_service(name: str, spec: Manifest, templates: list[Manifest]) -> Iterator[str]:
    """A Service has pods, and its ports are theirs; of a headless one nothing translates the port."""
    selected = [
        each for each in templates if spec["selector"].items() <= each.get("metadata", {}).get("labels", {}).items()
    ]
    if not selected:
        yield f"pods of Service {name}"
    for pod in selected:
        declared = ports(pod["spec"])
        for port in spec["ports"]:
            if port["targetPort"] not in declared:
                yield f"port {port['targetPort']} of Service {name}"
            elif spec.get("clusterIP") == "None" and declared[port["targetPort"]] != port["port"]:
                yield f"port {port['port']} of headless Service {name}"


def _of_ingress(manifest: Manifest, services: Mapping[str, Manifest]) -> Iterator[str]:
    """Its hosts have a certificate, and its backends are there."""
    hosts = {host for each in manifest["spec"].get("tls", []) for host in each["hosts"]}
    for rule in manifest["spec"]["rules"]:
        if rule["host"] not in hosts:
            yield f"certificate of {rule['host']}"
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            service = services.get(backend["name"], {"spec": {"ports": []}})
            if backend["port"]["name"] not in {port["name"] for port in service["spec"]["ports"]}:
                yield f"backend {backend['name']} of {rule['host']}"


def _labels(manifest: Manifest) -> dict[str, str]:
    labels: dict[str, str] = manifest.get("metadata", {}).get("labels", {})
    return labels
