"""The options of signatures: keys and the wish for them go together."""

import pytest

from gitsync.base.errors import ConfigError
from tests.unit.examples import config, repo_config


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ("--verify=tag", "--verify=tag: no keys are given; add --verify-ssh-allowed-signers or --verify-gpg-keyring"),
        ("--verify-gpg-keyring=/keys", "--verify-gpg-keyring: nothing is verified without --verify; give both"),
    ],
)
def test_half_of_it(argv: str, problem: str) -> None:
    """One without the other is refused."""
    with pytest.raises(ConfigError) as caught:
        config(argv)
    assert caught.value.problems == (problem,)


def test_files() -> None:
    """One kind of keys will do, or both."""
    found = repo_config("--verify=commit", "--verify-gpg-keyring=/gpg", "--verify-ssh-allowed-signers=/ssh")
    assert [str(path) for path in found.content.verification.files] == ["/ssh", "/gpg"]
    assert not repo_config().content.verification.wanted
