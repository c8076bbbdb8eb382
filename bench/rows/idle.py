"""Polls that find nothing new: their time, CPU, processes and traffic; and the memory between them."""

import statistics
import threading
import time

from bench.lab import Case, Lab
from bench.meters import memory_of, settle, traced
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
    tree, sent = lab.tree(case), lab.server.sent()
    spent = []
    for _ in range(round(_PROBES * lab.window)):
        spent.append(tree.probe())
        # At the pace of the programs: one right after the other would find all of itself in the caches.
        threading.Event().wait(_PERIOD)
    wall, cpu = statistics.mean(each.wall for each in spent), statistics.mean(each.cpu for each in spent)
    _add(lab, case, GIT, (wall, cpu, (lab.server.sent() - sent) / len(spent)))


def _poll(lab: Lab, case: Case, program: Program) -> None:
    with lab.daemon(program, case, lab.place(program, case), f"--period={_PERIOD}s") as daemon:
        daemon.wait_pass(2)
        passes, sent, cpu, started = daemon.passes(), lab.server.sent(), daemon.cpu, time.perf_counter()
        threading.Event().wait(lab.window)
        cpu, took, sent = daemon.cpu - cpu, time.perf_counter() - started, lab.server.sent() - sent
        count = daemon.passes() - passes
    _add(lab, case, program.name, (took / count - _PERIOD, cpu / count, sent / count))


def _add(lab: Lab, case: Case, subject: str, figures: tuple[float, float, float]) -> None:
    wall, cpu, sent = figures
    lab.results.add(case.measure(ROW, "wall", "ms"), subject, wall)
    lab.results.add(case.measure(ROW, "CPU", "ms"), subject, cpu)
    if case.transport == "http":
        lab.results.add(case.measure(ROW, "from the server", "bytes"), subject, sent)


def _count(lab: Lab, case: Case) -> None:
    """Count the processes of some polls: those that the subject starts, and those that git starts to help it."""
    trace = lab.fresh("trace")
    trace.mkdir()
    for _ in range(_PASSES):
        lab.tree(case).probe(trace=trace)
    _add_processes(lab, case, GIT, traced(trace))
    for program in lab.programs:
        trace = lab.fresh("trace")
        trace.mkdir()
        place, flags = lab.place(program, case), (f"--period={NEVER}", f"--git-config=trace2.eventTarget:{trace}")
        with lab.daemon(program, case, place, *flags) as daemon:
            daemon.wait_pass(1)
            before = traced(trace)
            for _ in range(_PASSES):
                _one_pass(daemon)
            after = traced(trace)
            _add_processes(lab, case, program.name, (after[0] - before[0], after[1] - before[1]))


def _one_pass(daemon: Daemon) -> None:
    passes = daemon.passes()
    daemon.hangup()
    daemon.wait_pass(passes + 1)
    settle(daemon.pid, timeout=TIMEOUT)


def _add_processes(lab: Lab, case: Case, subject: str, counted: tuple[int, int]) -> None:
    for name, count in zip(("processes of git", "of these, its own"), counted, strict=True):
        lab.results.add(case.measure(ROW, name), subject, count / _PASSES)
