"""A push that becomes visible: a signal right after it stands for the webhook that a forge sends."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

from bench.lab import ENCRYPTED, Case, Lab
from bench.meters import Spent, settle, until
from bench.plain import NAME as GIT
from bench.programs import NEVER, TIMEOUT, Daemon, Program
from bench.repositories import BIG, LARGE, MEDIUM, NESTED, SMALL
from bench.results import Measure

LINE = "one-line change"
SHARE = "1 % change"
YOUNG = "one-line change, in a row"
# A tree is used again at once, so the third update is the first that finds all as the later ones will.
_AT_ONCE = "--stale-worktree-timeout=0s"
_WARM_UP = 2
_SELDOM = "280s"
# The system tells CPU in steps of 10 ms; so that they do not matter, a sample is the mean of several pushes.
_BATCH = {SMALL: 6, MEDIUM: 4, NESTED: 4, BIG: 2, LARGE: 1}
# A push to a local repository wakes those who watch it as well. Seconds after which they have seen it.
_WATCHED = 0.4
_YOUNG_PUSHES = 6
_YOUNG_PERIOD = 2.0


def measure_line(lab: Lab) -> None:
    """Change one line of one file."""
    for case in lab.cases():
        runs = lab.runs if case.shape in (SMALL, MEDIUM) else lab.few_runs
        _measure(lab, case, LINE, "line", runs=runs)


def measure_share(lab: Lab) -> None:
    """Change one line of one file in a hundred."""
    for case in lab.cases(transports=["file"], shapes=[MEDIUM, BIG]):
        _measure(lab, case, SHARE, "share", runs=lab.few_runs)


def measure_young(lab: Lab) -> None:
    """Push so fast that every tree the link has left keeps its place, as it does by default for readers."""
    for case in lab.cases(transports=["file"], shapes=[MEDIUM, BIG]):
        lab.say(f"{YOUNG}: {case}")
        # The first of these may be far from what was pushed last.
        walls = [_update_by_git(lab, case, "line").wall for _ in range(1 + _YOUNG_PUSHES)][1:]
        _add_young(lab, case, GIT, walls)
        for program in lab.programs:
            with lab.sparing(program, f"{YOUNG}: {case}"):
                _add_young(lab, case, program.name, _update_in_a_row(lab, case, program))


def _update_in_a_row(lab: Lab, case: Case, program: Program) -> list[float]:
    """Return how long each update of a program took."""
    lab.push(program.name, case, "line")
    walls = []
    with lab.daemon(program, case, lab.new_place(program, case), f"--period={NEVER}") as daemon:
        daemon.wait_pass(1)
        for _ in range(_YOUNG_PUSHES):
            due = time.monotonic() + _YOUNG_PERIOD
            walls.append(_update(lab, case, daemon, "line").wall)
            until(lambda due=due: time.monotonic() >= due, timeout=_YOUNG_PERIOD + 1)  # type: ignore[misc]
    return walls


def _add_young(lab: Lab, case: Case, subject: str, walls: Sequence[float]) -> None:
    lab.results.add(case.measure(YOUNG, "wall, median", "ms"), subject, statistics.median(walls))
    lab.results.add(case.measure(YOUNG, "wall, worst", "ms"), subject, max(walls))


def _measure(lab: Lab, case: Case, row: str, kind: str, *, runs: int) -> None:
    lab.say(f"{row}: {case}")
    batch = _BATCH[case.shape] if kind == "line" else 1
    programs = {program.name: program for program in lab.programs}
    with ExitStack() as stack:
        updates: dict[str, Callable[[], Spent]] = {GIT: lambda: _update_by_git(lab, case, kind)}
        for program in lab.programs:
            with lab.sparing(program, f"{row}: {case}"):
                daemon = stack.enter_context(_running(lab, case, program))
                updates[program.name] = partial(_update, lab, case, daemon, kind)
        for run in range(-_WARM_UP, runs):
            for subject, update in list(updates.items()):
                before = lab.server.seen(case.transport)
                samples = _several(lab, update, programs.get(subject), f"{row}: {case}", count=batch if run >= 0 else 1)
                if not samples:
                    del updates[subject]
                elif run >= 0:
                    _add(lab, case.measure(row, "", ""), subject, samples)
                    if case.transport in ENCRYPTED:
                        seen = lab.server.seen(case.transport).since(before)
                        lab.add_seen(row, case, subject, seen, times=len(samples))


def _several(lab: Lab, update: Callable[[], Spent], program: Program | None, what: str, *, count: int) -> list[Spent]:
    """Update so many times, by git or by a program; return what that took, nothing if it has failed and may."""
    samples: list[Spent] = []
    with lab.sparing(program, what) if program else nullcontext():
        samples = [update() for _ in range(count)]
    return samples


def _add(lab: Lab, line: Measure, subject: str, samples: Sequence[Spent]) -> None:
    wall = statistics.median(sample.wall for sample in samples)
    lab.results.add(replace(line, name="wall", unit="ms"), subject, wall)
    cpu = statistics.mean(sample.cpu for sample in samples)
    lab.results.add(replace(line, name="CPU", unit="ms"), subject, cpu)


@contextmanager
def _running(lab: Lab, case: Case, program: Program) -> Iterator[Daemon]:
    # A connection of ssh is kept where there are polls.
    period = _SELDOM if case.transport == "ssh" else NEVER
    with lab.daemon(program, case, lab.place(program, case), f"--period={period}", _AT_ONCE) as daemon:
        daemon.wait_pass(1)
        settle(daemon.pid, timeout=TIMEOUT)
        yield daemon


def _update_by_git(lab: Lab, case: Case, kind: str) -> Spent:
    tree = lab.tree(case)
    lab.push(GIT, case, kind)
    return tree.update()


def _update(lab: Lab, case: Case, daemon: Daemon, kind: str) -> Spent:
    cpu = daemon.cpu
    commit = lab.push(daemon.program.name, case, kind)
    started = time.perf_counter()
    daemon.hangup()
    wall = daemon.wait_published(commit) - started
    cpu = settle(daemon.pid, timeout=TIMEOUT) - cpu
    if case.transport == "file":
        until(lambda: time.perf_counter() - started >= _WATCHED, timeout=TIMEOUT)
        settle(daemon.pid, timeout=TIMEOUT)
    return Spent(wall, cpu)
