"""What is known of a repository, and what the probes make of it."""

import threading
import time
from dataclasses import replace

import pytest

from gitsync.telling.events import Fetched, Fetching, Measured, Probed, TreesKept, Undeletable, Verified
from gitsync.telling.progress import Progress
from gitsync.telling.status import Pause, Publication, RepoStatus, StatusBoard
from tests.support.eventually import TIMEOUT
from tests.unit.examples import (
    NAME,
    REPO,
    before_publish,
    board,
    commit,
    failed,
    finished,
    published,
    result,
    started,
    status,
)


@pytest.mark.parametrize(("now", "alive"), [(0.0, True), (1000.0, True), (1030.0, True), (1030.1, False)])
def test_alive(now: float, alive: bool) -> None:
    """A worker counts as hanging when it is half a minute behind its own announcement."""
    assert status(act_by=1000.0).alive(now) is alive


@pytest.mark.parametrize(
    ("changes", "now", "stale"),
    [
        ({}, 0.0, True),
        ({"confirmed_at": 50.0}, 50.0, False),
        ({"confirmed_at": 50.0}, 150.0, False),
        ({"confirmed_at": 50.0}, 151.0, True),
    ],
)
def test_stale(changes: dict[str, float], now: float, stale: bool) -> None:
    """What is published is stale when it was not confirmed for too long, or never."""
    assert status(**changes, stale_after=100.0).stale(now) is stale


def test_expect() -> None:
    """The worker's announcement is the time until which it is alive."""
    watched = board(act_by=0.0)
    before = time.monotonic()
    watched.expect(NAME, seconds=5.0)
    assert before + 5.0 <= watched.all()[0].act_by <= time.monotonic() + 5.0


def test_adopt() -> None:
    """What an earlier process has published is shown before the first pass, which is no success of ours."""
    watched = board()
    watched.adopt(NAME, commit(), 900.0)
    (snapshot,) = watched.all()
    assert snapshot.publication == Publication(commit=commit(), published_at=900.0)
    assert snapshot.last_success is None


def test_pass() -> None:
    """The events of a pass fill in the snapshot."""
    watched = board()
    for event in (
        started(),
        Fetched(repo=NAME),
        before_publish(),
        published(),
        Measured(repo=NAME, store_size=1, tree_size=2),
    ):
        watched.notify(event)
    (snapshot,) = watched.all()
    assert (snapshot.last_attempt, snapshot.next_pass) == (1500.0, None)
    assert snapshot.publication == Publication(commit=commit(), published_at=1060.0, ref="refs/heads/main")
    watched.notify(finished(result(outcome="updated", finished_at=2000.0), next_delay=10.0))
    (snapshot,) = watched.all()
    assert (snapshot.last_success, snapshot.next_pass, snapshot.failures, snapshot.failure) == (2000.0, 2010.0, 0, None)
    assert not snapshot.stale(time.monotonic())


def test_failure() -> None:
    """A failure is shown beside what is still published, and the last success stays."""
    watched = board(commit=commit(), last_success=1000.0)
    watched.notify(finished(failed("dns"), consecutive_failures=3))
    (snapshot,) = watched.all()
    assert snapshot.failure is not None
    assert (snapshot.failure.reason, snapshot.failures) == ("dns", 3)
    assert snapshot.publication is not None
    assert (snapshot.publication.commit, snapshot.last_success) == (commit(), 1000.0)


def test_recovery() -> None:
    """A success takes the failure away."""
    watched = board()
    watched.notify(finished(failed()))
    watched.notify(finished(result()))
    (snapshot,) = watched.all()
    assert (snapshot.failure, snapshot.failures) == (None, 0)


def test_no_pass_to_come() -> None:
    """During a pass, and after the last one, no time of a next pass is shown."""
    watched = board()
    watched.notify(finished(result()))
    assert watched.all()[0].next_pass == 2010.0
    watched.notify(started())
    assert watched.all()[0].next_pass is None
    watched.notify(finished(result(), next_delay=None))
    assert watched.all()[0].next_pass is None


def test_snapshots_are_frozen() -> None:
    """A snapshot that somebody holds does not change under his hands."""
    watched = board()
    (held,) = watched.all()
    watched.notify(started())
    assert held.last_attempt is None


def test_alive_while_paused() -> None:
    """Who is told to do nothing is not late, nor is he as soon as he may go on."""
    watched = board(act_by=0.0)
    watched.pause(NAME, Pause(since=1000.0, reason="bad release"))
    (snapshot,) = watched.all()
    assert snapshot.alive(10.0**9)
    assert snapshot.paused == Pause(since=1000.0, reason="bad release")
    watched.pause(NAME, None)
    (snapshot,) = watched.all()
    assert snapshot.alive(time.monotonic())
    assert not snapshot.alive(time.monotonic() + 31)


