"""Helm, as its own library does it: in a process of its own, because Go's runtime and its threads stay for good."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.manifests import Manifest

_CHILD = """
import json, sys
import helm_python as helm

request = json.load(sys.stdin)
answer = {"lint": helm.lint(request["chart"], request["values"], strict=True)["messages"]}
try:
    with helm.Chart.load(request["chart"]) as chart:
        chart.validate_schema(request["values"])
        answer["files"] = chart.render(request["values"], name="site", namespace="web")
except helm.HelmError as error:
    answer["error"] = str(error)
json.dump(answer, sys.stdout)
"""


class HelmError(Exception):
    """What Helm says of a chart or of values that it refuses."""


def template(chart: Path, values: dict[str, Any]) -> list[Manifest]:
    """Return what a chart makes of values in a release `site`; raise `HelmError` if it, or lint, refuses them."""
    request = json.dumps({"chart": str(chart), "values": values})
    command = [sys.executable, "-c", _CHILD]
    done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=60, check=True)
    answer = json.loads(done.stdout)
    # 1 is a recommendation, such as an icon.
    complaints = [each["error"] for each in answer["lint"] if each["severity"] > 1]
    if "error" in answer or complaints:
        raise HelmError("\n".join([answer.get("error", ""), *complaints]))
    texts = [text for file, text in answer["files"].items() if file.endswith(".yaml")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]
