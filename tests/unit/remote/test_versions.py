"""The newest is what people take for the newest."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsync.remote.versions import order

# Each line from the oldest to the newest.
SERIES = [
    "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0",
    "v1.9.0 v1.10.0 v1.10.1 v2.0.0-rc.1 v2.0.0 v10.0.0",
    "1.0rc9 1.0rc10 1.0 1.0.1.dev3 1.0.1a1 1.0.1a2 1.0.1b1 1.0.1 1.1",
    "1 1.0.1 1.2",
    "2024.01.05 2024.01.5.1 2024.2.1 2024.10.30",
    "20231231 20240105",
    "2024-01-05 2024-01-06 2024-9-30 2024-10-01",
    "1.1.1 1.1.1m 1.1.1w 1.1.2",
    "6.0.0.Alpha1 6.0.0.CR2 6.0.0.Final 6.0.1.Final",
    "17.0.1+9 17.0.1+12 17.0.2",
    "1.2.3.4 1.2.3.10",
    "latest nightly-9 nightly-10 0.0.1",
    "v vNext v0",
    "1.0.0-rc9 1.0.0-rc10",
    "1.9 V1.10",
    f"1.0 {'9' * 10_000} 1{'0' * 10_000} 1{'0' * 9_999}1",
]


@pytest.mark.parametrize("series", SERIES, ids=[each[:40] for each in SERIES])
def test_order(series: str) -> None:
    """Numbers count as numbers, and what comes before a release is older than it."""
    names = series.split()
    assert sorted(reversed(names), key=order) == names


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0.0"), ("v1", "1"), ("1.01", "1.1"), ("1.2+a", "v1.2+a")])
def test_one_version_written_twice(one: str, other: str) -> None:
    """It is the same, so that anything else is on one side of both; which of them is taken is always the same."""
    assert order(one)[:4] == order(other)[:4]
    assert order(one) != order(other)


NAMES = st.text("v01.9-+ab_/rcü٣", max_size=12)


@given(NAMES, NAMES)
def test_any_two_names_have_an_order(one: str, other: str) -> None:
    """Two names are the same or one is newer, whatever they hold."""
    first, second = order(one), order(other)
    assert (first < second) + (second < first) == (one != other)


@given(
    st.lists(st.integers(0, 10**30), min_size=1, max_size=5), st.lists(st.integers(0, 10**30), min_size=1, max_size=5)
)
def test_numbers(one: list[int], other: list[int]) -> None:
    """Versions of numbers are in the order of these."""
    padded = itertools.zip_longest(one, other, fillvalue=0)
    expected = next(((first > second) - (first < second) for first, second in padded if first != second), 0)
    first, second = (order(".".join(map(str, numbers)))[:4] for numbers in (one, other))
    assert (first > second) - (first < second) == expected


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4), st.from_regex(r"-[0-9A-Za-z.-]{1,9}", fullmatch=True))
def test_what_comes_before_a_release(numbers: list[int], early: str) -> None:
    """A pre-release is older than its release, and newer than any release before that."""
    release = ".".join(map(str, numbers))
    assert order(f"{release}{early}") < order(release)
    if numbers[-1]:
        assert order(".".join(map(str, [*numbers[:-1], numbers[-1] - 1]))) < order(f"{release}{early}")
