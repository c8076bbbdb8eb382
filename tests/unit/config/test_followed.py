"""Which ref is followed, where it is one of several."""

import pytest

from gitsync.base.errors import ConfigError
from tests.unit.examples import config, repo_config


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--ref-pattern=v*"], "v*"),
        (["--ref-pattern=release/[0-9]*"], "release/[0-9]*"),
        (["--ref-pattern=refs/heads/release-?"], "refs/heads/release-?"),
        (["--ref-pattern=[!x]*"], "[!x]*"),
        (["--ref-semver=>=1.2 <2"], ">=1.2 <2"),
        (["--ref-pattern=chart-*", "--ref-semver=^2"], "chart-* ^2"),
        # The default may be written out.
        (["--ref=HEAD", "--ref-pattern=v*"], "v*"),
    ],
)
def test_one_of_several_refs(options: list[str], shown: str) -> None:
    """A pattern and a range take the place of a ref, and are shown in it."""
    assert repo_config(*options).ref == shown


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--ref=main", "--ref-pattern=v*"], "--ref=main: --ref-pattern is given too"),
        (["--ref=v1", "--ref-semver=^1"], "--ref=v1: --ref-semver is given too"),
        (["--branch=main", "--ref-semver=^1"], "--ref=main: --ref-semver is given too"),
        *(
            ([f"--ref-pattern={bad}"], "no ref can match this")
            for bad in ("-v*", "v* x", "a..*", "/*", "*.lock", "v^*", "a:*")
        ),
        (["--ref-semver=latest"], "--ref-semver=latest: use a range of versions such as"),
    ],
)
def test_refs_that_cannot_be_chosen(options: list[str], told: str) -> None:
    """What would contradict itself, or never match, is refused at the start."""
    with pytest.raises(ConfigError) as caught:
        config(*options)
    assert told in str(caught.value)
