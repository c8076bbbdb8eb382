"""A worker among others: it waits for its turn, and that costs neither time of the pass nor its good name."""

import threading
import time

from tests.support.eventually import TIMEOUT, eventually
from tests.unit.sync.worker_bench import FAILED, SLOW, UNCHANGED, Bench


def test_waiting() -> None:
    """While it waits no pass has begun, and it is not late; then the pass has all of its time."""
    bench = Bench(*SLOW, "--sync-timeout=7s", script=[UNCHANGED], damage=[False])
    thread = threading.Thread(target=bench.run)
    with bench.slots.hold(gives_up=lambda: False):
        thread.start()
        eventually(lambda: bench.slots.waiting)
        assert bench.events == []
        assert bench.board.all()[0].alive(time.monotonic() + 1e6)
    thread.join(TIMEOUT)
    assert bench.sync.deadlines[0] > 6.5
    assert not bench.board.all()[0].alive(time.monotonic() + 1e6)


def test_the_end_of_waiting() -> None:
    """A worker that is asked to end does not wait for its turn."""
    bench = Bench(*SLOW, script=[UNCHANGED])
    thread = threading.Thread(target=bench.run)
    with bench.slots.hold(gives_up=lambda: False):
        thread.start()
        eventually(lambda: bench.slots.waiting)
        bench.worker.stop()
        thread.join(TIMEOUT)
        assert not thread.is_alive()
    assert bench.sync.calls == []


def test_chores_make_way_for_others() -> None:
    """A chore that another repository has ended has the next turn after it."""
    bench = Bench("--period=1h", "--jitter=0", "--heal-period=0", script=[UNCHANGED, FAILED], chores=2)
    other = threading.Thread(target=_take_a_turn, args=(bench,))

    def during_chore() -> None:
        if bench.sync.chores == 1:
            other.start()
            eventually(lambda: bench.slots.waiting)
            # What was ended half way is there again.
            bench.sync.interrupted = True
        else:
            bench.mailbox.post("webhook")

    bench.sync.during_chore = during_chore
    bench.run()
    other.join(TIMEOUT)
    assert bench.sync.calls == ["run", "chore", "chore", "run"]


def _take_a_turn(bench: Bench) -> None:
    with bench.slots.hold(gives_up=lambda: False):
        pass


def test_chores_wait_until_a_pass_is_due() -> None:
    """A chore without a place is put off when a pass is due, and done when there is a place."""
    bench = Bench("--period=1h", "--jitter=0", "--heal-period=0", script=[UNCHANGED, FAILED], chores=1)
    thread = threading.Thread(target=bench.run)
    leave = threading.Event()

    def occupy() -> None:
        with bench.slots.hold(gives_up=lambda: False):
            leave.wait(TIMEOUT)

    other = threading.Thread(target=occupy)

    def during(number: int) -> None:
        # It waits while the first pass has the only place, so it comes before the chore.
        if number == 1:
            other.start()
            eventually(lambda: bench.slots.waiting)

    bench.sync.during = during
    thread.start()
    eventually(lambda: bench.finished and bench.slots.waiting)
    bench.mailbox.post("webhook")
    bench.slots.wake()
    eventually(lambda: bench.sync.patience == 2)
    assert bench.sync.calls == ["run"]
    leave.set()
    thread.join(TIMEOUT)
    other.join(TIMEOUT)
    assert bench.sync.calls == ["run", "run"]
