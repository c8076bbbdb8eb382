"""The workflows: valid YAML and shell, nothing of others but what is pinned, and commands of ours that are there."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

PROJECT: Final = Path(__file__).resolve().parents[2]
WORKFLOWS: Final = sorted((PROJECT / ".github" / "workflows").iterdir())
OURS: Final = re.compile(r"(?<![\w./-])(?:\./)?((?:scripts|\.ci)/[\w.-]+)")


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    """Each of the workflows, read."""
    path: Path = request.param
    read: dict[Any, Any] = yaml.safe_load(path.read_text())
    return read


def test_what_runs_is_there(workflow: dict[Any, Any]) -> None:
    """A command of ours is a program of the project, and a line that runs is one that bash understands."""
    named = 0
    for step in _steps(workflow):
        run = step.get("run", "")
        done = subprocess.run(["bash", "-n"], input=run, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        for command in OURS.findall(run):
            named += 1
            assert os.access(PROJECT / command, os.X_OK), command
    assert named


def test_what_is_used_is_pinned_or_ours(workflow: dict[Any, Any]) -> None:
    """What others have made is used by its hash, since a tag can be moved."""
    for user in [*workflow["jobs"].values(), *_steps(workflow)]:
        used = user.get("uses", "./")
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used) or (PROJECT / used).exists(), used


def test_rights_are_given_one_by_one(workflow: dict[Any, Any]) -> None:
    """Who runs without a word of its own may read."""
    assert workflow["permissions"] == {"contents": "read"}


def test_checks_come_before_a_release() -> None:
    """Nothing is released that has not passed everything."""
    jobs = {path.stem: yaml.safe_load(path.read_text())["jobs"] for path in WORKFLOWS}
    assert any(".ci/run" in step.get("run", "") for step in jobs["ci"]["all"]["steps"])
    assert jobs["release"]["check"]["uses"] == "./.github/workflows/ci.yml"
    assert all(job.get("needs") == "check" for name, job in jobs["release"].items() if name != "check")


def _steps(workflow: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])
