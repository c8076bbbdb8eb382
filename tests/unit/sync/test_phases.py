"""The time of a pass, by what it was spent on."""

import time

import pytest

from gitsync.sync.memory import Phases


def test_time_of_a_phase() -> None:
    """The times of one phase add up, that of a block without a name counts nowhere, and each is taken once."""
    phases = Phases()
    began = time.monotonic()
    for phase in ("fetch", "stage", "fetch", None):
        with phases.measure(phase):
            pass
    between = time.monotonic() - began
    taken = phases.take()
    assert taken.keys() == {"fetch", "stage"}
    assert all(seconds >= 0 for seconds in taken.values())
    assert sum(taken.values()) <= between
    assert phases.take() == {}


def test_time_of_a_phase_that_fails() -> None:
    """What has failed has taken its time all the same."""
    phases = Phases()
    with pytest.raises(OSError, match="broken"), phases.measure("fetch"):
        raise OSError("broken")
    assert phases.take().keys() == {"fetch"}
