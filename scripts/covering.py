"""Which test runs which line, and how long each takes: found in one run, so that a mutant is tried with few of them."""

import json
import multiprocessing
import os
import signal
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, cast

import coverage
import pytest
from apart import GRACE, PLAIN, end_all, environment

# What takes long to import and is none of ours; whoever forks after it has it for nothing.
HEAVY: Final = ("hypothesis", "git", "structlog", "prometheus_client", "click", "yaml", "urllib3", "jwt", "waitress")
# Nobody reads here what was compared; rewriting it takes longer than most tests, and has to come before all imports.
WITHIN: Final = (*PLAIN, "--assert=plain")
# The exit code of a child in which pytest itself could not be run.
_OURS: Final = 70


class Covered:
    """The tests that were run, with their seconds, and those of each line of each file."""

    def __init__(self, kept: Path) -> None:
        """Read what `measure` has kept."""
        read = json.loads(kept.read_text())
        self._names: list[str] = list(read["seconds"])
        self._seconds: list[float] = list(read["seconds"].values())
        self._lines: dict[str, dict[str, list[int]]] = read["lines"]
        # How many lines each of them runs.
        self._reach = Counter(test for lines in self._lines.values() for found in lines.values() for test in found)

    def choose(self, path: str, lines: range, *, limit: float) -> tuple[list[str], float]:
        """Return tests for some lines of a file, and their seconds, `limit` at most.

        First come those of the unit tests that are named as the file, then those that run one of the lines, the ones
        first that run the least besides. What is done when a file is imported is no test's own: it gets all that run
        any other line of the file, or all unit tests of its room. Of these each gets its turn with one set of
        parameters before any has a second one.
        """
        of_file = self._lines.get(path, {})
        found = {test for line in lines for test in of_file.get(str(line), ())}
        room = f"tests/unit/{Path(path).parts[1]}/"
        unit = {number for number, name in enumerate(self._names) if name.startswith(room)}
        named = {
            number for number in unit if Path(self._names[number].partition("::")[0]).name == f"test_{Path(path).name}"
        }
        found = found or {test for tests in of_file.values() for test in tests} or unit
        turns: Counter[str] = Counter()
        order = []
        for test in sorted(found | named, key=lambda test: (test not in named, self._reach[test], self._seconds[test])):
            function = self._names[test].partition("[")[0]
            order.append((test not in named, turns[function], len(order), test))
            turns[function] += 1
        chosen, spent = [], 0.0
        for *_, test in sorted(order):
            if chosen and spent + self._seconds[test] > limit:
                continue
            spent += self._seconds[test]
            chosen.append(self._names[test])
        return chosen, spent


class Listening:
    """Notes for pytest who covers what, and how long it takes."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._measured.switch_context(item.nodeid)
        try:
            result: None = yield
        finally:
            self._measured.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)


def forked(copy: Path, output: Path, work: Callable[[], int], *, patience: float | None = None) -> int | None:
    """Do some work in a process of a copy, whose words go to a file; return its exit code, None after so many seconds.

    It has what is imported here already, and so starts at once.
    """
    child = multiprocessing.get_context("fork").Process(target=_be, args=(copy, output, work))
    child.start()
    child.join(patience)
    if late := child.is_alive():
        # So tests end what they have started.
        os.kill(cast(int, child.pid), signal.SIGINT)
        child.join(GRACE)
    child.kill()
    child.join()
    end_all()
    return None if late else child.exitcode


def _be(copy: Path, output: Path, work: Callable[[], int]) -> None:
    os.setsid()
    os.chdir(copy)
    os.environ.update(environment(copy))
    sys.path.insert(0, str(copy))
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(written, number)
    code = _OURS
    try:
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def measure(copy: Path, rooms: Sequence[str], tests: Sequence[str], kept: Path) -> int:
    """Run tests in this process, and keep who covers what; those that fail cover nothing. Return pytest's exit code."""
    measured = coverage.Coverage(
        data_file=None, source=[str(copy / "gitsync" / room) for room in rooms], config_file=False
    )
    listening = Listening(measured)
    measured.start()
    code = pytest.main([*WITHIN, *tests], plugins=[listening])
    measured.stop()
    data, numbers = measured.get_data(), {name: number for number, name in enumerate(listening.seconds)}
    good = numbers.keys() - listening.failed
    lines = {
        str(Path(path).relative_to(copy)): {
            line: [numbers[test] for test in found if test in good]
            for line, found in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    kept.write_text(json.dumps({"seconds": listening.seconds, "lines": lines}))
    return int(code)
