"""Commits that were refused, and until when."""

import pytest

from gitsync.base.errors import GitSyncError, PublishVetoed
from gitsync.base.refusals import LONG, Refusals

ERROR = GitSyncError("no way", reason="bad_commit")


def test_refused_commit_waits_longer_each_time() -> None:
    """The error says what was wrong, and when to try again."""
    refusals = Refusals(lambda failures: 60.0 * failures)
    first = refusals.add("a", ERROR)
    assert (str(first), first.reason, first.hint, first.retry_in) == (str(ERROR), ERROR.reason, ERROR.hint, 60.0)
    assert refusals.add("a", ERROR).retry_in == 120.0
    with pytest.raises(PublishVetoed, match="no way") as caught:
        refusals.check("a")
    assert caught.value.retry_in
    assert 100.0 < caught.value.retry_in <= 120.0
    refusals.check("another")


def test_what_is_too_large_waits_long() -> None:
    """It stays so, and to find that out again may cost a transfer; any other commit is free."""
    refusals = Refusals(lambda failures: 60.0)
    waiting = [refusals.waiting]
    assert refusals.add("a", GitSyncError("no way", reason="too_large")).retry_in == 3600.0
    waiting.append(refusals.waiting)
    refusals.check("b")
    refusals.forget("a")
    assert [*waiting, refusals.waiting] == [False, True, False]


def test_what_costs_a_transfer_waits_long() -> None:
    """Who refuses a commit may know that another try is dear."""
    refusals = Refusals(lambda failures: 60.0)
    assert refusals.add("a", ERROR, at_least=LONG).retry_in == LONG


def test_commit_that_is_good_after_all_begins_anew() -> None:
    """What was held against it is forgotten."""
    refusals = Refusals(lambda failures: 60.0 * failures)
    refusals.add("a", ERROR)
    refusals.forget("a")
    refusals.check("a")
    assert refusals.add("a", ERROR).retry_in == 60.0


def test_few_are_remembered() -> None:
    """A remote with ever new bad commits does not fill the memory."""
    refusals = Refusals(lambda failures: 60.0)
    for number in range(20):
        refusals.add(str(number), ERROR)
    refusals.check("0")
    with pytest.raises(PublishVetoed):
        refusals.check("19")


def test_reason_that_does_not_hold_any_more() -> None:
    """What was refused for it is free again, and what was refused for another reason is not."""
    refusals = Refusals(lambda failures: 60.0)
    refusals.add("a", GitSyncError("no key", reason="unverified"))
    refusals.add("b", ERROR)
    refusals.lift("unverified")
    refusals.check("a")
    with pytest.raises(PublishVetoed):
        refusals.check("b")
