"""The loop of one repository: passes, failures, waits and endings."""

import io
import json
import threading
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from gitsync.base.log import configure
from gitsync.sync.repository import Repository
from gitsync.sync.worker import RepoWorker
from gitsync.telling.events import Failure, PassFinished, PassStarted, Source, SyncResult, Triggers
from gitsync.triggers.mailbox import Mailbox
from tests.support.eventually import TIMEOUT
from tests.unit.conftest import Logs
from tests.unit.examples import HASH, NAME, commit, failed, repo_config, result
from tests.unit.sync.worker_bench import FAILED, FAST, SLOW, UNCHANGED, UPDATED, Bench


def test_passes_follow_each_other() -> None:
    """The first pass comes with the start, the others with the period."""
    bench = Bench(*FAST, script=[UPDATED, UNCHANGED, UNCHANGED])
    assert bench.run() == 0
    assert bench.sources == [("start",), ("period",), ("period",)]
    assert [event.result for event in bench.finished] == [UPDATED, UNCHANGED, UNCHANGED]
    assert [type(event) for event in bench.events] == [PassStarted, PassFinished] * 3


def test_the_period_is_kept() -> None:
    """Between two passes lies the period."""
    bench = Bench("--period=500ms", "--jitter=0", "--heal-period=0", script=[UPDATED, UNCHANGED])
    began = time.monotonic()
    bench.run()
    assert time.monotonic() - began >= 0.05


def test_deadline() -> None:
    """A pass and a comparison have the timeout of a pass."""
    bench = Bench(*SLOW, "--sync-timeout=7s", script=[UNCHANGED], damage=[False])
    bench.run()
    assert bench.sync.calls[:2] == ["run", "heal"]
    assert all(6.5 < left <= 7.0 for left in bench.sync.deadlines)


@pytest.mark.parametrize(
    ("argv", "script", "passes", "code"),
    [
        ((), [FAILED] * 9, 9, 0),
        (("--max-failures=2",), [FAILED] * 9, 3, 1),
        (("--max-failures=0",), [FAILED] * 9, 1, 1),
        (("--max-failures=2",), [FAILED, FAILED, UPDATED, FAILED, FAILED, UNCHANGED], 6, 0),
        (("--max-failures=1",), [UPDATED, FAILED, FAILED, UPDATED], 3, 1),
        (("--max-failures=-1", "--init-max-failures=1"), [FAILED] * 9, 2, 1),
        (("--max-failures=-1", "--init-max-failures=1"), [UPDATED, *[FAILED] * 5], 6, 0),
        (("--max-failures=1", "--init-max-failures=3"), [FAILED] * 9, 4, 1),
        (("--max-failures=1", "--init-max-failures=3"), [FAILED, FAILED, UPDATED, FAILED, FAILED, UPDATED], 5, 1),
        (("--max-failures=1", "--init-max-failures=-1"), [*[FAILED] * 5, UNCHANGED, FAILED, FAILED, UPDATED], 8, 1),
    ],
)
def test_failure_limits(argv: tuple[str, ...], script: list[SyncResult], passes: int, code: int) -> None:
    """The process ends with the failure after those that are allowed in a row; before the first success others are."""
    bench = Bench(*FAST, *argv, script=script)
    assert bench.run() == code
    assert bench.sync.calls == ["run"] * passes


def test_too_many_failures_are_told(logs: Logs) -> None:
    """The end by failures is logged with how many there were and how many are allowed."""
    Bench(*FAST, "--max-failures=1", script=[FAILED] * 3).run()
    (event,) = logs.events("too_many_failures")
    assert (event["failures"], event["allowed"], event["repo"]) == (2, 1, NAME)


def test_failures_in_a_row() -> None:
    """Failures are counted from the last success on."""
    bench = Bench(*FAST, script=[FAILED, FAILED, UPDATED, FAILED])
    bench.run()
    assert [event.consecutive_failures for event in bench.finished] == [1, 2, 0, 1]


def test_delays() -> None:
    """Failures are followed by longer delays, a success by the period."""
    argv = ("--period=10ms", "--init-period=20ms", "--max-backoff=40ms", "--jitter=0", "--heal-period=0")
    bench = Bench(*argv, script=[FAILED, FAILED, FAILED, UPDATED, FAILED, UPDATED, UPDATED])
    bench.run()
    assert [event.next_delay for event in bench.finished[:-1]] == pytest.approx(
        [0.002, 0.004, 0.004, 0.001, 0.001, 0.001]
    )


