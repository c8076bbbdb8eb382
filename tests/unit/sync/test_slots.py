"""Places for work: how many have one at once, in which order, and that those who fail leave one to the others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from gitsync.sync import slots as module
from gitsync.sync.slots import Slots
from tests.support.eventually import TIMEOUT, eventually


@dataclass
class Worker:
    """Holds a place on a thread of its own until it is told to go; `found` says whether it has got one."""

    slots: Slots
    failing: bool = False
    until: float = float("inf")
    make_way: Callable[[], object] | None = None
    found: bool | None = None
    leave: threading.Event = field(default_factory=threading.Event)
    gave_up: bool = False

    def start(self) -> "Worker":
        """Begin to wait for a place; return when it has one, or waits."""
        before = self.slots.waiting
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        eventually(lambda: self.found is not None or self.slots.waiting > before)
        return self

    def _run(self) -> None:
        with self.slots.hold(
            gives_up=lambda: self.gave_up, until=self.until, failing=self.failing, make_way=self.make_way
        ) as found:
            self.found = found
            self.leave.wait(TIMEOUT)

    def end(self) -> None:
        """Give the place back, or the waiting up."""
        self.gave_up = True
        self.leave.set()
        self.slots.wake()
        self.thread.join(TIMEOUT)

    def has_place(self) -> bool:
        """Wait until it has one."""
        return eventually(lambda: self.found is True)


Start = Callable[..., Worker]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a worker."""
    with ExitStack() as stack:

        def begin(slots: Slots, **options: object) -> Worker:
            worker = Worker(slots, **options)  # type: ignore[arg-type]
            stack.callback(worker.end)
            return worker.start()

        yield begin


def test_first_come_first_served(start: Start) -> None:
    """No more than there are places have one, and whoever has waited longest gets the next."""
    slots = Slots(2)
    first, second, third, fourth = (start(slots) for _ in range(4))
    assert (first.found, second.found, third.found, fourth.found) == (True, True, None, None)
    assert slots.waiting == 2
    second.end()
    assert third.has_place()
    assert fourth.found is None
    first.end()
    assert fourth.has_place()
    assert slots.waiting == 0


@pytest.mark.parametrize("count", [2, 3])
def test_failing_ones_leave_a_place(start: Start, count: int) -> None:
    """Those that fail wait although there is a place, which one that does not fail gets, whenever it comes."""
    slots = Slots(count)
    failing = [start(slots, failing=True) for _ in range(count + 1)]
    assert [worker.found for worker in failing] == [*([True] * (count - 1)), None, None]
    assert start(slots).found
    failing[0].end()
    assert failing[count - 1].has_place()
    assert failing[count].found is None


def test_the_only_place_is_for_all(start: Start) -> None:
    """With one place those that fail have it, too, in their turn."""
    slots = Slots(1)
    first, failing, last = start(slots), start(slots, failing=True), start(slots)
    first.end()
    assert failing.has_place()
    assert last.found is None
    failing.end()
    assert last.has_place()


def test_one_more_after_long(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """When all have lasted for long, one more may begin that does not fail, and only one."""
    monkeypatch.setattr(module, "_LONG", 0.05)
    slots = Slots(1)
    start(slots)
    failing, third, fourth = start(slots, failing=True), start(slots), start(slots)
    assert third.has_place()
    assert (failing.found, fourth.found) == (None, None)


def test_the_wait_ends(start: Start) -> None:
    """Who gives up, and who may not wait any longer, goes without a place, and the next one has it."""
    slots = Slots(1)
    first, second, third = start(slots), start(slots), start(slots)
    second.end()
    assert second.found is False
    assert start(slots, until=0.0).found is False
    first.end()
    assert third.has_place()


def test_what_can_wait_makes_way(start: Start) -> None:
    """What can wait is asked to make way when somebody else has no place, and not before."""
    slots = Slots(2)
    asked = threading.Event()
    start(slots, make_way=asked.set)
    start(slots)
    assert not asked.is_set()
    start(slots)
    assert asked.wait(TIMEOUT)


def test_never_more_than_places() -> None:
    """Many threads that take turns: each gets all of its turns, and never are there more at once."""
    slots, turns, most = Slots(3), 200, 0
    inside: set[int] = set()
    lock = threading.Lock()

    def work(number: int) -> None:
        nonlocal most
        for _ in range(turns):
            with slots.hold(gives_up=lambda: False, failing=number % 3 == 0) as found:
                assert found
                with lock:
                    inside.add(number)
                    most = max(most, len(inside))
                with lock:
                    inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert not any(thread.is_alive() for thread in threads)
    assert 1 <= most <= 3
    assert slots.waiting == 0
