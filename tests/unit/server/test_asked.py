"""Whom a request names."""

import pytest

from gitsync.server.asked import called
from tests.unit.examples import status


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("docs", ["docs"]),
        ("https://h/a", ["site", "docs"]),
        ("current", ["site"]),
        ("site", ["site"]),
        ("b", ["b"]),
        ("B", []),
        ("", []),
    ],
)
def test_called(name: str, meant: list[str]) -> None:
    """A name comes first; a URL, or the last part of a link, means all that have it."""
    snapshots = [
        status(repo="site", url="https://h/a", link="/srv/git/current"),
        status(repo="docs", url="https://h/a", link="/srv/git/b"),
        status(repo="b", url="https://h/b", link="/srv/git/site"),
    ]
    assert [each.watched.repo for each in called(name, snapshots)] == meant