def delays_of_failures(*reasons: str, woken: int = 0, source: Source = "webhook") -> list[float | None]:
    """Return the delays, in the shortest of periods, after passes that fail; `source` starts the one of this number."""
    argv = ("--period=10ms", "--max-backoff=1s", "--jitter=0", "--heal-period=0")
    bench = Bench(*argv, script=[UPDATED, *map(failed, reasons), UPDATED])

    def post(number: int) -> None:
        if number == woken - 1:
            bench.mailbox.post(source)

    bench.sync.during = post
    bench.run()
    return [event.next_delay and round(event.next_delay * 1000) for event in bench.finished[1:-1]]


@pytest.mark.parametrize("source", ["signal", "webhook", "file"])
def test_sign_of_life_ends_the_backoff(source: Source) -> None:
    """Who starts a pass may know that the trouble is over, so the delays begin anew; the limit of failures does not."""
    assert delays_of_failures(*["connect"] * 4) == [1, 2, 4, 8]
    assert delays_of_failures(*["connect"] * 6, woken=5, source=source) == [1, 2, 4, 1, 2, 4]
    bench = Bench(*FAST, "--max-failures=2", script=[UPDATED, *[FAILED] * 3, UPDATED])
    bench.sync.during = lambda number: bench.mailbox.post(source)
    assert bench.run() == 1


def test_name_that_cannot_be_resolved() -> None:
    """A name is asked for in every period, whatever else has failed before and after."""
    assert delays_of_failures("dns", "dns", "dns") == [1, 1, 1]
    assert delays_of_failures("connect", "connect", "dns", "connect") == [1, 2, 1, 2]


@pytest.mark.parametrize("source", ["period", "start", "signal", "webhook", "file"])
def test_jitter(source: Source) -> None:
    """Delays are spread around the period, and after what may have woken many workers all over it."""
    benches = [Bench("--period=10ms", "--jitter=0.001", "--heal-period=0", script=[UPDATED] * 3) for _ in range(20)]
    for bench in benches:
        bench.sync.during = lambda number, box=bench.mailbox: box.post(source)  # type: ignore[misc]
        bench.run()
    delays = [bench.finished[1].next_delay for bench in benches]
    assert (delays == pytest.approx([0.001] * 20, rel=0.0011)) is (source == "period")


@pytest.mark.parametrize(
    ("argv", "script", "passes", "code"),
    [
        ((), [UPDATED, UPDATED], 1, 0),
        ((), [UNCHANGED, UPDATED], 1, 0),
        ((), [FAILED, UPDATED], 1, 1),
        (("--max-failures=2",), [FAILED, FAILED, UPDATED, UPDATED], 3, 0),
        (("--max-failures=1",), [FAILED, FAILED, UPDATED], 2, 1),
        (("--max-failures=-1",), [FAILED] * 4 + [UPDATED, UPDATED], 5, 0),
    ],
)
def test_one_time(argv: tuple[str, ...], script: list[SyncResult], passes: int, code: int) -> None:
    """A single pass ends with its success, or with one failure more than is allowed."""
    bench = Bench(*FAST, "--one-time", *argv, script=script)
    assert bench.run() == code
    assert bench.sync.calls == ["run"] * passes
    assert bench.finished[-1].next_delay is None
    # Nothing more is expected of it, while others may be at work for long.
    assert bench.board.all()[0].alive(time.monotonic() + 1e9)


