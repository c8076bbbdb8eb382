"""What a file says of the process counts after a restart, so it is told where that is another thing than before."""

import pytest

from gitsync.config import Config, load
from gitsync.config.differences import differences


def config(*lines: str) -> Config:
    """Return the configuration of a file with one repository, and these lines."""
    text = "\n".join([*lines, "repositories:", "  - {repo: /srv/site.git, root: /git}", ""])
    return load(["--config=/f.yaml"], {}, text=text)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('http-bind: ":1234"', "http-bind"),
        ("http-metrics: false", "http-metrics"),
        ("receiver-provider: github", "receiver-provider"),
        ("shutdown-timeout: 3s", "shutdown-timeout"),
        ("log-format: json", "log-format"),
        ("defaults: {group-write: true}", "group-write"),
        ("defaults: {git: /usr/local/bin/git}", "git"),
    ],
)
def test_option_of_the_process(line: str, key: str) -> None:
    """It is named by its key, whichever group it is in, and in both directions."""
    assert differences(config(), config(line)) == [key]
    assert differences(config(line), config()) == [key]


def test_the_same_file() -> None:
    """Nothing has changed."""
    assert differences(config("shutdown-timeout: 3s"), config("shutdown-timeout: 3s")) == []


def test_option_of_a_repository() -> None:
    """What counts for one repository is taken over at once."""
    assert differences(config(), config("defaults: {period: 3s, ref: v1, depth: 0}")) == []
