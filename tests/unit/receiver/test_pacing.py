"""Passes that webhooks start keep their distance, and the last event of a storm always has one after it."""

import time
from collections.abc import Iterator

import pytest

from gitsync.receiver.pacing import Pacer
from tests.support.eventually import eventually

LONG = 3600.0


class Acts:
    """What a pacer has led to: for each act, the time of the earliest event that it stands for."""

    def __init__(self, **pace: float) -> None:
        self.since: list[float] = []
        self.pacer = Pacer(self.since.append, **pace)


@pytest.fixture
def acts(request: pytest.FixtureRequest) -> Iterator[Acts]:
    """Acts with the pace that the test asks for."""
    made = Acts(**request.param)
    yield made
    made.pacer.close()


@pytest.mark.parametrize("acts", [{"spacing": LONG}], indirect=True)
def test_first_event_acts_at_once(acts: Acts) -> None:
    """The first one does not wait, and those after it do."""
    before = time.monotonic()
    for _ in range(100):
        acts.pacer.event()
    assert len(acts.since) == 1
    assert before <= acts.since[0] <= time.monotonic()


@pytest.mark.parametrize("acts", [{"spacing": 0.05}], indirect=True)
def test_storm_becomes_two_acts(acts: Acts) -> None:
    """The rest of a storm leads to one more, which stands for its earliest event."""
    acts.pacer.event()
    begun = time.monotonic()
    for _ in range(100):
        acts.pacer.event()
    eventually(lambda: len(acts.since) >= 2)
    assert time.monotonic() - acts.since[0] >= 0.05
    assert begun <= acts.since[1] < begun + 0.05
    assert len(acts.since) == 2


@pytest.mark.parametrize("acts", [{"spacing": 0.05}], indirect=True)
def test_last_event_is_never_dropped(acts: Acts) -> None:
    """Whenever an event comes, an act that begins after it follows."""
    for _ in range(5):
        event, before = time.monotonic(), len(acts.since)
        acts.pacer.event()
        eventually(lambda: len(acts.since) > before)  # noqa: B023 (it is called in this turn)
        assert acts.since[-1] >= event


@pytest.mark.parametrize("acts", [{"spacing": 0.0, "jitter": LONG}], indirect=True)
def test_jitter_spreads(acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The act waits for a random part of the jitter."""
    acts.pacer.event()
    acts.pacer.event()
    assert not acts.since
    monkeypatch.setattr("random.random", lambda: 0.0)
    other = Acts(spacing=0.0, jitter=LONG)
    other.pacer.event()
    assert len(other.since) == 1


@pytest.mark.parametrize("acts", [{"spacing": 0.05}], indirect=True)
def test_nothing_acts_after_the_end(acts: Acts) -> None:
    """What waits at the end does not come any more, nor does what comes later."""
    acts.pacer.event()
    acts.pacer.event()
    waiting = acts.pacer._waiting
    assert waiting
    acts.pacer.close()
    acts.pacer.event()
    waiting.join()
    assert len(acts.since) == 1
