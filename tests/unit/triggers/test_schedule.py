"""When the next pass is due."""

import pytest

from gitsync.triggers.schedule import next_delay
from tests.unit.examples import repo_config


def delay(
    *argv: str,
    failures: int = 0,
    succeeded: bool = True,
    woken: bool = False,
    random: float = 0.5,
    retry_after: float | None = None,
) -> float:
    """Return the delay after a pass, by default after a poll that has found nothing new."""
    return next_delay(
        repo_config(*argv).schedule,
        failures=failures,
        succeeded=succeeded,
        woken=woken,
        random=random,
        retry_after=retry_after,
    )


@pytest.mark.parametrize(("succeeded", "seconds"), [(True, 10.0), (False, 2.0)])
def test_period(succeeded: bool, seconds: float) -> None:
    """The period counts after the first success, the initial one before."""
    assert delay("--period=10s", "--init-period=2s", succeeded=succeeded) == pytest.approx(seconds)


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 8.0), (0.25, 9.0), (0.5, 10.0), (1.0, 12.0)])
def test_jitter(random: float, seconds: float) -> None:
    """A delay differs from the period by up to the fraction, to both sides."""
    assert delay("--period=10s", "--jitter=0.2", random=random) == pytest.approx(seconds)


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 1.0), (0.5, 5.5), (1.0, 10.0)])
def test_woken(random: float, seconds: float) -> None:
    """After a start or a trigger, which many pods may have had at one moment, the delay is any part of the period."""
    assert delay("--period=10s", "--jitter=0.2", woken=True, random=random) == pytest.approx(seconds)


@pytest.mark.parametrize("random", [0.0, 1.0])
@pytest.mark.parametrize(("woken", "failures", "seconds"), [(False, 0, 10.0), (True, 0, 10.0), (True, 3, 40.0)])
def test_no_jitter(woken: bool, failures: int, seconds: float, random: float) -> None:
    """Without jitter every delay is exact."""
    assert delay("--period=10s", "--jitter=0", woken=woken, failures=failures, random=random) == seconds


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 10.0), (1, 10.0), (2, 20.0), (3, 40.0), (5, 160.0), (6, 300.0), (10**9, 300.0)]
)
def test_backoff(failures: int, seconds: float) -> None:
    """After the first failure the delay doubles with each, up to the limit, however many there are."""
    argv = ("--period=10s", "--max-backoff=5m", "--jitter=0")
    assert delay(*argv, failures=failures) == pytest.approx(seconds)


@pytest.mark.parametrize("limit", ["0s", "1s", "10s"])
def test_limit_below_the_period(limit: str) -> None:
    """A limit below the period does not make failures come faster than successes."""
    assert delay("--period=10s", f"--max-backoff={limit}", "--jitter=0", failures=5) == pytest.approx(10.0)


def test_backoff_before_the_first_success() -> None:
    """The backoff starts from the initial period there."""
    argv = ("--period=10s", "--init-period=1s", "--max-backoff=5s", "--jitter=0")
    assert [delay(*argv, failures=count, succeeded=False) for count in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]


@pytest.mark.parametrize("woken", [True, False])
@pytest.mark.parametrize(
    ("failures", "random", "seconds"),
    [(1, 0.0, 1.0), (1, 0.5, 5.5), (1, 1.0, 10.0), (2, 0.0, 10.0), (3, 0.0, 20.0), (3, 0.5, 30.0), (3, 1.0, 40.0)],
)
def test_jitter_on_backoff(woken: bool, failures: int, random: float, seconds: float) -> None:
    """Pods that failed at one moment do not come back at one moment; from the second failure on all wait for long."""
    assert delay("--period=10s", woken=woken, failures=failures, random=random) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("retry_after", "random", "seconds"),
    [
        (None, 0.0, 0.0),
        (5.0, 0.0, 0.0),
        (30.0, 0.0, 30.0),
        (30.0, 1.0, 33.0),
        (60.0, 0.0, 60.0),
        (86400.0, 0.0, 60.0),
    ],
)
def test_retry_after(retry_after: float | None, random: float, seconds: float) -> None:
    """What the remote asks for is kept to, up to the longest backoff, and a fleet does not come back at one moment."""
    argv = ("--period=10s", "--max-backoff=60s", "--jitter=0.1")
    found = delay(*argv, failures=2, random=random, retry_after=retry_after)
    assert found == pytest.approx(max(seconds, delay(*argv, failures=2, random=random)))
