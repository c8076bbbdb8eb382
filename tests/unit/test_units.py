"""Which repositories are at work, and how one comes or goes while the others run on."""

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitsync import units as module
from gitsync.assembly import Surface, Unit, located_apart
from gitsync.base.errors import GitSyncError
from gitsync.config import Config, load
from gitsync.sync.slots import Slots
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import StatusBoard
from gitsync.threads import Threads
from gitsync.triggers.watch import Watcher
from gitsync.units import Units
from tests.unit.conftest import Logs

SITE, DOCS, NEXT = (
    "{repo: /site.git, link: site}",
    "{repo: /docs.git, link: docs}",
    "{repo: /docs.git, link: docs, ref: next}",
)
HOOKED = "{repo: /site.git, link: site, exechook-command: 'true'}"


class StandingThreads(Threads):
    """Threads that are there and do nothing, until they are said to have ended."""

    def __init__(self) -> None:
        super().__init__(lambda ended: None)
        self.names: list[str] = []

    def spawn(self, name: str, body: Callable[[], int | None]) -> None:
        """Note it."""
        self.names.append(name)

    def alive(self) -> list[str]:
        """Return those that were not ended."""
        return list(self.names)


class Bench:
    """Units, with what they tell to, and threads that do nothing."""

    def __init__(self, root: Path, top: str = "") -> None:
        self._root = root
        self._top = top
        self.threads = StandingThreads()
        self.watcher = Watcher()
        self.surface = Surface(board=StatusBoard(), metrics=Metrics(), slots=Slots(4))
        self.units = Units(self.config(SITE), self.surface, self.threads, self.watcher)

    def config(self, *entries: str) -> Config:
        """Return the configuration of a file with these entries."""
        listed = "".join(f"- {entry}\n" for entry in entries)
        text = f"{self._top}\ndefaults: {{root: {self._root}}}\nrepositories:\n{listed}"
        return load(["--config=/etc/gitsync.yaml"], {}, text=text)

    def begin(self, *entries: str) -> dict[str, Unit]:
        """Have these at work, as at the start of the process; return them."""
        for repo in located_apart(self.config(*entries).repos):
            self.units.build(repo)
            self.units.start(repo.name)
        return self.units.current

    def change(self, *entries: str) -> tuple[list[str], list[str], list[str]]:
        """Have these at work instead; return the names of those that are added, changed and removed."""
        told = self.units.change(located_apart(self.config(*entries).repos))
        return told["added"], told["changed"], told["removed"]

    def end(self, thread: str) -> bool:
        """Have a thread end, and say whether that was asked for."""
        self.threads.names.remove(thread)
        return self.units.ended(thread)

    def watches(self) -> bool:
        """Say whether files are watched."""
        return self.watcher.needed

    @property
    def shown(self) -> list[str]:
        """The names on the board."""
        return [snapshot.watched.repo for snapshot in self.surface.board.all()]

    @property
    def series(self) -> str:
        """What is scraped."""
        return self.surface.metrics.render("")[0].decode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of all of them."""
    return tmp_path / "root"


@pytest.fixture
def make(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Bench]]:
    """Return what makes units, none of which is at work yet, of a file with this at its top."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    made: list[Bench] = []

    def one(top: str) -> Bench:
        made.append(Bench(root, top))
        return made[-1]

    yield one
    for bench in made:
        bench.units.release()


@pytest.fixture
def bench(make: Callable[[str], Bench]) -> Bench:
    """None at work yet."""
    return make("")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was done to units, in this order: killed, released."""
    noted: list[tuple[str, str]] = []

    def noting(what: str, do: Callable[[Unit], None]) -> Callable[[Unit], None]:
        def noted_first(unit: Unit) -> None:
            noted.append((what, unit.repo.name))
            do(unit)

        return noted_first

    for what in ("kill", "release"):
        monkeypatch.setattr(Unit, what, noting(what, getattr(Unit, what)))
    return noted


def take(place: Path) -> None:
    """Put somebody's directory at a place."""
    place.mkdir(parents=True)
    (place / "mine").touch()


