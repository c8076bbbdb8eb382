"""What is in k8s/monitoring fits what is exposed, and the documents; others test that it returns data, and fires."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gitsync.base.errors import _PATTERNS, HINTS
from gitsync.telling.metrics import Metrics
from tests.support.manifests import K8S, PROJECT, of_kind, read
from tests.support.monitoring import (
    MONITORING,
    RULES,
    alerts,
    dashboard,
    dashboard_expressions,
    labels_in,
    panels,
    selectors_in,
    series_in,
)
from tests.unit.telling.test_metrics import NAMES
from tests.unit.test_documents import anchors

# What Prometheus, and its operator, add to every series of a target, and to a bucket.
OF_TARGETS = {"job", "instance", "namespace", "pod", "container"}
EXPRESSIONS = {
    **{name: rule["expr"] for name, rule in alerts().items()},
    **{f"{title} {number}": text for number, (title, text) in enumerate(dashboard_expressions())},
}


def exposed() -> dict[str, set[str]]:
    """Return the labels of every series by its name."""
    metrics = Metrics()
    families = parse_text(metrics.render("")[0].decode())
    process = {sample.name for family in families for sample in family.samples if sample.name.startswith("process_")}
    return (
        {**NAMES, **{name: set() for name in process}, "gitsync_peers_told_total": {"outcome"}, "up": set()}
        | HOOKS
        | FILE
    )


# Reasons of hooks and of messages to replicas, which fail by themselves.
OF_NO_PASS = {"hook", "no_thread"}
_REASON = re.compile(r'\breason="([a-z_]+)"')
# Where there is a file of --config.
FILE: dict[str, set[str]] = {
    "gitsync_config_valid": set(),
    "gitsync_config_last_reload_success_timestamp_seconds": set(),
}
HOOKS = {"git_sync_hook_run_count_total": {"repo", "name", "status"}}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_series_and_labels_exist(name: str) -> None:
    """A query over a series, or a label, that nobody exposes would return nothing, and its alert would never fire."""
    known = exposed()
    assert series_in(EXPRESSIONS[name])
    assert series_in(EXPRESSIONS[name]) <= known.keys()
    for series, labels in selectors_in(EXPRESSIONS[name]):
        assert labels <= known[series] | OF_TARGETS, series
    of_series = set[str]().union(*(known[series] for series in series_in(EXPRESSIONS[name])))
    assert labels_in(EXPRESSIONS[name]) <= of_series | OF_TARGETS


@pytest.mark.parametrize("name", alerts())
def test_alerts_say_what_to_do(name: str) -> None:
    """Each has a severity, what has happened in short and in full, and where it is explained: under its own name."""
    rule = alerts()[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    told = rule["annotations"]
    assert told.keys() == {"summary", "description", "runbook_url"}
    assert len(told["summary"]) < 80
    page = urlsplit(told["runbook_url"])
    assert page.fragment == name.lower()
    assert page.fragment in anchors(PROJECT / page.path)


def test_every_alert_that_is_explained_exists() -> None:
    """The page has none that was removed."""
    headings = re.findall(r"^### (\w+)$", (PROJECT / "docs" / "alerts.md").read_text(), re.M)
    assert headings == list(alerts())


def test_every_series_is_in_the_documents() -> None:
    """The table of docs/operations.md has each series, and its labels."""
    table = re.findall(r"`(git_?sync_\w+|git_fetch_\w+)(?:\{([a-z_,]+)\})?`", _section("Metrics"))
    told = {name: set(labels.split(",")) - {""} for name, labels in table}
    parts = re.compile(r"_(?:bucket|count|sum)$")
    for name, labels in exposed().items():
        if not name.startswith(("process_", "up")):
            family = name if name in told else parts.sub("", name)
            assert told[family] == labels - {"le"}, name


def test_every_reason_is_in_the_documents() -> None:
    """What the code gives as a reason of a pass, and so as a label, is in the table of docs/operations.md."""
    told = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\| ([^|]*) \|", _section("Reasons"), re.M))))
    written = {name for path in PROJECT.glob("gitsync/**/*.py") for name in _REASON.findall(path.read_text())}
    # What git prints leads to others.
    assert {*HINTS, *(reason for _, reason in _PATTERNS), *written} - OF_NO_PASS <= told


def _section(name: str) -> str:
    _, _, rest = (PROJECT / "docs" / "operations.md").read_text().partition(f"\n## {name}\n")
    return rest.partition("\n## ")[0]


def test_the_dashboard_is_whole() -> None:
    """Panels have titles, one place each, and the data source that is chosen; its rows are in their order."""
    shown = dashboard()
    assert [panel["title"] for panel in shown["panels"] if panel["type"] == "row"] == ["Fleet", "Pod", "Repository"]
    everything = shown["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len({panel["title"] for panel in everything}) == len(everything)
    cells = [cell for panel in everything for cell in _cells(panel["gridPos"])]
    assert len(set(cells)) == len(cells)
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels():
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])


def _cells(place: dict[str, int]) -> list[tuple[int, int]]:
    columns = range(place["x"], place["x"] + place["w"])
    assert columns.stop <= 24
    return [(column, line) for column in columns for line in range(place["y"], place["y"] + place["h"])]


def test_grafana_knows_every_field() -> None:
    """Its own types read the dashboard, and have all of it, beside defaults: what they do not know they leave out."""
    register_default_plugins()
    assert list(_left_out(dashboard(), json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard()))))) == []


def _left_out(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from _left_out(value, theirs.get(key), f"{place}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (value, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _left_out(value, other, f"{place}/{number}")
    elif ours != theirs:
        yield place


def test_variables_of_the_dashboard() -> None:
    """What expressions insert is a variable, each variable is used, and those that ask, ask for what is there."""
    variables: list[dict[str, Any]] = dashboard()["templating"]["list"]
    names = {each["name"] for each in variables}
    queries = [each["query"]["query"] for each in variables if each["type"] == "query"]
    written = [expression for _, expression in dashboard_expressions()]
    used = set(re.findall(r"\$\{?(\w+)", " ".join([*written, *queries, "${datasource}"]))) - {"__rate_interval"}
    assert used == names
    known = exposed()
    for query in queries:
        asked = re.fullmatch(r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", query)
        assert asked
        assert asked[2] in known[asked[1]] | OF_TARGETS


def test_the_podmonitor_finds_the_metrics() -> None:
    """It selects the pods of deployment.yaml, by a port that they have."""
    (monitor,) = read(MONITORING / "podmonitor.yaml")
    (deployment,) = of_kind("Deployment", read(K8S / "deployment.yaml")).values()
    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert monitor["spec"]["jobLabel"] in labels
    ports = {port["name"]: port["containerPort"] for port in template["spec"]["initContainers"][0]["ports"]}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert ports[endpoint["port"]] == int(template["metadata"]["annotations"]["prometheus.io/port"])
    assert endpoint["path"] == template["metadata"]["annotations"]["prometheus.io/path"]


def test_the_rules_are_what_a_prometheusrule_has() -> None:
    """Helm and the command in docs/alerts.md put the file below `spec:` as it is."""
    assert set(re.findall(r"^\w+", RULES.read_text(), re.M)) == {"groups"}