@pytest.mark.parametrize("sources", [["signal"], ["webhook", "signal", "webhook"]])
def test_trigger_during_a_pass(sources: list[Source]) -> None:
    """Triggers that arrive during a pass lead to exactly one more, at once."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED, UNCHANGED])

    def post(number: int) -> None:
        if number == 1:
            for source in sources:
                bench.mailbox.post(source)

    bench.sync.during = post
    assert bench.run() == 0
    assert bench.sources == [("start",), tuple(dict.fromkeys(sources))]


def test_news_are_told() -> None:
    """A pass that somebody has asked for takes that for news; one that was begun by time, or by the start, does not."""
    bench = Bench(*FAST, script=[UPDATED, UNCHANGED, UNCHANGED])
    bench.sync.during = lambda number: bench.mailbox.post("webhook") if number == 1 else None
    bench.run()
    assert bench.sources == [("start",), ("webhook",), ("period",)]
    assert bench.sync.told == [False, True, False]


def test_trigger_does_not_wait_for_the_backoff() -> None:
    """Who knows that the trouble is over need not wait."""
    bench = Bench(*SLOW, "--heal-period=0", script=[FAILED, UPDATED])
    bench.sync.during = lambda number: bench.mailbox.post("webhook") if number == 1 else None
    assert bench.run() == 0
    assert bench.sources == [("start",), ("webhook",)]


def test_refused_commit_does_not_slow_the_polling() -> None:
    """What we refuse ourselves is tried again when it says, and another commit is looked for as often as ever."""
    refused = replace(FAILED, failure=Failure(reason="gate", message="no", retry_in=30.0))
    soon = replace(FAILED, failure=Failure(reason="gate", message="no", retry_in=0.001))
    bench = Bench(
        "--period=20ms", "--jitter=0", "--heal-period=0", script=[UPDATED, refused, refused, refused, soon, UPDATED]
    )
    bench.run()
    assert [event.next_delay for event in bench.finished[1:5]] == pytest.approx([0.002, 0.002, 0.002, 0.001])


def test_trigger_between_passes() -> None:
    """A trigger wakes a worker that waits."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED, UNCHANGED])
    ran = threading.Event()
    bench.sync.during = lambda number: ran.set()
    thread = threading.Thread(target=bench.run)
    thread.start()
    assert ran.wait(TIMEOUT)
    bench.mailbox.post("signal")
    thread.join(TIMEOUT)
    assert bench.sources == [("start",), ("signal",)]


def test_trigger_before_the_first_pass() -> None:
    """What is left before the first pass begins is done with it."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED])
    ticket = bench.mailbox.post("webhook")
    bench.run()
    assert bench.sources == [("start", "webhook")]
    assert [event.ticket for event in bench.finished] == [ticket]


def test_tickets_of_passes() -> None:
    """A pass that only time has begun has the ticket of the one before; a trigger during a pass is the next's."""
    bench = Bench(*FAST, script=[UPDATED, UNCHANGED, UNCHANGED, UNCHANGED])
    tickets: list[int] = []
    bench.sync.during = lambda number: tickets.append(bench.mailbox.post("sync")) if number == 2 else None
    bench.run()
    assert bench.sources == [("start",), ("period",), ("sync",), ("period",)]
    assert [event.ticket for event in bench.finished] == [0, 0, 1, 1]
    assert tickets == [1]


def test_stop_while_waiting() -> None:
    """A worker that waits ends at once when it is told to, with success."""
    bench = Bench(*SLOW, "--heal-period=0", script=[UPDATED, UPDATED])
    codes: list[int] = []
    ran = threading.Event()
    bench.sync.during = lambda number: ran.set()
    thread = threading.Thread(target=lambda: codes.append(bench.run()))
    thread.start()
    assert ran.wait(TIMEOUT)
    bench.worker.stop()
    thread.join(TIMEOUT)
    assert codes == [0]
    assert bench.sync.calls == ["run"]


@pytest.mark.parametrize("outcome", [UPDATED, FAILED])
def test_stop_during_a_pass(outcome: SyncResult) -> None:
    """A worker that is told to end during a pass finishes it and ends with success, even if the pass failed."""
    bench = Bench(*SLOW, "--max-failures=0", script=[outcome, UPDATED])
    bench.sync.during = lambda number: bench.worker.stop()
    assert bench.run() == 0
    assert bench.sync.calls == ["run"]
    assert bench.finished[-1].next_delay is None


def test_stop_beats_triggers() -> None:
    """A worker that is told to end starts no pass any more."""
    bench = Bench(*SLOW, script=[UPDATED, UPDATED])

    def both(number: int) -> None:
        bench.mailbox.post("signal")
        bench.worker.stop()

    bench.sync.during = both
    assert bench.run() == 0
    assert bench.sync.calls == ["run"]


def test_heal_after_the_start() -> None:
    """What an earlier process has left is compared right after the first pass, and tidied up."""
    bench = Bench(*SLOW, "--heal-period=1h", script=[UNCHANGED], damage=[False])
    assert bench.run() == 0
    assert bench.sync.calls == ["run", "heal", "tidy"]


def test_heal_leads_to_a_pass() -> None:
    """Undamaged files are compared again and again between passes; damage leads to a pass at once."""
    bench = Bench(*SLOW, "--heal-period=10ms", script=[UNCHANGED, UPDATED], damage=[False, False, True])
    assert bench.run() == 0
    assert bench.sync.calls == ["run", *["heal", "tidy"] * 3, "run"]
    assert bench.sources == [("start",), ("period",)]


