"""What is in k8s/monitoring: the rules, the dashboard, and the expressions of both."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tests.support.manifests import K8S

MONITORING: Final = K8S / "monitoring"
RULES: Final = MONITORING / "rules.yaml"
DASHBOARD: Final = MONITORING / "dashboard.json"
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SERIES: Final = re.compile(r"\b(?:(?:git_?sync|git_fetch|process)_\w+|up)\b")
_SELECTOR: Final = re.compile(rf"({_SERIES.pattern})\{{([^}}]*)\}}")
_MATCHER: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"\"")


def alerts() -> dict[str, dict[str, Any]]:
    """Return the rules by the names of their alerts."""
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    found = {rule["alert"]: rule for rule in rules}
    assert len(found) == len(rules)
    return found


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def panels() -> list[dict[str, Any]]:
    """Return the panels that show something, of all rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    """Yield each expression of the dashboard as it is written, after the title of its panel."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def series_in(expression: str) -> set[str]:
    """Return the names of the series in an expression."""
    return set(_SERIES.findall(_STRING.sub("", expression)))


def selectors_in(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each series that is selected by labels, with the names of these."""
    for series, matchers in _SELECTOR.findall(_STRING.sub('""', expression)):
        yield series, set(_MATCHER.findall(matchers))


def labels_in(expression: str) -> set[str]:
    """Return the labels that an expression groups or joins by."""
    listed = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression)
    return {name.strip() for names in listed for name in names.split(",")}
