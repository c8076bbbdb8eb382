"""The start of a program: to readiness on a populated root, also where the remote is silent, and to the first git."""

import time
from pathlib import Path

from bench.lab import Case, Lab
from bench.meters import spend
from bench.plain import NAME as GIT
from bench.programs import NEVER, Program
from bench.repositories import BIG, MEDIUM, SMALL
from tests.support.git import git_environment
from tests.support.stall import Proxy

RESTART = "restart, populated root"
SILENT = "restart, silent remote"
START = "start"
# Seconds after which a program that is not ready is one that waits for the remote.
_PATIENCE = 5.0
_WRAPPER = """#!/bin/sh
[ -e {directory}/git ] || date +%s%N >{directory}/git
case " $* " in
*" ls-remote "* | *" fetch "*) [ -e {directory}/remote ] || date +%s%N >{directory}/remote ;;
esac
exec git "$@"
"""


def measure_restart(lab: Lab) -> None:
    """Start on a root that has content; plain git says which commit is checked out."""
    for case in lab.cases(transports=["file"], shapes=[SMALL, MEDIUM, BIG]):
        lab.say(f"{RESTART}: {case}")
        for _ in range(lab.runs):
            lab.results.add(case.measure(RESTART, "until ready", "ms"), GIT, lab.tree(case).which().wall)
            for program in lab.programs:
                with lab.sparing(program, f"{RESTART}: {case}"):
                    _restart(lab, case, program)


def _restart(lab: Lab, case: Case, program: Program) -> None:
    with lab.daemon(program, case, lab.place(program, case), f"--period={NEVER}") as daemon:
        ready = daemon.wait_ready() - daemon.started
    lab.results.add(case.measure(RESTART, "until ready", "ms"), program.name, ready)


def measure_silent(lab: Lab) -> None:
    """The same with a remote that takes the connection and never answers."""
    for case in lab.cases(transports=["http"], shapes=[SMALL]):
        lab.say(f"{SILENT}: {case}")
        for program in lab.programs:
            with lab.sparing(program, f"{SILENT}: {case}"):
                _restart_in_silence(lab, case, program)


def _restart_in_silence(lab: Lab, case: Case, program: Program) -> None:
    measure = case.measure(SILENT, "until ready", "ms")
    with Proxy(int(lab.server.urls["http"].rpartition(":")[2])) as proxy:
        path = lab.url(program.name, case).removeprefix(lab.server.urls["http"])
        place = lab.place_at(program, case, f"{proxy.url}{path}")
        with lab.daemon(program, case, place, f"--period={NEVER}") as daemon:
            daemon.wait_pass(1)
        proxy.stall()
        for _ in range(lab.runs):
            with lab.daemon(program, case, place, f"--period={NEVER}") as daemon:
                try:
                    ready = daemon.wait_ready(timeout=_PATIENCE)
                except TimeoutError:
                    break
                lab.results.add(measure, program.name, ready - daemon.started)


def measure_start(lab: Lab) -> None:
    """See when git is first called, and when first for the remote; plain git is called at once."""
    for case in lab.cases(transports=["file"], shapes=[SMALL]):
        lab.say(f"{START}: {case}")
        for _ in range(lab.runs):
            wrapper = _wrapper(lab)
            began = time.time_ns()
            spend([[str(wrapper), "ls-remote", lab.url(GIT, case)]], environment=git_environment())
            _add(lab, case, GIT, wrapper, began)
            for program in lab.programs:
                with lab.sparing(program, f"{START}: {case}"):
                    _start(lab, case, program)


def _start(lab: Lab, case: Case, program: Program) -> None:
    wrapper = _wrapper(lab)
    began = time.time_ns()
    place = lab.new_place(program, case)
    with lab.daemon(program, case, place, f"--period={NEVER}", f"--git={wrapper}") as daemon:
        daemon.wait_pass(1)
    _add(lab, case, program.name, wrapper, began)


def _wrapper(lab: Lab) -> Path:
    """Return a git that writes down when it was first called."""
    directory = lab.fresh("wrapper")
    directory.mkdir()
    wrapper = directory / "wrapper"
    wrapper.write_text(_WRAPPER.format(directory=directory))
    wrapper.chmod(0o755)
    return wrapper


def _add(lab: Lab, case: Case, subject: str, wrapper: Path, began: int) -> None:
    for name, file in (("until the first git", "git"), ("until the remote is asked", "remote")):
        at = int((wrapper.parent / file).read_text())
        lab.results.add(case.measure(START, name, "ms"), subject, (at - began) / 1e9)
