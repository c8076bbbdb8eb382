"""The file of --config, read again: what counts of it, and what is told."""

import re
from pathlib import Path

import pytest

from gitsync.base.errors import ConfigError
from gitsync.config import Config, RepoConfig, load
from gitsync.reload import Reloading
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import FileStatus, StatusBoard
from tests.unit.conftest import Logs

FILE = Path("/etc/gitsync.yaml")
SITE, DOCS = "{repo: /site.git, link: site}", "{repo: /docs.git, link: docs}"


class Bench:
    """A file whose text is given anew each time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = self.defaults = ""
        self.entries: tuple[str, ...] = (SITE,)
        self.environ: dict[str, str] = {}
        self.reloading = Reloading(FILE, self.parse(), self.parse)

    def parse(self) -> Config:
        """Return what the file says now."""
        listed = "".join(f"- {entry}\n" for entry in self.entries)
        text = f"{self.top}\ndefaults: {{root: {self.root}{self.defaults}}}\nrepositories:\n{listed}"
        return load([f"--config={FILE}"], self.environ, text=text)

    def read(self, *entries: str) -> list[RepoConfig] | None:
        """Return what comes of a file with these entries."""
        self.entries = entries or self.entries
        found = self.reloading.repos()
        return None if found is None else list(found)

    def told(self) -> tuple[FileStatus, float]:
        """Return what is shown of the file, and whether the metric calls it valid."""
        board, metrics = StatusBoard(), Metrics()
        self.reloading.tell(board, metrics)
        assert board.file
        shown = re.search(r"^gitsync_config_valid (.*)$", metrics.render("")[0].decode(), re.MULTILINE)
        assert shown
        return board.file, float(shown[1])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A file with one repository, as the process was started with it."""
    return Bench(tmp_path / "root")


def test_right_file(bench: Bench) -> None:
    """All repositories that it has now are returned, at their real places, which are made."""
    found = bench.read(SITE, DOCS)
    assert found
    assert [repo.name for repo in found] == ["site", "docs"]
    assert bench.root.is_dir()
    status, valid = bench.told()
    assert (status.file, status.problems, status.needs_restart, valid) == (str(FILE), (), (), 1)


def test_wrong_file(bench: Bench, logs: Logs) -> None:
    """Nothing is returned; each mistake is told with its place, and when it was last right stays."""
    before, _ = bench.told()
    assert bench.read("{repo: /a.git, perriod: 3s, link: a}", "{link: b}") is None
    status, valid = bench.told()
    assert (len(status.problems), valid, status.loaded_at) == (2, 0, before.loaded_at)
    assert [event["message"] for event in logs.events("config_invalid")] == list(status.problems)
    assert status.problems[0].startswith(f"{FILE}:4: perriod: there is no such key")


def test_file_that_is_right_again(bench: Bench) -> None:
    """What was wrong with it is no longer told, and when it was taken over is."""
    before, _ = bench.told()
    bench.read("{link: b}")
    assert bench.read(SITE)
    status, valid = bench.told()
    assert (status.problems, valid) == ((), 1)
    assert status.loaded_at > before.loaded_at


@pytest.mark.parametrize("publish", ["symlink", "exchange", "inplace"])
def test_places_that_meet_by_links(bench: Bench, publish: str) -> None:
    """Where links on the way lead one into what another one publishes, the file counts as wrong."""
    bench.root.mkdir()
    (bench.root.parent / "alias").symlink_to(bench.root)
    inner = f"{{repo: /docs.git, link: site/docs, root: {bench.root.parent / 'alias'}}}"
    assert bench.read(SITE.replace("}", f", publish: {publish}}}"), inner) is None
    (problem,) = bench.told()[0].problems
    assert problem.startswith("docs: link: it lies in the link of site, where links on the way lead")


def test_root_that_cannot_be_made(bench: Bench) -> None:
    """What is no mistake of the file itself is told of it all the same."""
    bench.root.touch()
    assert bench.read(SITE) is None
    assert str(bench.root) in bench.told()[0].problems[0]


def test_what_counts_for_the_process(bench: Bench, logs: Logs) -> None:
    """It stays as it was at the start, for new repositories as well, and is named once more with each reading."""
    bench.top, bench.defaults = "parallel: 7", ", group-write: true, git: /opt/git"
    found = bench.read(SITE, DOCS)
    assert found
    assert {(repo.upkeep.group_write, repo.git.git) for repo in found} == {(False, "git")}
    assert bench.told()[0].needs_restart == ("parallel", "group-write", "git")
    assert [event["options"] for event in logs.events("config_needs_restart")] == [["parallel", "group-write", "git"]]
    bench.top, bench.defaults = "", ""
    assert bench.read(SITE)
    assert bench.told()[0].needs_restart == ()


def test_warnings(bench: Bench, logs: Logs) -> None:
    """Those that the start has told are not told again."""
    bench.environ["GITSYNC_PERRIOD"] = "3s"
    bench.read(SITE)
    first = [event["message"] for event in logs.events("config_warning")]
    again = Reloading(FILE, bench.parse(), bench.parse)
    again.repos()
    assert (len(first), [event["message"] for event in logs.events("config_warning")]) == (1, first)


def test_file_that_cannot_be_read(bench: Bench) -> None:
    """Without a text there is a mistake, and no end."""

    def read() -> Config:
        raise ConfigError([f"{FILE}: there is no such file"])

    reloading = Reloading(FILE, bench.parse(), read)
    assert reloading.repos() is None
