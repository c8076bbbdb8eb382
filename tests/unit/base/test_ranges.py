"""Ranges of versions mean what they mean to npm, whose own answers these are."""

import pytest

from gitsync.base.ranges import read_range

VERSIONS = (
    *("0.0.1", "0.0.2", "0.1.0", "0.1.2", "0.2.0", "1.0.0-rc.1", "1.0.0", "1.1.9", "1.2.0-alpha", "1.2.0-beta.2"),
    *("1.2.0-beta.11", "1.2.0", "1.2.3", "1.4.0", "1.5.0-0", "2.0.0-rc.1", "2.0.0", "2.1.0", "3.0.0"),
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (">=1.2 <2", "1.2.0 1.2.3 1.4.0"),
        (">= 1.2, < 2", "1.2.0 1.2.3 1.4.0"),
        ("~1.4", "1.4.0"),
        ("~1.2.1", "1.2.3"),
        ("~> 1", "1.0.0 1.1.9 1.2.0 1.2.3 1.4.0"),
        ("^2", "2.0.0 2.1.0"),
        ("^0.1.1", "0.1.2"),
        ("^0.0.1", "0.0.1"),
        ("^0.0", "0.0.1 0.0.2"),
        ("^0.x", "0.0.1 0.0.2 0.1.0 0.1.2 0.2.0"),
        ("1.x", "1.0.0 1.1.9 1.2.0 1.2.3 1.4.0"),
        ("1.2.X", "1.2.0 1.2.3"),
        ("v1.2", "1.2.0 1.2.3"),
        ("=1.2.3", "1.2.3"),
        ("1.2.3+build.7", "1.2.3"),
        (">1.2 <=2.0", "1.4.0 2.0.0"),
        (">2.0.0", "2.1.0 3.0.0"),
        ("<0.1", "0.0.1 0.0.2"),
        ("1.2 - 2.0", "1.2.0 1.2.3 1.4.0 2.0.0"),
        ("0.0.2 - 0.1.0", "0.0.2 0.1.0"),
        ("<0.0.2 || ~1.2 || 3.0.0", "0.0.1 1.2.0 1.2.3 3.0.0"),
        # A pre-release counts where one of the same release is named.
        ("^1.2.0-beta.3", "1.2.0-beta.11 1.2.0 1.2.3 1.4.0"),
        (">=1.2.0-0 <1.2.1", "1.2.0-alpha 1.2.0-beta.2 1.2.0-beta.11 1.2.0"),
        ("<=2.0.0-rc.1 >1.4", "2.0.0-rc.1"),
        (">1.1 >1.2.0-alpha <1.2.1", "1.2.0"),
        ("*", "0.0.1 0.0.2 0.1.0 0.1.2 0.2.0 1.0.0 1.1.9 1.2.0 1.2.3 1.4.0 2.0.0 2.1.0 3.0.0"),
    ],
)
def test_what_a_range_has(written: str, expected: str) -> None:
    """Each way to write one."""
    known = read_range(written)
    assert [version for version in VERSIONS if known.rank(version) is not None] == expected.split()


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "||",
        "1 ||",
        "latest",
        "1.2.3.4",
        ">=",
        "~~1",
        "1.2,",
        ">1.2 and <2",
        "<*",
        "1.-2",
        "1.2.3-01",
        "9" * 16,
    ],
)
def test_what_is_no_range(written: str) -> None:
    """It is refused, with how one is written."""
    with pytest.raises(ValueError, match=r"use a range of versions such as >=1\.2 <2"):
        read_range(written)


def test_order() -> None:
    """The order is that of the specification, and what is built from a version is that version."""
    known = read_range(">=0.0.0-0 || >=1.2.0-0 || >=1.0.0-0 || >=1.5.0-0 || >=2.0.0-0")
    ranks = [known.rank(version) for version in VERSIONS]
    assert None not in ranks
    assert sorted(reversed(ranks)) == ranks  # type: ignore[type-var]
    assert known.rank("1.2.3+b") == known.rank("v1.2.3")


@pytest.mark.parametrize(
    "written", ["", "v", "main", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.0rc1", "vv1", "9" * 10_000, "\uff11.2.3"]
)
def test_what_is_no_version(written: str) -> None:
    """It is in no range, however long it is."""
    assert read_range("*").rank(written) is None


def test_short_versions() -> None:
    """What is missing is 0."""
    assert read_range("1.2.0").rank("v1.2") == read_range("1.2.0").rank("1.2.0") is not None
    assert read_range("^1").rank("1") is not None
