"""Children: ended whole at their deadline, with bounded output."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.programs.process import CancelledError, Children, Ended, MadeWayError, Process, Records, Sinks, Tail, Whole
from tests.integration.conftest import soon
from tests.support.eventually import AT_ONCE, TIMEOUT, eventually


def run(script: str, *, children: Children | None = None, seconds: float = 30.0, **options: bool | int) -> Ended:
    """Run a shell script."""

    def start() -> Process:
        return subprocess.Popen(
            ["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    given: dict[str, int] = {"limit": 1000, **options}
    whole, idle = bool(given.pop("whole", True)), bool(given.pop("idle", False))
    sink = Whole(given["limit"]) if whole else Tail(given["limit"])
    return (children or Children()).run(start, deadline=soon(seconds), sinks=Sinks(output=sink), whole=whole, idle=idle)


def alive(pid: int) -> bool:
    """Say whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_output_and_status() -> None:
    """Both streams and the status are returned."""
    assert run("echo out; echo err >&2; exit 3") == Ended(b"out\n", b"err\n", 3)


def test_too_much_output_is_an_error() -> None:
    """Where all of the output is wanted, too much of it ends the child."""
    with pytest.raises(OverflowError):
        run("yes")


def test_end_of_the_output() -> None:
    """Where it is not, the last bytes are kept."""
    ended = run("seq 100000; echo last", whole=False, limit=20)
    assert ended.stdout == b"8\n99999\n100000\nlast\n"[-20:]
    assert ended.status == 0


def test_deadline_that_never_comes() -> None:
    """A deadline may be further away than the system's waits can be."""
    assert run("echo out", seconds=5e9).stdout == b"out\n"


def test_deadline_ends_the_group(tmp_path: Path) -> None:
    """At the deadline nothing of the group is left, though it ignores TERM."""
    pids = tmp_path / "pids"
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >> {pids}; sleep 1000' & echo $$ >> {pids}; sleep 1000"
    with pytest.raises(TimeoutError):
        run(script, seconds=2.0)
    eventually(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


def test_what_is_left_running_goes_with_the_child(tmp_path: Path) -> None:
    """A child that ends leaves nothing of its group behind, and is not waited for because of it."""
    started = time.monotonic()
    ended = run(f"sleep 1000 & echo $! > {tmp_path}/pid; echo done", whole=False)
    assert (ended.stdout, ended.status) == (b"done\n", 0)
    assert time.monotonic() - started < AT_ONCE
    eventually(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_who_has_left_the_group_does_not_hold_us(tmp_path: Path) -> None:
    """A process in a session of its own may keep the output open, and is not waited for."""
    ended = run(
        f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 1000' & until [ -s {tmp_path}/pid ]; do :; done",
        whole=False,
    )
    assert ended.status == 0
    os.kill(int((tmp_path / "pid").read_text()), 9)


@pytest.mark.parametrize(("end", "status"), [(Children.cancel, -15), (Children.kill, -9)], ids=["cancel", "kill"])
def test_end(tmp_path: Path, end: Callable[[Children], None], status: int) -> None:
    """What runs is ended, and nothing more is started."""
    children, started = Children(), tmp_path / "started"

    def end_it() -> None:
        eventually(started.exists)
        end(children)

    thread = threading.Thread(target=end_it)
    thread.start()
    assert run(f"touch {started}; exec sleep 1000", children=children).status == status
    thread.join(TIMEOUT)
    assert children.cancelled
    with pytest.raises(CancelledError):
        run("true", children=children)


@pytest.mark.parametrize("idle", [True, False])
def test_interrupt_ends_what_is_idle_alone(tmp_path: Path, idle: bool) -> None:
    """What runs at low priority makes way, whole; other children are not disturbed."""
    children, started, go_on = Children(), tmp_path / "started", tmp_path / "go-on"
    script = f"sh -c 'echo $$ > {started}.new; mv {started}.new {started}; until [ -e {go_on} ]; do sleep 0.01; done'"
    ended: list[object] = []

    def work() -> None:
        try:
            ended.append(run(f"{script}; echo done", children=children, idle=idle))
        except MadeWayError as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    eventually(started.exists)
    children.interrupt()
    if idle:
        thread.join(TIMEOUT)
        assert isinstance(ended[0], MadeWayError)
        eventually(lambda: not alive(int(started.read_text())))
    go_on.touch()
    thread.join(TIMEOUT)
    assert idle or ended == [Ended(b"done\n", b"", 0)]


def test_interrupt_counts_for_what_runs_now_only() -> None:
    """The next one at low priority is not ended for an earlier trigger."""
    children = Children()
    children.interrupt()
    assert run("echo done", children=children, idle=True) == Ended(b"done\n", b"", 0)


def test_records_of_an_endless_output() -> None:
    """What is wanted is kept and counted, whatever else is printed."""
    found = Records(b"\n", most=2, wanted=b"wanted")
    script = "seq 100000; echo wanted 1; seq 100000; echo wanted 2; echo wanted 3; printf unfinished"

    def start() -> Process:
        return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)

    assert Children().run(start, deadline=soon(), sinks=Sinks(output=found)).stdout == b"wanted 1\nwanted 2\n"
    assert found.count == 3


def test_record_without_an_end_is_an_error() -> None:
    """Memory is bounded by the longest record that there can be."""

    def start() -> Process:
        return subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE, start_new_session=True)

    with pytest.raises(OverflowError):
        Children().run(start, deadline=soon(), sinks=Sinks(output=Records(b"\n", most=1)))


def test_records_that_are_too_long_together() -> None:
    """Few records may have very many bytes; those that are only counted need no room."""
    found = Records(b"\0", most=3, largest=9)
    found.add(b"1234\0" * 2)
    with pytest.raises(OverflowError):
        found.add(b"1234\0")
    counted = Records(b"\0", most=2, wanted=b"1", largest=9)
    counted.add(b"1234\0" * 1000 + b"x" * 1000 + b"\0")
    assert (counted.kept(), counted.count) == (b"1234\0" * 2, 1000)


def test_end_of_the_error_output() -> None:
    """A program that complains of very many files is not stopped, and its last words are kept."""
    ended = run("seq 1000000 >&2; echo last >&2")
    assert ended.stderr.endswith(b"1000000\nlast\n")
    assert len(ended.stderr) < 1_000_000


@pytest.mark.parametrize("size", [0, 1, 4096, 1_000_000])
def test_what_is_fed_is_read(size: int) -> None:
    """It may be more than a pipe holds, and come back while the rest of it is written."""
    feed = os.urandom(size)

    def start() -> Process:
        return subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    assert Children().run(start, deadline=soon(), sinks=Sinks(feed=feed)).stdout == feed


def test_what_nobody_reads_is_let_go() -> None:
    """A child that ends without reading is no error."""

    def start() -> Process:
        return subprocess.Popen(
            ["sh", "-c", "exec <&-; echo done"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    assert Children().run(start, deadline=soon(), sinks=Sinks(feed=b"x" * 1_000_000)).stdout == b"done\n"
