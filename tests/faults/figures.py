"""Counts what the suites have made happen, and writes that into docs/reliability.md.

A test makes one fault, or tells how many by the property `faults`.
"""

import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.catalogue import AREAS, declared, write_between

_BEGIN = "<!-- Begin of what scripts/faults --write writes. -->"
_END = "<!-- End of what scripts/faults --write writes. -->"

# What a test tells with, a fixture of pytest.
RecordProperty = Callable[[str, object], None]


class Figures:
    """A plugin that listens to the results, and writes at the end of a run in which nothing failed."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._begun = time.monotonic()
        self._tests: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test when it is over."""
        told: dict[str, object] = dict(report.user_properties)
        if report.when == "teardown" and "area" in told:
            area = str(told["area"])
            self._tests[area] += 1
            self._faults[area] += int(str(told.get("faults", 1)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        """Write them."""
        written = self.table(time.monotonic() - self._begun)
        terminalreporter.write_line(written)
        if exitstatus == 0:
            write_between(_BEGIN, _END, written)

    def table(self, seconds: float) -> str:
        """Return the figures as Markdown."""
        tests, faults = self._tests.total(), self._faults.total()
        rows = [
            f"| {title} | {self._tests[area]:,} | {self._faults[area]:,} |\n"
            for area, title in AREAS.items()
            if self._tests[area]
        ]
        return (
            f"`{self._command}`: {tests:,} tests with {faults:,} faults and bad inputs in {seconds:,.0f} s.\n\n"
            f"| area | tests | faults and bad inputs |\n|---|--:|--:|\n{''.join(rows)}"
        )


def note_areas(items: list[pytest.Item]) -> None:
    """Have each test tell of its area."""
    for item in items:
        if isinstance(item, pytest.Function) and (found := declared(item.obj)):
            item.user_properties.append(("area", found.area))
