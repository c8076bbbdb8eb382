"""Paths within a repository."""

import pytest

from gitsync.config.inside import parse_subpath
from tests.unit.examples import repo_config


@pytest.mark.parametrize(
    ("text", "path"),
    [("docs", "docs"), ("docs/", "docs"), ("./a//b/./c", "a/b/c"), ("a b/-c", "a b/-c"), (".github", ".github")],
)
def test_path(text: str, path: str) -> None:
    """It is written as git writes it."""
    assert parse_subpath(text) == path


@pytest.mark.parametrize(
    "text", ["", "/", ".", "./", "/docs", "..", "a/../b", "-x", "./-x", ".git", "a/.GIT/b", "a\nb"]
)
def test_no_path(text: str) -> None:
    """What leads elsewhere, or may be taken for an option, is refused with a remedy."""
    with pytest.raises(ValueError, match=r"use a path|name a directory|remove the line breaks"):
        parse_subpath(text)


def test_files_are_left_out() -> None:
    """A directory alone means a partial clone; another filter may be given."""
    assert repo_config().content.partial is None
    assert repo_config("--subpath=a").content.partial == "blob:none"
    assert repo_config("--subpath=a", "--filter=tree:0").content.partial == "tree:0"
