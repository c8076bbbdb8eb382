"""Which refs are likely to be meant."""

import pytest

from gitsync.remote.likely import nearest, short_name

NAMES = ["main", "maint", "release/1.2", "release/1.3", "v1.0.0", "Feature-X"]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("mian", ["main", "maint"]),
        ("MAIN", ["main", "maint"]),
        ("origin/main", ["main", "maint"]),
        ("refs/heads/maim", ["main", "maint"]),
        ("refs/remotes/origin/mein", ["main", "maint"]),
        ("feature-x", ["Feature-X"]),
        ("v1.0.O", ["v1.0.0"]),
        ("release/1.4", ["release/1.2", "release/1.3"]),
        ("zzz", []),
    ],
)
def test_nearest(written: str, found: list[str]) -> None:
    """The best one comes first; what is like nothing has none."""
    assert sorted(nearest(written, NAMES, most=2)) == found


def test_many_and_long_names() -> None:
    """However many names a remote has, and however long they are, those of about the same length are looked at."""
    names = [f"{'ab' * 2000}{number}" for number in range(100)] + [f"x{number:0>40}" for number in range(100_000)]
    assert nearest("mian", [*names, "main"], most=3) == ["main"]
    assert nearest("", names, most=3) == []
    # Of as many as are compared at all, those of the same length come first.
    assert nearest("mian", ["miane"], most=1) == ["miane"]
    assert nearest("mian", [*(f"x{number:03}" for number in range(1000)), "miane"], most=1) == []


def test_short_name() -> None:
    """Only the kind is taken off, once."""
    assert short_name("refs/heads/refs/heads/x") == "refs/heads/x"
    assert short_name("refs/tags/v1") == "v1"
