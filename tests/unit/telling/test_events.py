"""Events reach every observer, and only a veto stops anything."""

import pytest

from gitsync.base.errors import PublishError, PublishVetoed
from gitsync.telling.events import BeforeStage, Event, Observers
from tests.unit.conftest import Logs
from tests.unit.examples import NAME, before_publish, finished, result, started


class Recorder:
    """Remembers events; raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.seen: list[Event] = []
        self._error = error

    def notify(self, event: Event) -> None:
        self.seen.append(event)
        if self._error:
            raise self._error


def test_order() -> None:
    """Events reach all observers, in the order of registration."""
    order: list[str] = []

    class Named(Recorder):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def notify(self, event: Event) -> None:
            order.append(self.name)

    Observers([Named("first"), Named("second")]).notify(started())
    assert order == ["first", "second"]


@pytest.mark.parametrize("error", [ValueError("broken"), OSError(28, "No space left on device")])
def test_failing_observer(logs: Logs, error: Exception) -> None:
    """An observer that fails is logged and passed over; the others hear of the event."""
    last = Recorder()
    event = finished(result())
    Observers([Recorder(error), last]).notify(event)
    assert last.seen == [event]
    (logged,) = logs.events("observer_failed")
    assert (logged["observer"], logged["message"], logged["repo"]) == ("Recorder", str(error), NAME)


def test_veto() -> None:
    """A veto before publication comes through, and who stands behind is not asked any more."""
    veto, last = PublishVetoed("not this one", reason="veto"), Recorder()
    with pytest.raises(PublishVetoed, match="not this one"):
        Observers([Recorder(veto), last]).notify(before_publish())
    assert last.seen == []


def test_veto_before_staging() -> None:
    """A veto saves the work of staging, too."""
    with pytest.raises(PublishVetoed):
        Observers([Recorder(PublishVetoed("no", reason="gate"))]).notify(BeforeStage(repo=NAME, hash="a"))


def test_veto_at_another_time(logs: Logs) -> None:
    """A veto at any other event is only a failure of the observer."""
    last = Recorder()
    Observers([Recorder(PublishVetoed("too late", reason="veto")), last]).notify(started())
    assert len(last.seen) == len(logs.events("observer_failed")) == 1


@pytest.mark.parametrize("error", [ValueError("broken"), PublishError("x", reason="filesystem")])
def test_accident_is_no_veto(error: Exception) -> None:
    """Any other error before publication does not stop it."""
    last = Recorder()
    Observers([Recorder(error), last]).notify(before_publish())
    assert len(last.seen) == 1


def test_nobody_listens() -> None:
    """An event may have no observer at all."""
    Observers().notify(before_publish())
