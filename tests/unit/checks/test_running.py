"""The order of checks: what fails is told once, what hangs is left behind, and what cannot be made says why."""

import errno
import os
import threading
from collections.abc import Callable, Iterator

import pytest

from gitsync.base.errors import HINTS, GitSyncError
from gitsync.checks.check import Check, Found, NotNeededError, Result, Subject
from gitsync.checks.running import run
from gitsync.checks.table import CHECKS
from tests.unit.examples import config


@pytest.fixture
def subject() -> Iterator[Subject]:
    """What no check here looks at."""
    made = config()
    subject = Subject(made, made.repos[0])
    yield subject
    subject.close()


def check(name: str, *needs: str, found: Found | Exception | None = None, patience: float = 10.0) -> Check:
    """Return a check that finds this."""

    def made(subject: Subject, deadline: float) -> Found:
        if isinstance(found, Exception):
            raise found
        return found or Found(message="fine")

    return Check(name=name, run=made, needs=needs, patience=patience)


def outcomes(results: Iterator[Result]) -> list[tuple[str, str]]:
    """Return what has become of each check."""
    return [(result.name, result.outcome) for result in results]


def test_outcomes(subject: Subject) -> None:
    """With a cure it is a warning; an error is a failure, with its reason and its hint."""
    failed = check("c", found=GitSyncError("h: no such name", reason="dns"))
    results = list(run([check("a"), check("b", found=Found(message="odd", cure="do")), failed], subject))
    assert [(result.outcome, result.message, result.cure) for result in results] == [
        ("ok", "fine", None),
        ("warning", "odd", "do"),
        ("failed", "dns: h: no such name", HINTS["dns"]),
    ]


def test_what_needs_what_has_failed(subject: Subject) -> None:
    """What would only fail again is skipped, and so is what needs that; each names what has failed."""
    broken = check("a", found=OSError(errno.EROFS, os.strerror(errno.EROFS), "/srv"))
    results = list(run([broken, check("b", "a"), check("c", "b"), check("d")], subject))
    assert outcomes(iter(results)) == [("a", "failed"), ("b", "skipped"), ("c", "skipped"), ("d", "ok")]
    assert results[0].message == "permission: a: Read-only file system: /srv"
    assert results[2].message == "not tried, as 'a' has failed"


def test_what_is_not_needed_keeps_nothing_from_being_tried(subject: Subject) -> None:
    """A warning, or a check that there is nothing for, is no reason to skip others."""
    given = [check("a", found=NotNeededError("it is on this machine")), check("b", found=Found(message="m", cure="c"))]
    results = list(run([*given, check("c", "a", "b")], subject))
    assert outcomes(iter(results)) == [("a", "skipped"), ("b", "warning"), ("c", "ok")]
    assert results[0].message == "it is on this machine"


def test_what_hangs_is_left_behind(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that does not keep its deadline has failed, and those after it are made."""
    monkeypatch.setattr("gitsync.checks.running._GRACE", 0.01)
    forever = threading.Event()
    hangs: Callable[[Subject, float], Found] = lambda subject, deadline: Found(message=str(forever.wait()))  # noqa: E731
    results = list(run([Check(name="a", run=hangs, patience=0.01), check("b", "a"), check("c")], subject))
    forever.set()
    assert outcomes(iter(results)) == [("a", "failed"), ("b", "skipped"), ("c", "ok")]
    assert results[0].message == "not done after 0.01s"
    assert results[0].cure


def test_a_mistake_of_ours_is_a_failure(subject: Subject) -> None:
    """Whatever a check raises is told, and ends nothing."""
    results = list(run([check("a", found=ZeroDivisionError("ours")), check("b")], subject))
    assert outcomes(iter(results)) == [("a", "failed"), ("b", "ok")]
    assert results[0].message == "ZeroDivisionError: ours"


def test_the_table() -> None:
    """No two checks have one name, and each needs such as come before it."""
    names = [one.name for one in CHECKS]
    assert len(set(names)) == len(names)
    for count, one in enumerate(CHECKS):
        assert set(one.needs) <= set(names[:count])
