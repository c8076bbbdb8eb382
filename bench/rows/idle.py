"""Polls that find nothing new: their time, CPU, processes and traffic; and the memory between them."""

import statistics
import threading
import time
from pathlib import Path

from bench.lab import ENCRYPTED, Case, Lab
from bench.meters import Spent, memory_of, own_memory_of, staying, traced
from bench.plain import NAME as GIT
from bench.programs import Program
from bench.repositories import BIG, MEDIUM, NESTED, SMALL
from bench.serving import Seen

ROW = "idle poll"
MEMORY = "memory, idle"
_SHAPES = (SMALL, MEDIUM, BIG, NESTED)
# Seconds between polls; as they end with a wait of this length, it is taken off again.
_PERIOD = 0.02
# Seconds between those that are counted, which is long enough to look at them in between.
_COUNTED_PERIOD = 0.4
# Polls by plain git for each second in which a program polls, and passes that are traced.
_PROBES = 15
_PASSES = 5
_SETTLED = 40
# Where each takes a large part of a second.
_SLOW = {"ssh": 4}


def measure(lab: Lab) -> None:
    """Let every subject poll, in turns."""
    for case in lab.cases(shapes=_SHAPES):
        lab.say(f"{ROW}: {case}")
        for _ in range(lab.few_runs):
            _poll_by_git(lab, case)
            for program in lab.programs:
                if not lab.has_given_up(program, f"{ROW}: {case}"):
                    with lab.sparing(program, f"{ROW}: {case}"):
                        _poll(lab, case, program)
        _count(lab, case)


def measure_memory(lab: Lab) -> None:
    """Look at the memory of every program when it has polled for a while and waits."""
    for case in lab.cases(transports=["file", *ENCRYPTED], shapes=_SHAPES):
        lab.say(f"{MEMORY}: {case}")
        for program in lab.programs:
            with (
                lab.sparing(program, f"{MEMORY}: {case}"),
                lab.daemon(program, case, lab.place(program, case), f"--period={_PERIOD}s") as daemon,
            ):
                daemon.wait_pass(_PASSES)
                there = [daemon.pid, *staying(daemon.pid)]
                lab.results.add(case.measure(MEMORY, "RSS", "MB"), program.name, sum(map(memory_of, there)))
                lab.results.add(case.measure(MEMORY, "its own", "MB"), program.name, sum(map(own_memory_of, there)))


def _poll_by_git(lab: Lab, case: Case) -> None:
    spent = []
    for _ in range(max(1, round(_SLOW.get(case.transport, _PROBES) * lab.window))):
        spent.append(lab.tree(case).probe())
        # At the pace of the programs: one right after the other would find all of itself in the caches.
        threading.Event().wait(_PERIOD)
    wall, cpu = (statistics.mean(values) for values in zip(*((each.wall, each.cpu) for each in spent), strict=True))
    _add(lab, case, GIT, Spent(wall, cpu))


def _poll(lab: Lab, case: Case, program: Program) -> None:
    with lab.daemon(program, case, lab.place(program, case), f"--period={_PERIOD}s") as daemon:
        # What a start leads to, such as a comparison of all files, is over by then.
        daemon.wait_pass(_SLOW.get(case.transport, _SETTLED))
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
    """Count what some polls take: processes, those of the subject and those that help git, and what the server sees."""
    trace, before = _new_trace(lab), lab.server.seen(case.transport)
    for _ in range(_PASSES):
        lab.tree(case).probe(trace=trace)
    _add_counted(lab, case, GIT, traced(trace), lab.server.seen(case.transport).since(before), polls=_PASSES)
    for program in lab.programs:
        with lab.sparing(program, f"{ROW}: {case}"):
            _count_polls(lab, case, program)


def _count_polls(lab: Lab, case: Case, program: Program) -> None:
    trace = _new_trace(lab)
    flags = (f"--period={_COUNTED_PERIOD}s", f"--git-config=trace2.eventTarget:{trace}")
    with lab.daemon(program, case, lab.place(program, case), *flags) as daemon:
        # What a start leads to, and the making of what is kept for later polls, is over by then.
        daemon.wait_pass(_PASSES)
        polls, processes, seen = daemon.passes(), traced(trace), lab.server.seen(case.transport)
        daemon.wait_pass(polls + _PASSES)
        polls, now, seen = daemon.passes() - polls, traced(trace), lab.server.seen(case.transport).since(seen)
    _add_counted(lab, case, program.name, (now[0] - processes[0], now[1] - processes[1]), seen, polls=polls)


def _new_trace(lab: Lab) -> Path:
    trace = lab.fresh("trace")
    trace.mkdir()
    return trace


def _add_counted(lab: Lab, case: Case, subject: str, processes: tuple[int, int], seen: Seen, *, polls: int) -> None:
    lab.results.add(case.measure(ROW, "processes of git"), subject, processes[0] / polls)
    lab.results.add(case.measure(ROW, "of these, its own"), subject, processes[1] / polls)
    if case.transport != "file":
        lab.add_seen(ROW, case, subject, seen, times=polls)
