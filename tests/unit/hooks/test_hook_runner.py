"""The runner of a hook: one slot, the latest publication wins, growing waits, and an end at once."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitsync.base.errors import EXIT_FAILURE, EXIT_OK, HookError
from gitsync.hooks.runner import HookRunner, Pace
from gitsync.telling.metrics import Metrics
from tests.support.eventually import TIMEOUT
from tests.unit.conftest import Logs
from tests.unit.examples import NAME, commit, published


@dataclass
class FakeHook:
    """Does what the test says, and remembers what it was run for."""

    name: str = "exechook"
    react: Callable[[str], str] = lambda commit: "done"
    ran: list[str] = field(default_factory=list)
    cancelled: bool = False

    def run(self, commit: str, tree: Path) -> str:
        """Run."""
        self.ran.append(commit)
        return self.react(commit)

    def cancel(self) -> None:
        """Remember."""
        self.cancelled = True

    def kill(self) -> None:
        """Do nothing."""


def fail(commit: str) -> str:
    """Fail, as a hook does."""
    raise HookError("no", reason="hook")


@dataclass
class Bench:
    """A hook, its runner and its thread."""

    hook: FakeHook
    runner: HookRunner
    codes: list[int] = field(default_factory=list)

    def publish(self, name: str, *, again: bool = False) -> None:
        """Tell the runner of a publication."""
        self.runner.notify(published(commit=commit(hash=name), tree=Path("/tree"), again=again))

    def start(self) -> threading.Thread:
        """Run the body of the thread."""
        thread = threading.Thread(target=lambda: self.codes.append(self.runner.run()))
        thread.start()
        return thread


def bench(pace: Pace, hook: FakeHook | None = None) -> Bench:
    """Return a hook and its runner."""
    hook = hook or FakeHook()
    return Bench(hook, HookRunner(hook, pace, repo=NAME, metrics=Metrics()))


@pytest.fixture
def made() -> Iterator[Bench]:
    """A runner that waits an hour after a failure, and is stopped at the end."""
    made = bench(Pace(first=3600, most=3600))
    yield made
    made.runner.stop()


def test_once_with_success() -> None:
    """What runs once ends after a success with 0."""
    made = bench(Pace(first=0, most=0, once=True))
    made.publish("a")
    assert made.runner.run() == EXIT_OK
    assert made.hook.ran == ["a"]


def test_once_with_failure(logs: Logs) -> None:
    """What runs once ends after a failure with 1, and is not tried again."""
    made = bench(Pace(first=0, most=0, once=True), FakeHook(react=fail))
    made.publish("a")
    assert made.runner.run() == EXIT_FAILURE
    assert made.hook.ran == ["a"]
    assert logs.events("hook_failed")[0]["retry_in"] is None


def test_only_the_latest_is_run() -> None:
    """Of several publications before a run, the last one counts."""
    made = bench(Pace(first=0, most=0, once=True))
    for name in "abc":
        made.publish(name)
    made.runner.run()
    assert made.hook.ran == ["c"]


def test_waits_grow_up_to_a_limit(logs: Logs) -> None:
    """The wait doubles with each failure, and starts anew with another publication."""
    made = bench(Pace(first=0.001, most=0.004))

    def react(name: str) -> str:
        if len(made.hook.ran) == 4:
            made.publish("b")
        if name == "b":
            made.runner.stop()
        return fail(name)

    made.hook.react = react
    made.publish("a")
    assert made.runner.run() == EXIT_OK
    assert made.hook.ran == ["a", "a", "a", "a", "b"]
    assert [event["retry_in"] for event in logs.events("hook_failed")] == [0.001, 0.002, 0.004, 0.004]


def test_newer_publication_ends_the_wait(made: Bench) -> None:
    """A publication during the wait after a failure is run at once, instead of the one that failed."""
    ran = threading.Event()

    def react(name: str) -> str:
        if name == "a":
            made.publish("b")
            return fail(name)
        ran.set()
        return "done"

    made.hook.react = react
    made.publish("a")
    thread = made.start()
    assert ran.wait(TIMEOUT)
    made.runner.stop()
    thread.join(TIMEOUT)
    assert made.hook.ran == ["a", "b"]


def test_stop_ends_the_wait(made: Bench) -> None:
    """Stopping ends the wait for work and after a failure, tells the hook, and is no failure."""
    made.hook.react = fail
    made.publish("a")
    thread = made.start()
    made.runner.stop()
    thread.join(TIMEOUT)
    assert made.codes == [EXIT_OK]
    assert made.hook.cancelled


def test_failure_of_a_hook_that_is_ended_is_none(logs: Logs) -> None:
    """A hook that fails because the process ends is not logged as a failure."""
    made = bench(Pace(first=0, most=0, once=True))

    def react(name: str) -> str:
        made.runner.stop()
        return fail(name)

    made.hook.react = react
    made.publish("a")
    assert made.runner.run() == EXIT_OK
    assert not logs.events("hook_failed")


def test_repaired_commit_is_not_told_twice(made: Bench) -> None:
    """A hook that has succeeded is not run for the tree in the place of a damaged one; one that has not yet, is."""
    ran = threading.Semaphore(0)

    def note(name: str) -> str:
        ran.release()
        return "done"

    made.hook.react = note
    thread = made.start()
    made.publish("a")
    assert ran.acquire(timeout=TIMEOUT)
    made.publish("a", again=True)
    made.publish("b", again=True)
    assert ran.acquire(timeout=TIMEOUT)
    made.publish("b", again=True)
    made.publish("b")
    assert ran.acquire(timeout=TIMEOUT)
    made.runner.stop()
    thread.join()
    assert made.hook.ran == ["a", "b", "b"]
