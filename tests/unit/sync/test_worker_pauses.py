"""A worker whose mailbox is held begins no pass, and goes on when it is released."""

import threading

import pytest

from gitsync.telling.events import Commit
from tests.support.eventually import TIMEOUT
from tests.unit.conftest import Logs
from tests.unit.examples import commit, failed
from tests.unit.sync.worker_bench import FAST, SLOW, UNCHANGED, UPDATED, Bench


def hold_in_first_pass(bench: Bench) -> threading.Event:
    """Have the worker be held while its first pass runs, and return what tells that it is."""
    held = threading.Event()

    def hold(number: int) -> None:
        if number == 1:
            bench.mailbox.hold()
            held.set()

    bench.sync.during = hold
    return held


def test_no_pass_while_it_is_held() -> None:
    """A worker that is held from the start begins when it is released, and waits again when it is held later."""
    bench = Bench(*FAST, script=[UPDATED, UNCHANGED])
    bench.mailbox.hold()
    held = hold_in_first_pass(bench)
    thread = threading.Thread(target=bench.run)
    thread.start()
    bench.mailbox.post("webhook")
    thread.join(0.05)
    assert bench.sync.calls == []
    bench.mailbox.release()
    assert held.wait(TIMEOUT)
    thread.join(0.05)
    assert bench.sync.calls == ["run"]
    bench.mailbox.release()
    thread.join(TIMEOUT)
    assert bench.sources == [("start", "webhook", "sync"), ("sync",)]


@pytest.mark.parametrize(("published", "code"), [(commit(), 0), (None, 1)])
def test_one_time_while_it_is_held(logs: Logs, published: Commit | None, code: int) -> None:
    """Where a single pass is asked for and none may be, the end says whether something is published."""
    bench = Bench(*FAST, "--one-time", script=[UPDATED])
    bench.sync.published = published
    bench.mailbox.hold()
    assert bench.run() == code
    assert bench.sync.calls == []
    assert [event["hash"] for event in logs.events("left_paused")] == [published and published.hash]


def test_pause_is_no_failure() -> None:
    """A pass that a pause has ended counts neither for the limit of failures nor for the delays."""
    bench = Bench(*FAST, "--max-failures=0", script=[failed("paused"), failed("paused"), UPDATED])
    assert bench.run() == 0
    assert [event.consecutive_failures for event in bench.finished] == [0, 0, 0]


def test_no_chores_while_it_is_held() -> None:
    """Not even chores that have made way too often are done while nothing is to change; then they are."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED, UNCHANGED], chores=2)
    bench.sync.patience = 0
    held = hold_in_first_pass(bench)
    thread = threading.Thread(target=bench.run)
    thread.start()
    assert held.wait(TIMEOUT)
    thread.join(0.05)
    assert bench.sync.calls == ["run"]
    bench.mailbox.release()
    thread.join(TIMEOUT)
    assert bench.sync.calls[:2] == ["run", "run"]
