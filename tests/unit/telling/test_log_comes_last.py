"""A line of the log comes last: whoever waits for it, and then reads metrics or status, finds what it tells of."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from gitsync.base.errors import HookError, PublishVetoed
from gitsync.base.log import configure
from gitsync.hooks.command import Command
from gitsync.hooks.gate import Gate
from gitsync.hooks.runner import Hook, HookRunner, Pace
from gitsync.telling.events import BeforePublish
from gitsync.telling.metrics import Metrics
from tests.unit.examples import NAME, commit, published
from tests.unit.sync.worker_bench import FAILED, FAST, UPDATED, Bench

PACE = Pace(first=0, most=0, once=True)


class Watched(io.StringIO):
    """A stream of the log that remembers how things were when a line with this event was written."""

    def __init__(self, event: str, look: Callable[[], object]) -> None:
        super().__init__()
        self._event = event
        self._look = look
        self.seen: list[object] = []

    def write(self, line: str) -> int:
        """Look, and write."""
        if f'"{self._event}"' in line:
            self.seen.append(self._look())
        return super().write(line)


def watch(event: str, look: Callable[[], object]) -> list[object]:
    """Return where the answers of `look` will be, one for each line with this event."""
    stream = Watched(event, look)
    configure(verbose=9, style="json", stream=stream)
    return stream.seen


class FakeHook:
    """A hook, or the command of the gate, that works or does not."""

    name = "exechook"

    def __init__(self, *, works: bool) -> None:
        self._works = works

    def run(self, commit: str, tree: Path, *, deadline: float = 0) -> str:
        """Work, or not."""
        if not self._works:
            raise HookError("no", reason="hook")
        return "done"

    def cancel(self) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


def _counted(metrics: Metrics, status: str) -> Callable[[], object]:
    line = f'git_sync_hook_run_count_total{{name="exechook",repo="{NAME}",status="{status}"}} 1.0'
    return lambda: line in metrics.render("")[0].decode().splitlines()


OUTCOMES = pytest.mark.parametrize(
    ("works", "event", "status"), [(True, "hook_finished", "success"), (False, "hook_failed", "error")]
)


@OUTCOMES
def test_run_of_a_hook_is_counted_first(works: bool, event: str, status: str) -> None:
    """When the log tells of a run, the run has been counted."""
    metrics = Metrics()
    seen = watch(event, _counted(metrics, status))
    hook: Hook = FakeHook(works=works)
    runner = HookRunner(hook, PACE, repo=NAME, metrics=metrics)
    runner.notify(published())
    runner.run()
    assert seen == [True]


@OUTCOMES
def test_run_of_the_gate_is_counted_first(works: bool, event: str, status: str) -> None:
    """When the log tells of a run before publication, the run has been counted."""
    metrics = Metrics()
    seen = watch(event, _counted(metrics, status))
    gate = Gate(cast(Command, FakeHook(works=works)), PACE, repo=NAME, metrics=metrics)
    staged = BeforePublish(repo=NAME, commit=commit(), tree=Path("/tree"))
    if works:
        gate.notify(staged)
    else:
        with pytest.raises(PublishVetoed):
            gate.notify(staged)
    assert seen == [True]


def test_pass_is_in_the_status_first() -> None:
    """When the log tells of the end of a pass, the status has it, and all observers have heard of it."""
    bench = Bench(*FAST, script=[UPDATED, FAILED])
    seen = watch("sync_finished", lambda: (bench.board.all()[0].failures, len(bench.finished)))
    bench.run()
    assert seen == [(0, 1), (1, 2)]