def test_heal_waits_after_a_publication() -> None:
    """What was written just now is not compared before its time."""
    bench = Bench(*FAST, "--heal-period=1h", script=[UPDATED, UNCHANGED, UNCHANGED])
    assert bench.run() == 0
    assert bench.sync.calls == ["run"] * 3


def test_no_heal() -> None:
    """With a period of 0 nothing is ever compared."""
    bench = Bench(*FAST, script=[UNCHANGED] * 3)
    assert bench.run() == 0
    assert bench.sync.calls == ["run"] * 3


def test_announcements() -> None:
    """The worker announces how long a pass and a wait may take, so that a hang is noticed."""
    bench = Bench(*SLOW, "--sync-timeout=7s", "--heal-period=0", script=[UPDATED, UNCHANGED])
    left: list[float] = []

    def look(number: int) -> None:
        left.append(bench.board.all()[0].act_by - time.monotonic())
        bench.mailbox.post("signal")

    bench.sync.during = look
    bench.run()
    assert len(left) == 2
    assert all(6.5 < seconds <= 7.0 for seconds in left)


def test_announcement_of_a_wait() -> None:
    """While it waits the worker is expected when the next thing is due."""
    bench = Bench("--period=100s", "--jitter=0", "--heal-period=0", script=[UPDATED, UPDATED])
    waiting = threading.Event()

    class Watch(Mailbox):
        def wait(self, timeout: float) -> Triggers:
            if timeout:
                waiting.set()
            return super().wait(timeout)

    watch = Watch()
    surroundings = replace(bench.surroundings, mailbox=watch)
    repo = repo_config("--period=100s", "--jitter=0", "--heal-period=0", "--sync-timeout=7s")
    worker = RepoWorker(repo, cast(Repository, bench.sync), surroundings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert waiting.wait(TIMEOUT)
    assert 30 < bench.board.all()[0].act_by - time.monotonic() <= 100
    worker.stop()
    thread.join(TIMEOUT)


def _events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_log_of_a_pass(logs: Logs) -> None:
    """Every pass has one line with everything about it, and the first success says that we are ready."""
    done = result(outcome="updated", commit=commit(), ref="refs/heads/main", phases={"probe": 0.12345})
    Bench(*FAST, script=[done, FAILED, UNCHANGED]).run()
    first, second, third = logs.events("sync_finished")
    assert {
        name: first[name] for name in ("outcome", "hash", "ref", "trigger", "duration", "next_delay", "phases")
    } == {
        "outcome": "updated",
        "hash": HASH,
        "ref": "refs/heads/main",
        "trigger": "start",
        "duration": 0.5,
        "next_delay": 0.001,
        "phases": {"probe": 0.123},
    }
    assert (second["level"], second["outcome"], second["reason"]) == ("error", "failed", "connect")
    assert (second["message"], second["hint"]) == ("git ls-remote: fatal: it did not work", "look again")
    assert second["consecutive_failures"] == 1
    assert (third["outcome"], third["trigger"], third["next_delay"]) == ("unchanged", "period", None)
    (ready,) = logs.events("ready")
    assert (ready["hash"], ready["link"]) == (HASH, "/srv/git/site.git")


@pytest.mark.parametrize(("verbose", "outcomes"), [(0, ["updated", "failed"]), (1, ["updated", "unchanged", "failed"])])
def test_unchanged_is_quiet(verbose: int, outcomes: list[str]) -> None:
    """A pass that changed nothing is told from verbosity 1 on; updates and failures always are."""
    stream = io.StringIO()
    configure(verbose=verbose, style="json", stream=stream)
    Bench(*FAST, script=[UPDATED, UNCHANGED, FAILED]).run()
    assert [event["outcome"] for event in _events(stream) if event["event"] == "sync_finished"] == outcomes


def test_repaired_is_told() -> None:
    """A repair is an update to whoever reads the log, and to the comparison's clock."""
    stream = io.StringIO()
    configure(verbose=0, style="json", stream=stream)
    bench = Bench(*FAST, "--heal-period=1h", script=[result(outcome="repaired", commit=commit()), UNCHANGED])
    bench.run()
    assert [event["outcome"] for event in _events(stream) if event["event"] == "sync_finished"] == ["repaired"]
    assert bench.sync.calls == ["run", "run"]
