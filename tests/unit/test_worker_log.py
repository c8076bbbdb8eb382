"""What the loop of one repository says in the log."""

import io
import json
from typing import Any

import pytest

from gitsync.log import configure
from tests.unit.conftest import Logs
from tests.unit.examples import HASH, commit, result
from tests.unit.worker_bench import FAILED, FAST, UNCHANGED, UPDATED, Bench


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
    assert (second["level"], second["outcome"], second["reason"]) == ("error", "failed", "dns")
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
