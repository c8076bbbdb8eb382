"""The disk that a root takes: after its first publication, in a burst of pushes, and at rest after it."""

from collections.abc import Callable
from subprocess import CalledProcessError

from bench.lab import Case, Lab
from bench.meters import disk_usage, settle
from bench.plain import NAME as GIT
from bench.programs import NEVER, TIMEOUT, Place, Program
from bench.repositories import MEDIUM, SMALL

ROW = "disk of the root"
# One as soon as the one before is published: the trees that the link has left stay for their readers, as by default.
_PUSHES = 10


def measure(lab: Lab) -> None:
    """Publish, push as fast as it is published, and wait until it is at rest."""
    for case in lab.cases(transports=["file"], shapes=[SMALL, MEDIUM]):
        lab.say(f"{ROW}: {case}")
        _measure_git(lab, case)
        for program in lab.programs:
            with lab.sparing(program, f"{ROW}: {case}"):
                _measure(lab, case, program)


def _measure_git(lab: Lab, case: Case) -> None:
    tree = lab.new_tree(case)
    tree.publish()

    def update() -> None:
        lab.push(GIT, case, "line")
        tree.update()

    _add(lab, case, GIT, usage=lambda: disk_usage(tree.directory), update=update, wait=lambda: None)


def _measure(lab: Lab, case: Case, program: Program) -> None:
    place = lab.new_place(program, case)
    with lab.daemon(program, case, place, f"--period={NEVER}") as daemon:
        daemon.wait_pass(1)
        settle(daemon.pid, timeout=TIMEOUT)

        def update() -> None:
            commit = lab.push(program.name, case, "line")
            daemon.hangup()
            daemon.wait_published(commit)

        _add(
            lab,
            case,
            program.name,
            usage=lambda: _usage(place),
            update=update,
            wait=lambda: settle(daemon.pid, timeout=TIMEOUT),
        )


def _add(
    lab: Lab,
    case: Case,
    subject: str,
    *,
    usage: Callable[[], int],
    update: Callable[[], None],
    wait: Callable[[], object],
) -> None:
    lab.results.add(case.measure(ROW, "published once", "MB"), subject, usage())
    most = 0
    for _ in range(_PUSHES):
        update()
        most = max(most, usage())
    lab.results.add(case.measure(ROW, f"most in {_PUSHES} pushes", "MB"), subject, most)
    wait()
    lab.results.add(case.measure(ROW, "afterwards", "MB"), subject, usage())


def _usage(place: Place) -> int:
    """Return the bytes below a root; again if something went away under the eyes."""
    for _ in range(5):
        try:
            return disk_usage(place.root)
        except CalledProcessError:
            continue
    return disk_usage(place.root)
