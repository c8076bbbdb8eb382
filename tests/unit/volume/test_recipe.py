"""Recipes: what decides about the files of a tree, and so about whether it can stay."""

import pytest

from gitsync.config import load
from gitsync.volume.recipe import Recipe


def signature(*options: str) -> str:
    """Return that of a repository with some options."""
    (repo,) = load(["--repo=https://example.com/site.git", "--root=/volume", *options], {}).repos
    return Recipe.of(repo).signature


@pytest.mark.parametrize(
    "setting", ["core.autocrlf:input", "CORE.autocrlf:input", "filter.x.required:false", "submodule.recurse:true"]
)
def test_setting_that_decides_about_files(setting: str) -> None:
    """Trees that were made without it are made anew."""
    assert signature(f"--git-config={setting}") != signature()


@pytest.mark.parametrize("setting", ["http.proxy:http://proxy:3128", "gc.auto:0", "user.name:core"])
def test_setting_that_does_not(setting: str) -> None:
    """No tree is made anew for it."""
    assert signature(f"--git-config={setting}") == signature()
