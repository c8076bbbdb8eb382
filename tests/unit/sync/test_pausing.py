"""A pause: nothing is published from its beginning on, it is kept and told, and it ends when it is forgotten."""

import threading
from typing import cast

import pytest

from gitsync.base.errors import HINTS, PublishError, StoreLocked
from gitsync.sync import pausing as module
from gitsync.sync.pausing import Pausing
from gitsync.telling.metrics import Metrics
from gitsync.telling.status import Pause
from gitsync.triggers.mailbox import Mailbox
from gitsync.volume.pausefile import PauseFile
from tests.support.eventually import TIMEOUT
from tests.unit.conftest import Logs
from tests.unit.examples import NAME, board, watched
from tests.unit.telling.test_metrics import value

LEFT = Pause(since=1000.0, reason="left by another")


class FakeFile:
    """Stands in for the file on the volume; `trouble` is what it answers."""

    def __init__(self) -> None:
        self.kept: Pause | None = None
        self.trouble: Exception | None = None

    def read(self) -> Pause | None:
        self._fail()
        return self.kept

    def write(self, pause: Pause) -> None:
        self._fail()
        self.kept = pause

    def remove(self) -> None:
        self._fail()
        self.kept = None

    def _fail(self) -> None:
        if self.trouble:
            raise self.trouble


class Bench:
    """What can be paused, with all that hears of it."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.file = FakeFile()
        self.board = board()
        self.metrics = Metrics()
        self.metrics.follow(watched())
        file = cast(PauseFile, self.file)
        self.pausing = Pausing(NAME, self.mailbox, file, board=self.board, metrics=self.metrics)

    @property
    def told(self) -> tuple[bool, bool, bool]:
        """Whether it is paused, by what the mailbox, the status and the metric say."""
        (snapshot,) = self.board.all()
        return self.mailbox.held, snapshot.paused is not None, value(self.metrics, "gitsync_paused") == 1.0

    def publish(self) -> None:
        """Do as a pass does."""
        with self.pausing.publishing():
            pass


@pytest.fixture
def bench() -> Bench:
    """One that is not paused."""
    return Bench()


def test_pause_and_resume(bench: Bench, logs: Logs) -> None:
    """A pause is told by all that tell of it, keeps a pass from publishing, and ends with a pass."""
    assert bench.told == (False, False, False)
    bench.publish()
    pause, kept = bench.pausing.begin("bad release")
    assert (pause.reason, kept, bench.file.kept) == ("bad release", True, pause)
    assert bench.board.all()[0].paused == pause
    assert bench.told == (True, True, True)
    with pytest.raises(PublishError) as caught:
        bench.publish()
    assert (caught.value.reason, caught.value.hint) == ("paused", HINTS["paused"])
    assert bench.pausing.end()
    assert (bench.told, bench.file.kept) == ((False, False, False), None)
    bench.publish()
    assert bench.mailbox.wait(0.0).sources == ("sync",)
    assert [event["event"] for event in logs.events()] == ["paused", "resumed"]
    assert logs.events("paused")[0]["message"] == "bad release"


def test_first_pause_counts(bench: Bench) -> None:
    """Who pauses what is paused hears since when and why that is so."""
    first, _ = bench.pausing.begin("bad release")
    assert bench.pausing.begin("another reason") == (first, True)


def test_nothing_to_end(bench: Bench) -> None:
    """What is not paused goes on as it does, and has no pass for it."""
    assert not bench.pausing.end()
    assert bench.mailbox.wait(0.0).sources == ()


def test_left_by_an_earlier_process(bench: Bench) -> None:
    """A pause that is found at the start counts, with its time and its words."""
    bench.pausing.adopt()
    assert bench.told == (False, False, False)
    bench.file.kept = LEFT
    bench.pausing.adopt()
    assert bench.told == (True, True, True)
    assert bench.board.all()[0].paused == LEFT
    assert bench.pausing.begin("once more") == (LEFT, True)


def test_volume_that_cannot_be_looked_at(bench: Bench, logs: Logs) -> None:
    """What cannot be known at the start is told, and pauses nobody."""
    bench.file.trouble = OSError(5, "Input/output error", "/srv/git/.gitsync/paused")
    bench.pausing.adopt()
    assert bench.told == (False, False, False)
    assert "Input/output error" in logs.events("pause_unknown")[0]["message"]


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), StoreLocked("in use")])
def test_pause_that_is_not_kept(bench: Bench, logs: Logs, trouble: Exception) -> None:
    """A full volume keeps nobody from pausing; that a restart ends it is told, and the next request tries again."""
    bench.file.trouble = trouble
    pause, kept = bench.pausing.begin("bad release")
    assert (bench.told, kept) == ((True, True, True), False)
    assert len(logs.events("pause_not_kept")) == 1
    bench.file.trouble = None
    assert bench.pausing.begin("") == (pause, True)
    assert bench.file.kept == pause


@pytest.mark.parametrize("trouble", [OSError(30, "Read-only file system"), StoreLocked("in use")])
def test_pause_that_cannot_be_forgotten(bench: Bench, trouble: Exception) -> None:
    """What a restart would pause again stays paused."""
    bench.pausing.begin("bad release")
    bench.file.trouble = trouble
    with pytest.raises((PublishError, StoreLocked)):
        bench.pausing.end()
    assert bench.told == (True, True, True)


def test_publication_under_way_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer comes when the link has been changed; if that does not end, it says so, and nothing is paused."""
    paused: list[bool] = []
    begun = threading.Event()

    def pause() -> None:
        begun.set()
        bench.pausing.begin("bad release")
        paused.append(True)

    with bench.pausing.publishing():
        thread = threading.Thread(target=pause)
        thread.start()
        assert begun.wait(TIMEOUT)
        thread.join(0.05)
        assert (paused, bench.told) == ([], (False, False, False))
    thread.join(TIMEOUT)
    assert (paused, bench.told) == ([True], (True, True, True))
    bench.pausing.end()
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    with bench.pausing.publishing(), pytest.raises(PublishError, match="does not answer"):
        bench.pausing.begin("bad release")
    assert bench.told == (False, False, False)
