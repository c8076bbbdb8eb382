"""The manifests in k8s/: valid for the API, within the restricted Pod Security Standard, consistent in themselves."""

import copy
import re
from collections.abc import Callable

import kubernetes_validate
import pytest
import yaml

from gitsync import __version__
from gitsync.config.model import all_options
from tests.support.manifests import K8S, PROJECT, Manifest, containers, read, validate, violations
from tests.support.manifests import of_kind as of_kind_in

FILES = sorted(path.name for path in K8S.glob("*.yaml") if path.name != "kustomization.yaml")
PODS = ["deployment.yaml", "pod.yaml"]
# Those that are in the documents as well.
SHOWN = ["ingress.yaml", "networkpolicy.yaml"]
SHUTDOWN_TIMEOUT = 10  # the default of --shutdown-timeout


def load(file: str) -> list[Manifest]:
    """Return the documents of a file."""
    return read(K8S / file)


def template(file: str) -> Manifest:
    """Return what describes the pods of a file: the Pod itself or the Deployment's template."""
    manifest: Manifest = next(each for each in load(file) if each["kind"] in ("Pod", "Deployment"))
    return manifest if manifest["kind"] == "Pod" else dict(manifest["spec"]["template"])


def of_kind(kind: str, file: str = "deployment.yaml") -> dict[str, Manifest]:
    """Return the documents of one kind in a file by name."""
    return of_kind_in(kind, load(file))


def shown() -> list[Manifest]:
    """Return the whole manifests in docs/webhooks.md, of which Kubernetes itself knows the kind."""
    blocks = re.findall(r"^```yaml\n(apiVersion: .*?)^```", (PROJECT / "docs" / "webhooks.md").read_text(), re.M | re.S)
    manifests: list[Manifest] = [yaml.safe_load(block) for block in blocks]
    return [each for each in manifests if not each["apiVersion"].startswith("gateway.")]


def link_of(container: Manifest) -> str:
    """Return the name of the link that a gitsync container makes."""
    variables: dict[str, str] = {each["name"]: each.get("value", "") for each in container["env"]}
    return variables.get("GITSYNC_LINK", variables["GIT_REPO"].rpartition("/")[2])


@pytest.mark.parametrize("file", FILES)
def test_the_api_accepts_every_field(file: str) -> None:
    """Each document is valid for every supported Kubernetes, with no unknown or misplaced field."""
    for document in load(file):
        validate(document)


def test_the_api_check_sees_a_misplaced_field() -> None:
    """The validation above is strict: a field in the wrong place is refused."""
    pod = load("pod.yaml")[0]
    pod["spec"]["containers"][0]["fsGroup"] = 65533
    with pytest.raises(kubernetes_validate.ValidationError, match="fsGroup"):
        validate(pod)


@pytest.mark.parametrize("file", PODS)
def test_pods_are_within_the_restricted_profile(file: str) -> None:
    """Nothing of either container needs more than the restricted Pod Security Standard allows."""
    assert violations(template(file)["spec"]) == []


