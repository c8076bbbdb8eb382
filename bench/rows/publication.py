"""The first publication: from the start of the program on an empty volume to the link."""

from bench.lab import ENCRYPTED, Case, Lab
from bench.meters import Peak, Spent, settle
from bench.plain import NAME as GIT
from bench.programs import NEVER, TIMEOUT, Program
from bench.repositories import BIG
from bench.serving import Seen

ROW = "first publication"
# Half of its time is the server's, and it would be a fifth of the whole run.
_MOSTLY_THE_SERVERS = Case(BIG, "http")


def measure(lab: Lab) -> None:
    """Publish every repository, in turns; once before, to look at the memory, and for all to be in the cache."""
    for case in lab.cases():
        if case == _MOSTLY_THE_SERVERS:
            continue
        lab.say(f"{ROW}: {case}")
        _look_at_memory(lab, case)
        for _ in range(lab.few_runs):
            _publish_by_git(lab, case)
            for program in lab.programs:
                if not lab.has_given_up(program, f"{ROW}: {case}"):
                    with lab.sparing(program, f"{ROW}: {case}"):
                        _publish(lab, case, program)


def _look_at_memory(lab: Lab, case: Case) -> None:
    measure = case.measure(ROW, "peak RSS of the tree", "MB")
    with Peak() as peak:
        lab.new_tree(case).publish(peak=peak)
    lab.results.add(measure, GIT, peak.bytes)
    for program in lab.programs:
        place = lab.new_place(program, case)
        with (
            lab.sparing(program, f"{ROW}: {case}"),
            Peak() as peak,
            lab.daemon(program, case, place, f"--period={NEVER}") as daemon,
        ):
            peak.watch(daemon.pid)
            daemon.wait_published()
            daemon.wait_pass(1)
            lab.results.add(measure, program.name, peak.bytes)


def _publish_by_git(lab: Lab, case: Case) -> None:
    tree, before = lab.new_tree(case), lab.server.seen(case.transport)
    spent = tree.publish()
    lab.keep_tree(case, tree)
    _add_seen(lab, case, GIT, before)
    _add(lab, case, GIT, spent)
    lab.results.add(case.measure(ROW, "wall of the pass alone", "ms"), GIT, spent.wall)


def _publish(lab: Lab, case: Case, program: Program) -> None:
    place, before = lab.new_place(program, case), lab.server.seen(case.transport)
    with lab.daemon(program, case, place, f"--period={NEVER}") as daemon:
        wall = daemon.wait_published() - daemon.started
        daemon.wait_pass(1)
        cpu = settle(daemon.pid, timeout=TIMEOUT)
        duration = daemon.metric("git_sync_duration_seconds_sum")
    _add_seen(lab, case, program.name, before)
    _add(lab, case, program.name, Spent(wall, cpu))
    if duration:
        lab.results.add(case.measure(ROW, "wall of the pass alone", "ms"), program.name, duration)
    lab.keep(program.name, case, place)


def _add_seen(lab: Lab, case: Case, subject: str, before: Seen) -> None:
    if case.transport in ENCRYPTED:
        lab.add_seen(ROW, case, subject, lab.server.seen(case.transport).since(before), times=1)


def _add(lab: Lab, case: Case, subject: str, spent: Spent) -> None:
    lab.results.add(case.measure(ROW, "wall", "ms"), subject, spent.wall)
    lab.results.add(case.measure(ROW, "CPU", "ms"), subject, spent.cpu)
