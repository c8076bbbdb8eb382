"""Options that do not go together."""

import pytest

from gitsync.base.errors import ConfigError
from tests.unit.examples import config, repo_config


@pytest.mark.parametrize("option", ["--max-size=1Gi", "--max-fetch=1Gi"])
def test_limits_of_bytes_in_a_partial_clone(option: str) -> None:
    """Where patterns say which files are fetched only git knows them, so they would not be kept; a number is."""
    sparse = ("--filter=blob:none", "--sparse-checkout-file=/etc/sparse")
    with pytest.raises(ConfigError, match="with --filter"):
        config(*sparse, option)
    with pytest.raises(ConfigError, match="other filters"):
        config("--filter=tree:0", option)
    repo_config(sparse[0], option)
    limits = repo_config(*sparse, "--max-files=9", "--max-size=0", "--max-fetch=0").content.limits
    assert (limits.max_files, limits.max_size, limits.max_fetch) == (9, 0, 0)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--subpath=a", "--sparse-checkout-file=/etc/sparse"), "SPARSE_CHECKOUT_FILE or its flag is given too"),
        (("--subpath=a", "--publish=exchange"), "use another"),
    ],
)
def test_directory_that_cannot_be_published_so(options: tuple[str, ...], problem: str) -> None:
    """The remedy is named."""
    with pytest.raises(ConfigError, match=problem):
        config(*options)
