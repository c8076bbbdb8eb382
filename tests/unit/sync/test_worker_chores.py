"""The loop of one repository: what it does while it waits."""

import math
import time

from tests.unit.sync.worker_bench import FAILED, FAST, SLOW, UNCHANGED, UPDATED, Bench


def test_chores_are_done_between_passes() -> None:
    """All that are due, one after the other, and before the next pass."""
    bench = Bench("--period=1s", "--jitter=0", "--heal-period=0", script=[UPDATED, UNCHANGED], chores=3)
    bench.run()
    assert bench.sync.calls == ["run", "chore", "chore", "chore", "run"]


def test_trigger_comes_before_the_other_chores() -> None:
    """After a chore during which a trigger came the pass is next."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED, UNCHANGED], chores=3)
    bench.sync.during_chore = lambda: bench.mailbox.post("webhook")
    bench.run()
    assert bench.sync.calls == ["run", "chore", "run"]
    assert bench.sources[1] == ("webhook",)


def test_pass_that_is_due_comes_before_the_other_chores() -> None:
    """Chores that take longer than the period do not keep the remote from being asked."""
    bench = Bench(*FAST, script=[UPDATED, UNCHANGED], chores=1000)
    began = time.monotonic()

    def take_long() -> None:
        while time.monotonic() < began + 0.01:
            pass

    bench.sync.during_chore = take_long
    bench.run()
    assert bench.sync.calls.count("chore") < 1000


def test_triggers_without_end_do_not_keep_chores_from_being_done() -> None:
    """After some passes that came at once all chores have their turn, and the next pass waits."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED] * 5, chores=2)
    bench.sync.during = lambda number: bench.mailbox.post("webhook")
    bench.run()
    assert bench.sync.calls == ["run", "run", "run", "chore", "chore", "run", "run"]


def test_shutdown_comes_before_chores() -> None:
    """Who is asked to end does not clean up first."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED], chores=3)
    bench.run()
    assert bench.sync.calls == ["run"]


def test_chores_of_the_only_pass() -> None:
    """With --one-time they are done before the end, since nobody does them later; not after a failure."""
    bench = Bench("--one-time", script=[UPDATED, UPDATED], chores=2)
    assert bench.run() == 0
    assert bench.sync.calls == ["run", "chore", "chore"]
    bench = Bench("--one-time", script=[FAILED, UPDATED], chores=2)
    assert bench.run() == 1
    assert bench.sync.calls == ["run"]


def test_chore_that_becomes_due_later() -> None:
    """The worker wakes for it, and no pass is made of that."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED, UNCHANGED])
    at = bench.sync.chore_at = time.monotonic() + 0.05

    def chore(*, deadline: float) -> bool:
        if time.monotonic() < at:
            return False
        bench.sync.calls.append("chore")
        bench.sync.chore_at = math.inf
        bench.mailbox.post("signal")
        return False

    bench.sync.chore = chore  # type: ignore[method-assign]
    bench.run()
    assert bench.sync.calls == ["run", "chore", "run"]
    assert bench.sources[1] == ("signal",)


def test_liveness_allows_for_a_chore() -> None:
    """While one runs that does not make way, the worker is not taken for dead."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED, UNCHANGED], chores=1)
    ahead: list[float] = []

    def look() -> None:
        ahead.append(bench.board.all()[0].act_by - time.monotonic())
        bench.mailbox.post("signal")

    bench.sync.during_chore = look
    bench.run()
    assert 590 < ahead[0] <= 600