def waiting(watched: StatusBoard, ticket: int) -> tuple[threading.Thread, list[RepoStatus]]:
    """Begin to wait for a ticket; return the thread that does, and where it leaves what it gets."""
    answers: list[RepoStatus] = []
    deadline = time.monotonic() + TIMEOUT
    thread = threading.Thread(target=lambda: answers.append(watched.wait(NAME, ticket, deadline=deadline)))
    thread.start()
    return thread, answers


def test_wait_for_a_pass() -> None:
    """Who waits is woken by the pass for his ticket, or a later one, and by none before."""
    watched = board()
    watched.notify(finished(result(), ticket=6))
    thread, answers = waiting(watched, 7)
    watched.notify(finished(result(), ticket=6))
    thread.join(0.05)
    assert thread.is_alive()
    done = finished(failed(), ticket=8)
    watched.notify(done)
    thread.join(TIMEOUT)
    assert answers[0].done == done
    assert answers[0].answers(7)
    assert watched.wait(NAME, 8, deadline=0.0).answers(8)


def test_wait_that_is_over() -> None:
    """At the deadline there is the snapshot as it is."""
    watched = board()
    assert not watched.wait(NAME, 1, deadline=time.monotonic() + 0.01).answers(1)
    assert not watched.wait(NAME, 1, deadline=0.0).answers(1)


def test_wait_for_what_does_not_come() -> None:
    """A pause, and the end of the process, end every wait, those that begin later, too."""
    watched = board()
    thread, answers = waiting(watched, 1)
    watched.pause(NAME, Pause(since=1000.0))
    thread.join(TIMEOUT)
    assert answers[0].paused
    watched.pause(NAME, None)
    thread, answers = waiting(watched, 1)
    before = watched.closed
    watched.close()
    thread.join(TIMEOUT)
    assert not answers[0].answers(1)
    assert (before, watched.closed) == (False, True)
    assert not watched.wait(NAME, 1, deadline=time.monotonic() + TIMEOUT).answers(1)


def test_fetch_that_goes_on() -> None:
    """A fetch is shown as long as it goes on, and takes nothing else away."""
    watched = board(probe=Probed(repo=NAME, via="git", outcome="changed"))
    event = Fetching(repo=NAME, remote=REPO, progress=Progress(phase="receiving", objects=1, of=2))
    watched.notify(event)
    (snapshot,) = watched.all()
    assert snapshot.latest.fetching == event
    watched.notify(Fetching(repo=NAME, remote=REPO, progress=None))
    (snapshot,) = watched.all()
    assert snapshot.latest.fetching is None
    assert snapshot.latest.probe


def test_latest_words() -> None:
    """Of sizes, of trees that wait and of those that cannot be removed, what was told last is shown."""
    watched = board()
    told = (
        Measured(repo=NAME, store_size=1, tree_size=2),
        TreesKept(repo=NAME, left=1, standbys=2),
        Undeletable(repo=NAME, count=3),
    )
    for event in told:
        watched.notify(event)
    (snapshot,) = watched.all()
    assert (snapshot.latest.sizes, snapshot.latest.trees, snapshot.latest.undeletable) == told


def test_history() -> None:
    """The last twenty passes are remembered, in their order."""
    watched = board()
    passes = [finished(result(duration=float(number))) for number in range(25)]
    for event in passes:
        watched.notify(event)
    (snapshot,) = watched.all()
    assert list(snapshot.history) == passes[5:]
    assert snapshot.done == passes[-1]


def test_ref_that_is_another_one() -> None:
    """A pass that has succeeded shows the ref that leads to what is published; one that failed does not."""
    shown = board(commit=commit(), resolved_ref="refs/tags/v1")
    shown.notify(finished(result(ref="refs/tags/v2", commit=commit())))
    assert shown.ref_of(NAME) == "refs/tags/v2"
    shown.notify(finished(failed(ref="refs/tags/v3")))
    assert shown.ref_of(NAME) == "refs/tags/v2"


def test_what_an_earlier_process_has_published_has_to_be_verified() -> None:
    """It counts once its signature was seen, and goes on to; another commit is verified before it is published."""
    there = commit()
    statuses = StatusBoard([status(verified=True)])
    statuses.adopt(NAME, there, None)
    trusted = [statuses.all()[0].trusted]
    for problem in ("no", None, "no more"):
        statuses.notify(Verified(repo=NAME, hash=there.hash, problem=problem))
        trusted.append(statuses.all()[0].trusted)
    assert trusted == [False, False, True, True]
    signature = statuses.all()[0].signature
    assert signature
    assert signature.problem == "no more"
    statuses.notify(published(commit=replace(there, hash="f" * 40)))
    assert statuses.all()[0].trusted
    assert statuses.all()[0].signature is None


def test_unverified_is_not_made_better_by_being_told_of() -> None:
    """Hearing of what was found published changes nothing."""
    statuses = StatusBoard([status(verified=True)])
    statuses.adopt(NAME, commit(), None)
    statuses.notify(published(commit=commit()))
    assert not statuses.all()[0].trusted