def test_start(bench: Bench) -> None:
    """Each has its threads, a place of its own in the private directory, and a status before its first pass."""
    units = bench.begin(HOOKED, DOCS)
    assert bench.threads.names == ["exechook site", "worker site", "worker docs"]
    assert [*bench.units.working] == ["worker site", "worker docs"]
    assert len({unit.home for unit in units.values()}) == 2
    assert all(unit.home.is_dir() for unit in units.values())
    assert bench.shown == ["site", "docs"]
    assert all(f'repo="{name}"' in bench.series for name in units)


def test_what_is_watched(bench: Bench) -> None:
    """The files of one are watched for as long as it is at work, and not at all if it works once."""
    bench.begin("{repo: /site.git, link: site, one-time: true}")
    assert not bench.watches()
    bench.change(DOCS)
    bench.end("worker site")
    bench.units.settle()
    assert bench.watches()
    bench.change("{repo: 'https://git.example.test/site.git', link: other}")
    assert not bench.watches()


def test_unchanged(bench: Bench) -> None:
    """One that is described as before is the same one, is asked nothing, and has no new thread."""
    site = bench.begin(SITE, DOCS)["site"]
    assert bench.change(DOCS, SITE) == ([], [], [])
    assert bench.units.settle() is None
    assert bench.units.current["site"] is site
    assert not site.parts.stop.is_set()
    assert bench.threads.names == ["worker site", "worker docs"]


def test_added(bench: Bench) -> None:
    """A new one begins at once, beside the others."""
    bench.begin(SITE)
    assert bench.change(SITE, DOCS) == (["docs"], [], [])
    assert bench.units.settle() is None
    assert [*bench.units.current] == ["site", "docs"]
    assert bench.threads.names == ["worker site", "worker docs"]


def test_changed(bench: Bench) -> None:
    """One that is described otherwise is asked to end, and starts anew when it has; it is told of all the while."""
    before = bench.begin(SITE, DOCS)["docs"]
    bench.surface.metrics.paused("docs", True)
    assert bench.change(SITE, NEXT) == ([], ["docs"], [])
    assert before.parts.stop.is_set()
    assert [*bench.units.current] == ["site"]
    assert bench.shown == ["site", "docs"]
    wait = bench.units.settle()
    assert wait is not None
    assert 0 < wait <= 10 * module.PATIENCE
    assert [*bench.units.current] == ["site"]
    assert bench.end("worker docs")
    assert bench.units.settle() is None
    after = bench.units.current["docs"]
    assert (after.repo.ref, after.home.is_dir(), before.home.exists()) == ("next", True, False)
    assert 'gitsync_paused{repo="docs"} 1.0' not in bench.series
    assert bench.threads.names == ["worker site", "worker docs"]


def test_removed(bench: Bench, logs: Logs) -> None:
    """One that is gone is released when all of its threads have ended, and then nothing tells of it any more."""
    unit = bench.begin(HOOKED, DOCS)["site"]
    assert bench.change(DOCS) == ([], [], ["site"])
    assert bench.end("exechook site")
    bench.units.settle()
    assert (bench.shown, unit.home.exists()) == (["site", "docs"], True)
    assert bench.end("worker site")
    assert bench.units.settle() is None
    assert (bench.shown, unit.home.exists()) == (["docs"], False)
    assert 'repo="site"' not in bench.series
    assert [event["repo"] for event in logs.events("unit_ended")] == ["site"]
    assert [*bench.units.working] == ["worker docs"]


def test_thread_that_has_ended_before(bench: Bench) -> None:
    """Nobody waits for the end of a thread that has ended by itself."""
    bench.begin(HOOKED, DOCS)
    bench.threads.names.remove("exechook site")
    bench.change(DOCS)
    bench.end("worker site")
    bench.units.settle()
    assert bench.shown == ["docs"]


def test_end_that_nobody_asked_for(bench: Bench) -> None:
    """The end of a thread is expected of those that were asked to, and once."""
    bench.begin(SITE, DOCS)
    bench.change(SITE)
    assert not bench.units.ended("worker site")
    assert bench.units.ended("worker docs")
    assert not bench.units.ended("worker docs")


