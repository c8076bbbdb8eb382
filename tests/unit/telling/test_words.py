"""How a repository is, in words."""

from typing import Any

import pytest

from gitsync.base.errors import HINTS
from gitsync.telling.events import Failure
from gitsync.telling.status import Pause
from gitsync.telling.words import REASONS, age, state, why
from tests.unit.examples import commit, status

NOW = 1_000_000.0
CLOCK = 50_000.0
REFUSED = Failure(reason="auth", message="403")
HOUR = 3600.0


def words(*, found: bool = True, failure: Failure | None = None, **changes: Any) -> tuple[str, str]:
    """Return how a snapshot is that counts as stale after two hours."""
    changes = {"commit": commit(), "stale_after": 2 * HOUR, **changes}
    if changes["commit"] is None:
        del changes["commit"]
    told = state(status(**changes), found=found, failure=failure, now=NOW, clock=CLOCK)
    return told.level, told.words


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"confirmed_at": CLOCK - 5}, ("good", "up to date, as the server has said 5 s ago")),
        (
            {"confirmed_at": CLOCK - HOUR, "failure": REFUSED},
            ("warning", "serving 60 min old content: the server refuses the login"),
        ),
        (
            {"confirmed_at": CLOCK - 3 * HOUR, "failure": REFUSED},
            ("bad", "serving 3 h old content: the server refuses the login"),
        ),
        ({"failure": REFUSED}, ("bad", "serving what an earlier process has published: the server refuses the login")),
        ({}, ("busy", "serving what an earlier process has published: the first pass is under way")),
        (
            {"confirmed_at": CLOCK - 3 * HOUR},
            ("warning", "serving 3 h old content: no pass has confirmed it since"),
        ),
        ({"commit": None}, ("busy", "nothing is published yet: the first pass is under way")),
        (
            {"commit": None, "failure": REFUSED},
            ("bad", "nothing is published yet: the server refuses the login"),
        ),
        ({"found": False}, ("bad", "what was published is not in place")),
        (
            {"found": False, "failure": REFUSED},
            ("bad", "what was published is not in place: the server refuses the login"),
        ),
        (
            {"confirmed_at": CLOCK - 3 * HOUR, "failure": REFUSED, "paused": Pause(since=NOW - 120)},
            ("warning", "paused for 2 min: what is published stays"),
        ),
    ],
)
def test_state(changes: dict[str, Any], told: tuple[str, str]) -> None:
    """One sentence says what is served, and why it may not be the newest."""
    assert words(**changes) == told


def test_every_reason_has_words() -> None:
    """What has a hint has words as well; what is not known is called by its name."""
    assert HINTS.keys() <= REASONS.keys()
    assert why(Failure(reason="new", message="")) == "the last pass has failed (new)"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5.0, "0 s"),
        (59.4, "59 s"),
        (60.0, "1 min"),
        (119 * 60.0, "119 min"),
        (2 * HOUR, "2 h"),
        (47 * HOUR, "47 h"),
        (49 * HOUR, "2 d"),
    ],
)
def test_age(seconds: float, told: str) -> None:
    """A length of time is told in one unit."""
    assert age(seconds) == told
