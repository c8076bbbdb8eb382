"""The comparison of the published files with their commit, which finds damage: gitsync's own, so for no peer."""

import threading
import time

from bench.lab import Case, Lab
from bench.plain import NAME as GIT
from bench.programs import NEVER, Daemon, Program
from bench.repositories import BIG, MEDIUM, NESTED, SMALL

ROW = "comparison of files"
# Seconds between comparisons.
_PERIOD = 0.1
_SECONDS = 'gitsync_phase_duration_seconds_sum{phase="heal"}'


def measure(lab: Lab) -> None:
    """Compare again and again; then see what that took, by comparison."""
    for case in lab.cases(transports=["file"], shapes=[SMALL, MEDIUM, BIG, NESTED]):
        lab.say(f"{ROW}: {case}")
        for _ in range(lab.few_runs):
            spent = lab.tree(case).compare()
            lab.results.add(case.measure(ROW, "wall", "ms"), GIT, spent.wall)
            lab.results.add(case.measure(ROW, "CPU", "ms"), GIT, spent.cpu)
            for program in (program for program in lab.programs if program.compares):
                _compare(lab, case, program)


def _compare(lab: Lab, case: Case, program: Program) -> None:
    flags = (f"--period={NEVER}", f"--heal-period={_PERIOD}s")
    with lab.daemon(program, case, lab.place(program, case), *flags) as daemon:
        daemon.wait_pass(1)
        seconds, started = _compared(daemon), time.perf_counter()
        cpu = daemon.cpu
        threading.Event().wait(lab.window)
        cpu, took = daemon.cpu - cpu, time.perf_counter() - started
        seconds = _compared(daemon) - seconds
    # They are not counted; but what was not spent on them was spent on waiting for the next one.
    count = (took - seconds) / _PERIOD
    lab.results.add(case.measure(ROW, "wall", "ms"), program.name, seconds / count)
    lab.results.add(case.measure(ROW, "CPU", "ms"), program.name, cpu / count)


def _compared(daemon: Daemon) -> float:
    """Return the seconds that comparisons took so far; they are told at the end of a pass."""
    passes = daemon.passes()
    daemon.hangup()
    daemon.wait_pass(passes + 1)
    return daemon.metric(_SECONDS)
