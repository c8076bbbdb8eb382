"""A pytest plugin: with GITSYNC_TEST_NO_SKIP=1 a skipped test fails the run, and its reason is shown.

It acts where the reports arrive (the controller, under xdist), so that it counts what every worker skipped.
"""

import os
from typing import Any

import pytest

VARIABLE = "GITSYNC_TEST_NO_SKIP"


def pytest_configure(config: pytest.Config) -> None:
    """Register the collector in the process that sees all reports."""
    if os.environ.get(VARIABLE) == "1" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoSkip(), "gitsync-no-skip")


class NoSkip:
    """Collects skips and turns them into a failed run."""

    def __init__(self) -> None:
        self.skips: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skipped test; an expected failure is reported as skipped too, but ran."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skips.append(f"{report.nodeid}: {_reason(report.longrepr)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a skipped module."""
        if report.skipped:
            self.skips.append(f"{report.nodeid}: {_reason(report.longrepr)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that would have passed."""
        if self.skips and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say which tests were skipped and why."""
        if self.skips:
            terminalreporter.section(f"{VARIABLE}=1: {len(self.skips)} skipped, so this run has failed", red=True)
            for line in self.skips:
                terminalreporter.line(line)


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
