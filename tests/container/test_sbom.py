"""scripts/sbom: the list of what is in the image is valid, and true."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import gitsync
from tests.support.docker_engine import PROJECT

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def sbom(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the script writes of the image."""
    path = tmp_path_factory.mktemp("sbom") / "image.cdx.json"
    script = PROJECT / "scripts" / "sbom"
    done = subprocess.run([script, images["gitsync"], path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def read(sbom: Path) -> dict[str, Any]:
    """What is in that file."""
    document: dict[str, Any] = json.loads(sbom.read_text())
    return document


def test_it_is_what_the_specification_asks_for(sbom: Path, read: dict[str, Any]) -> None:
    """Whoever reads CycloneDX can read it."""
    validator = JsonStrictValidator(SchemaVersion.from_version(read["specVersion"]))
    assert validator.validate_str(sbom.read_text()) is None
    about = read["metadata"]["component"]
    assert (about["name"], about["version"]) == ("gitsync", gitsync.__version__)


def test_it_has_the_packages_of_debian(read: dict[str, Any], images: dict[str, str]) -> None:
    """These and no others, in the versions that dpkg knows."""
    listed = _output("docker", "run", "--rm", "--entrypoint=dpkg-query", images["gitsync"], "-W").split("\n")
    installed = {tuple(line.split("\t")) for line in listed if line}
    named = [each for each in read["components"] if each.get("purl", "").startswith("pkg:deb/")]
    binary = {(each["name"], each["version"]) for each in named if not each["purl"].endswith("arch=source")}
    assert binary == {(name.split(":")[0], version) for name, version in installed}
    licences = {each["name"]: str(each["licenses"]) for each in named if "licenses" in each}
    assert "MIT" in licences["tini"]


def test_it_has_the_packages_of_python(read: dict[str, Any]) -> None:
    """All that are pinned, and their licences."""
    pinned = (PROJECT / "constraints.txt").read_text().split()
    named = {_pinned(each): each for each in read["components"] if each.get("purl", "").startswith("pkg:pypi/")}
    assert set(named) == set(pinned)
    assert {name for name, each in named.items() if "licenses" not in each} == set()


def _pinned(component: dict[str, Any]) -> str:
    purl: str = component["purl"]
    return purl.removeprefix("pkg:pypi/").replace("@", "==")


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
