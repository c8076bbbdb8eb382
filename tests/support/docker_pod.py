"""A pod of a manifest, run by Docker as the kubelet would, so that the manifests are tested as they are written.

Done: one network for all containers, sysctls, volumes (emptyDir, ConfigMaps, optional Secrets) with the fsGroup as
their group, or open to all without one, ConfigMaps as variables, users, groups, read-only root filesystems,
capabilities, memory limits, environment, arguments, init containers and native sidecars with their startup probe, HTTP
probes, headless Services as names, and the order of the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from tests.support.docker_engine import labelled, new_volume, output_of, request, run_in, stop
from tests.support.eventually import eventually

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Changes:
    """What a test changes of a manifest: where images come from, variables of gitsync; and the Secrets, ConfigMaps and
    names of Services that exist.
    """

    images: Mapping[str, str]
    environment: Mapping[str, str]
    names: tuple[str, ...] = ()
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Pod:
    """One running pod. `name` is its host name in the network."""

    def __init__(self, manifest: Manifest, *, name: str, network: Network, changes: Changes) -> None:
        self.spec: Manifest = manifest["spec"]
        self.annotations: dict[str, str] = manifest.get("metadata", {}).get("annotations", {})
        self._context: Manifest = self.spec.get("securityContext", {})
        self.name = name
        self._changes = changes
        self._network = network
        self._volumes: dict[str, str] = {}
        self.containers: dict[str, DockerContainer] = {}
        self._sandbox: DockerContainer | None = None

    def start(self) -> "Pod":
        """Start what comes first, each waiting for its end or its startup probe, then all other containers."""
        self._start_sandbox()
        for container in self.spec.get("initContainers", []):
            self._start_container(container)
            if container.get("restartPolicy") == "Always":
                eventually(partial(self.probe, container["name"], "startupProbe"), timeout=60)
            else:
                assert self.wait(container["name"]) == 0
        for container in self.spec["containers"]:
            self._start_container(container)
        return self

    def close(self) -> None:
        """Remove the containers; their output is shown by pytest if the test failed."""
        for name, container in self.containers.items():
            print(f"--- {self.name}/{name} ---\n{output_of(container)}")
            container.stop()
        if self._sandbox:
            self._sandbox.stop()

    def wait(self, container: str) -> int:
        """Wait for the end of a container, and return its exit code."""
        return int(self.containers[container].get_wrapped_container().wait()["StatusCode"])

    def stop(self) -> dict[str, int]:
        """End the containers, then the sidecars, within the grace period; return the exit codes."""
        grace = self.spec.get("terminationGracePeriodSeconds", 30)
        codes = {each["name"]: stop(self.containers[each["name"]], timeout=grace) for each in self.spec["containers"]}
        for each in reversed(self.spec.get("initContainers", [])):
            codes[each["name"]] = stop(self.containers[each["name"]], timeout=grace)
        return codes

    def get(self, port: int, path: str) -> tuple[int, str]:
        """GET a path from a port of the pod; return status and body."""
        return request(self.sandbox, port, path)

    def put_secret(self, name: str, values: Mapping[str, str]) -> None:
        """Have a Secret with these values in the volumes that are made of it, as if it was made now."""
        for volume in self.spec["volumes"]:
            if volume.get("secret", {}).get("secretName") == name:
                self._fill(volume["name"], values, volume["secret"].get("defaultMode", 0o644))

    def _fill(self, volume: str, values: Mapping[str, str], mode: int) -> None:
        write = 'printf %s "$1" >"$2" && chgrp "$3" "$2" && chmod "$4" "$2"'
        for key, value in values.items():
            path = f"/volumes/{volume}/{key}"
            run_in(self.sandbox, "sh", "-c", write, "sh", value, path, str(self._group or 0), f"{mode:o}")

    def probe(self, container: str, kind: str) -> bool:
        """Ask one of a container's HTTP probes once, as the kubelet does."""
        target = self._container(container)[kind]["httpGet"]
        status, _ = self.get(self._port(container, target["port"]), target["path"])
        return 200 <= status < 400

    @property
    def sandbox(self) -> DockerContainer:
        """The container that holds the pod's network."""
        assert self._sandbox, "the pod was not started"
        return self._sandbox

    @property
    def _group(self) -> int | None:
        """The group that owns the volumes and that all containers are in, if there is one."""
        group: int | None = self._context.get("fsGroup")
        return group

    def _all(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def _container(self, name: str) -> Manifest:
        return next(each for each in self._all() if each["name"] == name)

    def _port(self, container: str, name: str) -> int:
        ports = self._container(container)["ports"]
        return next(int(port["containerPort"]) for port in ports if port["name"] == name)

    def _start_sandbox(self) -> None:
        """Start what holds the pod's network, and give the volumes to the pod's group as the kubelet does."""
        sandbox = labelled(
            self._changes.images["sandbox"],
            entrypoint=["sleep", "infinity"],
            user="0:0",
            sysctls={each["name"]: each["value"] for each in self._context.get("sysctls", [])},
        )
        sandbox.with_network(self._network).with_network_aliases(self.name, *self._changes.names)
        ports = [port["containerPort"] for each in self._all() for port in each.get("ports", [])]
        sandbox.with_exposed_ports(*ports)
        client = sandbox.get_docker_client().client
        for volume in self.spec["volumes"]:
            assert volume.keys() & {"emptyDir", "secret", "configMap"}, "others are not known here"
            self._volumes[volume["name"]] = new_volume(client)
            sandbox.with_volume_mapping(self._volumes[volume["name"]], f"/volumes/{volume['name']}", "rw,nocopy")
        self._sandbox = sandbox.start()
        for volume_name in self._volumes:
            run_in(sandbox, "chown", f"0:{self._group or 0}", f"/volumes/{volume_name}")
            run_in(sandbox, "chmod", "2775" if self._group else "0777", f"/volumes/{volume_name}")
        for secret, values in self._changes.secrets.items():
            self.put_secret(secret, values)
        for volume in self.spec["volumes"]:
            if "configMap" in volume:
                self._fill(volume["name"], self._changes.maps[volume["configMap"]["name"]], 0o644)

    def _start_container(self, manifest: Manifest) -> None:
        security = manifest["securityContext"]
        options: dict[str, Any] = {
            "network_mode": f"container:{self.sandbox.get_container_id()}",
            "group_add": [str(self._group)] if self._group else [],
            "read_only": security["readOnlyRootFilesystem"],
            "cap_drop": security["capabilities"]["drop"],
            "security_opt": [] if security["allowPrivilegeEscalation"] else ["no-new-privileges:true"],
            "mem_limit": manifest["resources"]["limits"]["memory"].removesuffix("i").lower(),
        }
        if "runAsUser" in security:
            options["user"] = f"{security['runAsUser']}:{security['runAsGroup']}"
        if "command" in manifest:
            options["entrypoint"] = manifest["command"]
        container = labelled(self._changes.images[manifest["image"]], env=self._environment(manifest), **options)
        if "args" in manifest:
            container.with_command(manifest["args"])
        for mount in manifest.get("volumeMounts", []):
            mode = "ro,nocopy" if mount.get("readOnly") else "rw,nocopy"
            container.with_volume_mapping(self._volumes[mount["name"]], mount["mountPath"], mode)
        self.containers[manifest["name"]] = container.start()

    def _environment(self, manifest: Manifest) -> dict[str, str]:
        values: dict[str, str] = {}
        for source in manifest.get("envFrom", []):
            values |= self._changes.maps[source["configMapRef"]["name"]]
        values |= {variable["name"]: variable["value"] for variable in manifest.get("env", [])}
        return {**values, **self._changes.environment} if "GIT_REPO" in values else values
