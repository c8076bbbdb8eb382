"""Polls that find nothing new: their time, CPU, processes and traffic; and the memory between them."""

import statistics
import threading
import time
from pathlib import Path

from bench.lab import Case, Lab
from bench.meters import Spent, memory_of, settle, traced
from bench.plain import NAME as GIT
from bench.programs import NEVER, TIMEOUT, Daemon, Program
from bench.repositories import BIG, MEDIUM, NESTED, SMALL

ROW = "idle poll"
MEMORY = "memory, idle"
_SHAPES = (SMALL, MEDIUM, BIG, NESTED)
# Seconds between polls; as they end with a wait of this length, it is taken off again.
_PERIOD = 0.02
# Polls by plain git for each second in which a program polls, and passes that are traced.
_PROBES = 15
_PASSES = 5
_SETTLED = 40


def measure(lab: Lab) -> None:
    """Let every subject poll, in turns."""
    for case in lab.cases(shapes=_SHAPES):
        lab.say(f"{ROW}: {case}")
        for _ in range(lab.few_runs):
            _poll_by_git(lab, case)
            for program in lab.programs:
                _poll(lab, case, program)
        _count(lab, case)


def measure_memory(lab: Lab) -> None:
    """Look at the memory of every program when it has polled for a while and waits."""
    for case in lab.cases(transports=["file"], shapes=_SHAPES):
        lab.say(f"{MEMORY}: {case}")
        for program in lab.programs:
            with lab.daemon(program, case, lab.place(program, case), f"--period={_PERIOD}s") as daemon:
                daemon.wait_pass(_PASSES)
                lab.results.add(case.measure(MEMORY, "RSS", "MB"), program.name, memory_of(daemon.pid))


def _poll_by_git(lab: Lab, case: Case) -> None:
    spent = []
    for _ in range(round(_PROBES * lab.window)):
        spent.append(lab.tree(case).probe())
        # At the pace of the programs: one right after the other would find all of itself in the caches.
        threading.Event().wait(_PERIOD)
    wall, cpu = (statistics.mean(values) for values in zip(*((each.wall, each.cpu) for each in spent), strict=True))
    _add(lab, case, GIT, Spent(wall, cpu))


def _poll(lab: Lab, case: Case, program: Program) -> None:
    with lab.daemon(program, case, lab.place(program, case), f"--period={_PERIOD}s") as daemon:
        # What a start leads to, such as a comparison of all files, is over by then.
        daemon.wait_pass(_SETTLED)
        passes, cpu, started = daemon.passes(), daemon.cpu, time.perf_counter()
        threading.Event().wait(lab.window)
        daemon.wait_pass(passes + 1)  # on a machine that is busy with something else a window may be too short for one
        cpu, took = daemon.cpu - cpu, time.perf_counter() - started
        count = daemon.passes() - passes
    _add(lab, case, program.name, Spent(took / count - _PERIOD, cpu / count))


def _add(lab: Lab, case: Case, subject: str, spent: Spent) -> None:
    lab.results.add(case.measure(ROW, "wall", "ms"), subject, spent.wall)
    lab.results.add(case.measure(ROW, "CPU", "ms"), subject, spent.cpu)


def _count(lab: Lab, case: Case) -> None:
    """Count what some polls take: bytes of answers, and processes, those of the subject and those that help git."""
    trace, sent = _new_trace(lab), lab.server.sent()
    for _ in range(_PASSES):
        lab.tree(case).probe(trace=trace)
    _add_counted(lab, case, GIT, (*traced(trace), lab.server.sent() - sent))
    for program in lab.programs:
        trace = _new_trace(lab)
        place, flags = lab.place(program, case), (f"--period={NEVER}", f"--git-config=trace2.eventTarget:{trace}")
        with lab.daemon(program, case, place, *flags) as daemon:
            daemon.wait_pass(1)
            # After the first pass of a start there is something to look after.
            settle(daemon.pid, timeout=TIMEOUT)
            before, sent = traced(trace), lab.server.sent()
            for _ in range(_PASSES):
                _one_pass(daemon)
            after = traced(trace)
            counted = (after[0] - before[0], after[1] - before[1], lab.server.sent() - sent)
            _add_counted(lab, case, program.name, counted)


def _new_trace(lab: Lab) -> Path:
    trace = lab.fresh("trace")
    trace.mkdir()
    return trace


def _one_pass(daemon: Daemon) -> None:
    passes = daemon.passes()
    daemon.hangup()
    daemon.wait_pass(passes + 1)
    settle(daemon.pid, timeout=TIMEOUT)


def _add_counted(lab: Lab, case: Case, subject: str, counted: tuple[int, int, int]) -> None:
    processes, own, sent = counted
    lab.results.add(case.measure(ROW, "processes of git"), subject, processes / _PASSES)
    lab.results.add(case.measure(ROW, "of these, its own"), subject, own / _PASSES)
    if case.transport == "http":
        lab.results.add(case.measure(ROW, "from the server", "bytes"), subject, sent / _PASSES)
