"""The Helm chart in k8s/chart: linted, rendered, and asked what every other manifest is asked."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitsync import __version__
from gitsync.config.model import all_options
from tests.support.helm import HelmError, template
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
    validate,
    violations,
)
from tests.support.monitoring import RULES, dashboard

# It has no wheel for every machine.
pytest.importorskip("helm_python")

CHART = K8S / "chart" / "gitsync"
POLL = CHART / "charts" / "poll"
SCHEMA = json.loads((POLL / "values.schema.json").read_text())
REPO = "https://git.example.com/site"
# Of these the schemas of Kubernetes know nothing.
OF_OTHERS = {"PodMonitor"}

LOGIN = {"password": {"name": "login", "key": "password"}}
ingress = {"enabled": True, "host": "www.example.com", "tlsSecret": "tls", "className": "nginx"}
VALUES: dict[str, dict[str, Any]] = {
    "nothing but the repository": {},
    "everything": {
        "replicas": 3,
        "poll": {
            "webhook": {"secret": "hook", "port": 9595},
            "loginSecret": "login",
            "port": 9494,
            "options": {"ref": "main", "period": "5m", "username": "deploy", "caFile": "/etc/git-secret/ca.pem"},
            "secretOptions": LOGIN,
            "env": [{"name": "https_proxy", "value": "http://proxy:3128"}],
            "volumeMounts": [{"name": "scripts", "mountPath": "/scripts", "readOnly": True}],
        },
        "volumes": [{"name": "scripts", "secret": {"secretName": "scripts"}}],
        "web": {"args": ["-c", "ServerName www.example.com"]},
        "ingress": ingress,
        "webhookIngress": {**ingress, "host": "sync.example.com"},
        "networkPolicy": {"enabled": True},
        "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "web", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "podLabels": {"team": "web"},
        "podAnnotations": {"a": "b"},
        "priorityClassName": "high",
    },
    "several repositories": {
        "config": "repositories:\n- {repo: https://git.example.com/site, link: current, ref: 1.10}\n"
        "- {repo: https://git.example.com/docs, link: docs}\n",
        "poll": {"options": {"parallel": 2, "verbose": 1, "strict": True}, "webhook": {"secret": "hook"}},
    },
    "an ordinary container": {"poll": {"native": False}},
    "one replica with webhooks": {"replicas": 1, "poll": {"webhook": {"secret": "hook"}}},
    "a volume that stays": {"poll": {"volume": {"persistentVolumeClaim": {"claimName": "site"}}}},
}


def site(values: dict[str, Any]) -> list[Manifest]:
    """Return what the chart makes of these values, with a repository."""
    poll = values.get("poll", {})
    of_one = {} if "config" in values or "configMap" in poll else {"repo": REPO}
    options = {**of_one, **poll.get("options", {})}
    return template(CHART, {**values, "poll": {**poll, "options": options}})


@pytest.mark.parametrize("case", VALUES)
def test_what_is_rendered_is_whole(case: str) -> None:
    """Each set of values is valid for every supported Kubernetes, restricted, and nothing in it leads nowhere."""
    manifests = site(VALUES[case])
    for manifest in manifests:
        if manifest["kind"] not in OF_OTHERS:
            validate(manifest)
    (pod,) = pods(manifests)
    assert violations(pod["spec"]) == []
    assert loose_ends(manifests) == []
    config = configuration(environment(containers(pod["spec"])["poll"], manifests), text=VALUES[case].get("config"))
    declared = ports(pod["spec"])
    assert config.repos[0].repo == REPO
    assert config.http.bind
    assert config.http.bind.port == declared["poll-metrics"]
    assert (config.receiver.bind is not None) == ("poll-receiver" in declared)


def test_several_repositories() -> None:
    """Their file is mounted as it was written; probes for traffic are for the site, and that for life is for all."""
    manifests = site(VALUES["several repositories"])
    (pod,) = pods(manifests)
    poll = containers(pod["spec"])["poll"]
    variables = environment(poll, manifests)
    path = Path(variables["GITSYNC_CONFIG"])
    (volume,) = [each["name"] for each in poll["volumeMounts"] if each["mountPath"] == str(path.parent)]
    (named,) = [each["configMap"]["name"] for each in pod["spec"]["volumes"] if each["name"] == volume]
    text = of_kind("ConfigMap", manifests)[named]["data"][path.name]
    assert text == VALUES["several repositories"]["config"]
    config = configuration(variables, text=text)
    assert [(repo.name, repo.ref) for repo in config.repos] == [("current", "1.10"), ("docs", "HEAD")]
    assert config.several.parallel == 2
    assert [poll[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")] == [
        *["/readyz?repo=current"] * 2,
        "/healthz",
    ]
    assert not [name for each in poll["volumeMounts"] for name in each if name == "subPath"]


def test_file_of_somebody_else() -> None:
    """An existing ConfigMap is mounted, and none is made."""
    manifests = site({"poll": {"configMap": "ours"}})
    assert loose_ends(manifests) == ["ConfigMap ours"]


def test_the_site_is_what_the_link_leads_to() -> None:
    """The web server, and the probes, ask for the link that gitsync makes."""
    (pod,) = pods(site({"poll": {"link": "docs"}}))
    both = containers(pod["spec"])
    assert "Alias / /usr/local/apache2/htdocs/docs/" in both["web"]["args"]
    assert environment(both["poll"], [])["GITSYNC_LINK"] == "docs"
    assert both["poll"]["startupProbe"]["httpGet"]["path"] == "/readyz?repo=docs"
    assert both["poll"]["restartPolicy"] == "Always"


def test_replicas_tell_each_other() -> None:
    """With webhooks and several replicas there is a headless Service, and gitsync is told of it; else there is none."""
    manifests = site(VALUES["everything"])
    (pod,) = pods(manifests)
    peers = configuration(environment(containers(pod["spec"])["poll"], manifests)).receiver.peers.peers
    assert peers
    service = of_kind("Service", manifests)[peers.host]["spec"]
    assert (service["clusterIP"], service["ports"][0]["port"]) == ("None", peers.port)
    for case in VALUES.keys() - {"everything", "several repositories"}:
        assert not any(name.endswith("-peers") for name in of_kind("Service", site(VALUES[case])))


def test_a_shared_volume_has_one_pod_after_the_other() -> None:
    """As the old pod keeps the root locked, a rollout with both would wait for ever."""
    deployment = of_kind("Deployment", site(VALUES["a volume that stays"]))["site"]
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_everybody_else_is_kept_from_the_receiver_and_the_metrics() -> None:
    """The policy names every port of the pod, and only the site is open to all."""
    manifests = site(VALUES["everything"])
    (pod,) = pods(manifests)
    (policy,) = of_kind("NetworkPolicy", manifests).values()
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    rules = {port["port"]: rule.get("from") for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert rules.keys() == ports(pod["spec"]).keys()
    assert [port for port, who in rules.items() if who is None] == ["http"]


def test_the_podmonitor_finds_the_metrics() -> None:
    """It selects the pods, and their port exists."""
    manifests = site(VALUES["everything"])
    (pod,) = pods(manifests)
    (monitor,) = of_kind("PodMonitor", manifests).values()
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]} <= ports(pod["spec"]).keys()


def test_rules_and_dashboard_are_as_their_files() -> None:
    """What Prometheus and Grafana put into braces is left alone, and the labels are those that were asked for."""
    values = {"prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}}, "dashboard": {"enabled": True}}
    manifests = site(values)
    (rule,) = of_kind("PrometheusRule", manifests).values()
    assert rule["spec"] == yaml.safe_load(RULES.read_text())
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    (shown,) = of_kind("ConfigMap", manifests).values()
    validate(shown)
    assert json.loads(shown["data"]["gitsync.json"]) == dashboard()
    assert shown["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_every_option_is_a_value() -> None:
    """All but those that the chart sets itself; each arrives at its variable as it was written."""
    samples: dict[str, Any] = {"boolean": True, "integer": 12345678, "number": 0.25}
    texts = ("as it is", "1h5m", "12Mi", "https://h.test/x")
    written, secrets = {}, SCHEMA["properties"]["secretOptions"]["properties"]
    for name, each in SCHEMA["properties"]["options"]["properties"].items():
        samples["string"] = next(text for text in texts if re.search(each.get("pattern", ""), text))
        kind = each.get("type", "string")
        written[name] = each["enum"][0] if "enum" in each else samples[kind if isinstance(kind, str) else kind[0]]
    references = {name: {"name": f"of-{name}", "key": "k"} for name in secrets.keys() - written.keys()}
    (pod,) = pods(site({"poll": {"options": written, "secretOptions": references}}))
    variables = environment(containers(pod["spec"])["poll"], [])
    options = {each.name: each.variables[0] for each in all_options()}
    expected = {**written, **{name: each["name"] for name, each in references.items()}}
    for name, value in expected.items():
        variable = options[re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name)]
        assert variables.pop(variable) == ("true" if value is True else str(value))
    assert variables.keys() == {"GITSYNC_LINK", "GITSYNC_HTTP_BIND"}
    left_out = {"CONFIG", "ROOT", "LINK", "PEERS", "ONE_TIME", "HTTP_BIND"}
    left_out |= {f"RECEIVER_{name}" for name in ("BIND", "SECRET", "SECRET_FILE")}
    assert len(options) == len(expected) + len(left_out)
    assert {f"GITSYNC_{name}" for name in left_out} <= set(options.values())


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an option that is none": ({"poll": {"options": {"perod": "1m"}}}, "perod"),
    "a number for a text": ({"poll": {"options": {"period": 60}}}, "period"),
    "off, which is false in YAML": ({"poll": {"options": {"submodules": False}}}, "submodules"),
    "a value that is none": ({"replica": 2}, "replica"),
    "a secret in a value": ({"poll": {"options": {"password": "x"}}}, "password"),
    "two volumes": ({"poll": {"volume": {"emptyDir": {}, "hostPath": {}}}}, "volume"),
    "one repository and several": ({"config": "x", "poll": {"options": {"repo": REPO}}}, r"options\.repo"),
    "what is in the file": ({"config": "x", "poll": {"options": {"ref": "main"}}}, r"\boptions\.ref"),
    "a secret of one": ({"poll": {"configMap": "ours", "secretOptions": LOGIN}}, r"secretOptions\.password"),
    "two files": ({"config": "x", "poll": {"configMap": "ours"}}, r"poll\.configMap"),
    "a file that is no text": ({"config": {"repositories": []}}, "config"),
    "an Ingress to nowhere": ({"webhookIngress": ingress}, r"poll\.webhook\.secret"),
    "an Ingress of no host": ({"ingress": {"enabled": True}}, r"ingress\.host"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_refused_by_name(case: str) -> None:
    """Before anything is installed."""
    values, name = WRONG[case]
    with pytest.raises(HelmError, match=name):
        site(values)


def test_without_a_repository_there_is_no_release() -> None:
    """The one value without a default is asked for."""
    with pytest.raises(HelmError, match=r"options\.repo"):
        template(CHART, {})


def test_other_charts_include_the_sidecar(tmp_path: Path) -> None:
    """The lines in docs/kubernetes.md, in a chart of an app: a pod that is whole, with the defaults of the library."""
    shutil.copytree(POLL, tmp_path / "charts" / "poll")
    (tmp_path / "templates").mkdir()
    chart, *snippets = re.findall(
        r"^```yaml\n# (?:\S+)\n(.*?)^```", (PROJECT / "docs" / "kubernetes.md").read_text(), re.M | re.S
    )
    head = {"apiVersion": "v2", "name": "app", "version": "1.0.0", **yaml.safe_load(chart)}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(head))
    assert head["dependencies"][0]["version"] == __version__
    (tmp_path / "templates" / "app.yaml").write_text(snippets[0])
    manifests = template(tmp_path, yaml.safe_load(snippets[1]))
    (pod,) = pods(manifests)
    poll = containers(pod["spec"])["poll"]
    assert poll["image"] == f"gitsync:{__version__}"
    assert configuration(environment(poll, manifests)).repos[0].repo.startswith("https://")
    assert loose_ends(manifests) == []
    for manifest in manifests:
        validate(manifest)


def test_versions_are_those_of_the_program() -> None:
    """A chart brings the image of its own version."""
    for chart in (CHART, POLL):
        about = yaml.safe_load((chart / "Chart.yaml").read_text())
        assert (about["version"], about["appVersion"]) == (__version__, __version__)
    (dependency,) = yaml.safe_load((CHART / "Chart.yaml").read_text())["dependencies"]
    assert dependency == {"name": "poll", "version": __version__}
    assert yaml.safe_load((POLL / "values.yaml").read_text())["image"]["tag"] == __version__