@pytest.mark.parametrize(
    "entry",
    [
        "{repo: /docs.git, link: docs, name: guide}",
        "{repo: /a.git, link: docs/a}",
        "{repo: /x, link: y, name: docs}",
    ],
    ids=["its link", "within its link", "its name"],
)
def test_one_in_the_place_of_another(bench: Bench, entry: str) -> None:
    """One that takes over a place or a name waits for whoever had it, and for nobody else."""
    bench.begin(DOCS)
    bench.change(entry, SITE)
    bench.units.settle()
    assert [*bench.units.current] == ["site"]
    bench.end("worker docs")
    bench.units.settle()
    assert len(bench.units.current) == 2


def test_change_of_mind(bench: Bench) -> None:
    """What the file says last counts, also while one is still on its way out."""
    bench.begin(SITE, DOCS)
    assert bench.change(SITE, NEXT) == ([], ["docs"], [])
    assert bench.change(SITE) == ([], [], ["docs"])
    assert bench.change(SITE, DOCS) == (["docs"], [], [])
    bench.end("worker docs")
    bench.units.settle()
    assert bench.units.current["docs"].repo.ref == "HEAD"
    assert bench.shown == ["site", "docs"]


def test_one_that_does_not_end(make: Callable[[str], Bench], done: list[tuple[str, str]], logs: Logs) -> None:
    """After its part of the time it is killed, once, and is waited for without an end; its volume is kept till then."""
    bench = make("shutdown-timeout: 0s")
    bench.begin(SITE, DOCS)
    bench.change(DOCS)
    assert [bench.units.settle() for _ in range(2)] == [None, None]
    (told,) = logs.events("unit_killed")
    assert (told["repo"], told["threads"]) == ("site", ["worker site"])
    assert done == [("kill", "site")]
    bench.end("worker site")
    bench.units.settle()
    assert bench.shown == ["docs"]
    assert done == [("kill", "site"), ("release", "site")]


def test_one_that_cannot_begin(bench: Bench, root: Path, logs: Logs) -> None:
    """It is told, with its reason, in log and status, is tried again after a while, and leaves nothing until then."""
    bench.begin(SITE)
    take(root / "docs")
    bench.change(SITE, DOCS)
    wait = bench.units.settle()
    assert wait is not None
    assert 15 < wait <= 30
    (told,) = logs.events("unit_failed")
    snapshot = bench.surface.board.all()[1]
    assert snapshot.failure
    assert (told["repo"], told["reason"], told["retry_in"]) == ("docs", snapshot.failure.reason, 30)
    assert snapshot.act_by == math.inf
    assert len([*bench.units.current["site"].home.parent.glob("[0-9]*")]) == 1
    bench.units.settle()
    assert len(logs.events("unit_failed")) == 1


def test_one_that_can_begin_later(bench: Bench, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins when what was in its way is gone, and its time has come."""
    monkeypatch.setattr(module, "_AGAIN", 0.0)
    bench.begin(SITE)
    take(root / "docs")
    bench.change(SITE, DOCS)
    bench.units.settle()
    assert [*bench.units.current] == ["site"]
    shutil.rmtree(root / "docs")
    assert bench.units.settle() is None
    assert [*bench.units.current] == ["site", "docs"]


def test_one_that_could_not_begin_is_gone(bench: Bench, root: Path) -> None:
    """When its entry is gone nothing tells of it, and nothing is tried again."""
    bench.begin(SITE)
    take(root / "docs")
    bench.change(SITE, DOCS)
    bench.units.settle()
    assert bench.change(SITE) == ([], [], ["docs"])
    assert bench.units.settle() is None
    assert bench.shown == ["site"]


def test_start_that_fails(bench: Bench, root: Path) -> None:
    """At the start of the process what is wrong with one is raised, and its private files are gone."""
    take(root / "site")
    with pytest.raises(GitSyncError):
        bench.begin(SITE)
    assert not bench.units.current


def test_end_of_all(bench: Bench, tmp_path: Path, done: list[tuple[str, str]]) -> None:
    """Those on their way out are killed and given back as well, and nothing private is left."""
    bench.begin(SITE, DOCS)
    bench.change(SITE)
    bench.units.stop()
    assert bench.units.current["site"].parts.stop.is_set()
    bench.units.kill()
    bench.units.release()
    assert done == [(what, name) for what in ("kill", "release") for name in ("site", "docs")]
    assert not [*(tmp_path / "tmp").iterdir()]