LOOSENED: dict[str, Callable[[Manifest, Manifest], object]] = {
    "hostNetwork is shared with the host": lambda spec, _: spec.update(hostNetwork=True),
    "sysctl kernel.msgmax": lambda spec, _: spec["securityContext"].update(
        sysctls=[{"name": "kernel.msgmax", "value": "1"}]
    ),
    "volume hostPath": lambda spec, _: spec["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    "app may run as root": lambda _, app: app["securityContext"].update(runAsUser=0),
    "app may gain privileges": lambda _, app: app["securityContext"].pop("allowPrivilegeEscalation"),
    "app is privileged": lambda _, app: app["securityContext"].update(privileged=True),
    "app keeps capabilities": lambda _, app: app["securityContext"].update(capabilities={"drop": ["CHOWN"]}),
    "app adds capabilities": lambda _, app: app["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
    "app has no seccomp profile": lambda _, app: app["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "app has a writable root filesystem": lambda _, app: app["securityContext"].pop("readOnlyRootFilesystem"),
    "app uses a port of the host": lambda _, app: app["ports"][0].update(hostPort=80),
}


@pytest.mark.parametrize("violation", LOOSENED)
def test_the_profile_check_sees_every_loosening(violation: str) -> None:
    """The check above finds each single thing that the profile forbids."""
    spec = copy.deepcopy(template("pod.yaml")["spec"])
    LOOSENED[violation](spec, containers(spec)["app"])
    assert violations(spec) == [violation]


def test_the_pod_sets_nothing_but_the_repository() -> None:
    """The example shows that GIT_REPO alone is enough, next to a stock web server."""
    both = containers(template("pod.yaml")["spec"])
    assert [variable["name"] for variable in both["poll"]["env"]] == ["GIT_REPO"]
    assert both["app"]["image"] == "httpd:2.4"
    assert not both["app"].keys() & {"command", "env"}


@pytest.mark.parametrize("file", PODS)
def test_containers_share_the_content(file: str) -> None:
    """gitsync writes to the volume that the web server reads, both through the group that owns it."""
    spec = template(file)["spec"]
    mounts = {
        name: {mount["name"]: mount for mount in container["volumeMounts"]}
        for name, container in containers(spec).items()
    }
    assert mounts["poll"]["content"]["mountPath"] == "/git"
    assert mounts["app"]["content"] == {
        "name": "content",
        "mountPath": "/usr/local/apache2/htdocs",
        "readOnly": True,
    }
    assert {name for each in mounts.values() for name in each} == {volume["name"] for volume in spec["volumes"]}
    assert spec["securityContext"]["fsGroup"] == 65533


@pytest.mark.parametrize("file", PODS)
def test_probes_ask_separate_paths_of_declared_ports(file: str) -> None:
    """Liveness and readiness are different questions, and a probe's port exists under that name."""
    for name, container in containers(template(file)["spec"]).items():
        declared = {port["name"] for port in container["ports"]}
        probes = {key: value for key, value in container.items() if key.endswith("Probe")}
        used = {(probe.get("httpGet") or probe["tcpSocket"])["port"] for probe in probes.values()}
        assert used <= declared
        assert {"livenessProbe", "readinessProbe"} <= probes.keys()
        if name == "poll":
            assert probes["livenessProbe"]["httpGet"]["path"] == f"/healthz?repo={link_of(container)}"
            assert probes["readinessProbe"]["httpGet"]["path"] == f"/readyz?repo={link_of(container)}"


@pytest.mark.parametrize("file", PODS)
def test_pods_are_scraped_and_bounded(file: str) -> None:
    """The annotations name the port of the metrics; memory is limited; the end has more time than a shutdown takes."""
    pod = template(file)
    poll = containers(pod["spec"])["poll"]
    annotations = pod["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/path"] == "/metrics"
    assert int(annotations["prometheus.io/port"]) in [port["containerPort"] for port in poll["ports"]]
    for container in containers(pod["spec"]).values():
        assert container["resources"]["limits"].keys() == {"memory"}
        assert container["resources"]["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
    pauses = [each.get("lifecycle", {}) for each in containers(pod["spec"]).values()]
    pause = sum(each["preStop"]["sleep"]["seconds"] for each in pauses if each)
    assert pod["spec"]["terminationGracePeriodSeconds"] > SHUTDOWN_TIMEOUT + pause
    assert pod["spec"]["enableServiceLinks"] is False


def test_the_deployment_starts_the_app_with_content() -> None:
    """gitsync is a native sidecar whose startup probe waits for the first publication."""
    (poll,) = template("deployment.yaml")["spec"]["initContainers"]
    assert poll["restartPolicy"] == "Always"
    assert poll["startupProbe"]["httpGet"]["path"] == "/readyz?repo=current"
    assert {"name": "GITSYNC_HTTP_BIND", "value": ":9484"} in poll["env"]


@pytest.mark.parametrize("file", PODS)
def test_nothing_but_the_site_is_served(file: str) -> None:
    """It is the link, not the volume with the store in it, and what begins with a dot is not shown."""
    both = containers(template(file)["spec"])
    root = both["app"]["volumeMounts"][0]["mountPath"]
    assert f"Alias / {root}/{link_of(both['poll'])}/" in both["app"]["args"]
    (rule,) = [each for each in both["app"]["args"] if each.startswith("RedirectMatch 404 ")]
    hidden = re.compile(rule.split()[2].strip('"'))
    assert all(hidden.search(path) for path in ("/.git", "/.gitsync/lock", "/docs/.git", "/.env", "/.well-known"))
    assert not any(hidden.search(path) for path in ("/", "/a.b/c.html", "/.well-known/security.txt"))


def test_a_rollout_and_a_drain_lose_nothing() -> None:
    """A pod is out of the Service before its server ends; new ones come first; nodes give up one pod at a time."""
    deployment, budget = (
        next(each for each in load("deployment.yaml") if each["kind"] == kind)
        for kind in ("Deployment", "PodDisruptionBudget")
    )
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert deployment["spec"]["replicas"] > budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"]["matchLabels"] == labels
    spec = deployment["spec"]["template"]["spec"]
    assert containers(spec)["app"]["lifecycle"]["preStop"]["sleep"]["seconds"] > 0
    (spread,) = spec["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels


def test_the_examples_name_images_that_are_made() -> None:
    """Whoever copies an image's name from the README or a manifest has it after scripts/image."""
    script = (PROJECT / "scripts" / "image").read_text()
    assert 'set -- gitsync:dev "gitsync:$version"' in script
    texts = [path.read_text() for path in (PROJECT / "README.md", *PROJECT.glob("docs/*.md"), *K8S.rglob("*.yaml"))]
    named = {name for text in texts for name in re.findall(r"(?:image: |docker run [^\n]*)(gitsync:[\w.-]+)", text)}
    assert named <= {"gitsync:dev", f"gitsync:{__version__}"}
    assert len(named) == 2


def test_selectors_and_services_find_the_pods() -> None:
    """The Deployment and its Services select the template's labels, and the Services' ports exist by name."""
    pod = template("deployment.yaml")
    labels = pod["metadata"]["labels"].items()
    names = {port["name"] for each in containers(pod["spec"]).values() for port in each["ports"]}
    documents = load("deployment.yaml")
    deployment = next(each for each in documents if each["kind"] == "Deployment")
    services = [each for each in documents if each["kind"] == "Service"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels
    assert services
    for service in services:
        assert service["spec"]["selector"].items() <= labels
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_webhooks_and_replicas_find_the_receiver() -> None:
    """The port that is configured is the one that is declared, served to the Ingress, and told to the replicas."""
    (poll,) = template("deployment.yaml")["spec"]["initContainers"]
    variables = {each["name"]: each["value"] for each in poll["env"]}
    ports = {port["name"]: port["containerPort"] for port in poll["ports"]}
    assert variables["GITSYNC_RECEIVER_BIND"] == f":{ports['receiver']}"
    assert variables["GITSYNC_HTTP_BIND"] == f":{ports['metrics']}"
    services = of_kind("Service")
    assert {port["targetPort"] for port in services["site-sync"]["spec"]["ports"]} == {"receiver"}
    name, _, port = variables["GITSYNC_PEERS"].partition(":")
    # Of a headless Service nothing translates the port.
    assert services[name]["spec"]["clusterIP"] == "None"
    assert int(port) == ports["receiver"] == services[name]["spec"]["ports"][0]["port"]


def test_the_example_works_without_the_secret() -> None:
    """The Secret is optional, so polling is as quick as ever until somebody says that webhooks arrive."""
    spec = template("deployment.yaml")["spec"]
    (secret,) = [volume["secret"] for volume in spec["volumes"] if "secret" in volume]
    assert secret["optional"] is True
    assert "GITSYNC_PERIOD" not in {each["name"] for each in containers(spec)["poll"]["env"]}
    assert "# - name: GITSYNC_PERIOD" in (K8S / "deployment.yaml").read_text()


@pytest.mark.parametrize("file", PODS)
def test_options_exist(file: str) -> None:
    """Each variable of the examples, those in comments too, is one that gitsync knows."""
    known = {name for each in all_options() for name in each.variables}
    assert set(re.findall(r"- name: (GIT\w+)", (K8S / file).read_text())) <= known
    assert {each["name"] for each in containers(template(file)["spec"])["poll"]["env"]} <= known


def test_the_ingress_leads_to_the_webhook_and_nowhere_else() -> None:
    """One path, over TLS, to a port that the Service has."""
    (ingress,) = of_kind("Ingress", "ingress.yaml").values()
    (rule,) = ingress["spec"]["rules"]
    assert [rule["host"]] == ingress["spec"]["tls"][0]["hosts"]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/webhook", "Exact")
    backend = path["backend"]["service"]
    service = of_kind("Service")[backend["name"]]
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def test_the_network_policy_knows_every_port() -> None:
    """It selects the pods of the deployment, and names all of their ports: one that it left out would be closed."""
    (policy,) = of_kind("NetworkPolicy", "networkpolicy.yaml").values()
    pod = template("deployment.yaml")
    assert policy["spec"]["podSelector"]["matchLabels"] == pod["metadata"]["labels"]
    open_to = {port["port"]: rule.get("from") for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert open_to.keys() == {port["name"] for each in containers(pod["spec"]).values() for port in each["ports"]}
    assert [port for port, who in open_to.items() if who is None] == ["http"]
    assert {"podSelector": policy["spec"]["podSelector"]} in open_to["receiver"]


def test_the_manifests_in_the_documents_are_valid() -> None:
    """Those of docs/webhooks.md are accepted by the API, and say what the files in k8s/ say."""
    documents = {(each["kind"], each["metadata"]["name"]): each for each in shown()}
    assert len(documents) == len(shown()) == len(SHOWN) + 1
    files = [each for file in [*SHOWN, "deployment.yaml"] for each in load(file)]
    for key, document in documents.items():
        validate(document)
        (file,) = [each for each in files if (each["kind"], each["metadata"]["name"]) == key]
        assert document["spec"] == file["spec"]


def test_the_kustomization_names_what_exists() -> None:
    """Its resources, those in comments too, are files here; the image that it redirects is one that they use."""
    kustomization = load("kustomization.yaml")[0]
    resources = set(re.findall(r"^  (?:# )?- (\S+\.yaml)$", (K8S / "kustomization.yaml").read_text(), re.M))
    assert {*kustomization["resources"], *SHOWN} == resources
    assert all((K8S / resource).is_file() for resource in resources)
    used = {each["image"].split(":")[0] for each in containers(template("deployment.yaml")["spec"]).values()}
    assert {image["name"] for image in kustomization["images"]} <= used
