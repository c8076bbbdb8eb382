"""The documents: what they link to, and the options, variables and series that they name, is there."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gitsync.checks.table import CHECKS
from gitsync.config.manual import markdown
from gitsync.config.model import repo_options
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import FileStatus
from tests.unit.examples import watched

PROJECT = Path(__file__).resolve().parents[2]
PATHS = [*(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *PROJECT.glob("docs/*.md")]
DOCUMENTS = {path.relative_to(PROJECT).as_posix(): path for path in PATHS}
# Options of gitsync and of its sub-commands that are no settings.
OTHER = {"--help", "--man", "--version", "--ping", "--secret-file", "--wait", "--reason", "--json"}
# Documents that name options of git-sync, of sub-commands and of benches as well.
OF_OTHERS = {"docs/migrating-from-git-sync.md", "docs/performance.md"}


def anchors(path: Path) -> set[str]:
    """Return what links may lead to within a document: its headings, in the form that GitHub gives them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    """Each link to a file of the project, or to a heading, finds it."""
    path = DOCUMENTS[name]
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text()):
        file, _, anchor = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("name", sorted(DOCUMENTS.keys() - OF_OTHERS))
def test_options_and_variables_exist(name: str) -> None:
    """What a document calls an option of gitsync is one, and so is a variable."""
    text = DOCUMENTS[name].read_text()
    assert set(re.findall(r"`(--[a-z][a-z-]+)", text)) <= {*re.findall(r"--[a-z][a-z-]+", markdown()), *OTHER}
    inline = re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)
    known = {*re.findall(r"GITSYNC_[A-Z_]+", markdown()), "GITSYNC_HASH"}
    assert set(re.findall(r"GITSYNC_[A-Z_]+[A-Z]", inline)) <= known


def test_files_that_start_a_pass() -> None:
    """Each file that a repository's options name, but for those that are written, is among those that are watched."""
    section = DOCUMENTS["docs/operations.md"].read_text().partition("\n## Changes of files\n")[2].partition("\n## ")[0]
    files = {f"--{option.key}" for option in repo_options() if option.key.endswith(("-file", "-signers", "-keyring"))}
    named = set(re.findall(r"`(--[a-z-]+)", section))
    assert named == (files - {"--touch-file", "--error-file"}) | {"--credential", "--config", "--period"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_series_exist(name: str) -> None:
    """Queries over a series that nobody exposes would never fire."""
    metrics = Metrics()
    metrics.follow(watched())
    metrics.calls.expect_peers()
    metrics.several.read(FileStatus(file="gitsync.yaml", loaded_at=0.0))
    families = parse_text(metrics.render("")[0].decode())
    exposed = {sample for family in families for sample in [family.name, *(each.name for each in family.samples)]}
    named = set(re.findall(r"\bgitsync_[a-z_]+[a-z]\b", DOCUMENTS[name].read_text()))
    assert named <= {*exposed, *(f"{series}_total" for series in exposed)}


def test_every_check_is_told_of() -> None:
    """The table of checks has all of them, in their order."""
    section = DOCUMENTS["docs/troubleshooting.md"].read_text().partition("\n## ")[2].partition("\n## ")[0]
    rows = "".join(re.findall(r"^\| (`.*?) \|", section, re.M))
    assert re.findall(r"`(\w+)`", rows) == ["options", *(check.name for check in CHECKS)]
