"""The options of hooks, and what is refused."""

import pytest

from gitsync.base.errors import ConfigError
from tests.unit.examples import config


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--exechook-command=say 'no", "--exechook-command=say 'no: No closing quotation; check the quotes"),
        ("--pre-publish-exechook-command= ", "--pre-publish-exechook-command: there is no command in it"),
        ("--exechook-timeout=0", "--exechook-timeout=0s: use more than 0"),
        ("--webhook-backoff=-1s", "--webhook-backoff=-1s: it cannot be negative"),
        ("--webhook-url=ftp://host/", "--webhook-url: this is no URL"),
        ("--webhook-url=https:///path", "--webhook-url: this is no URL"),
        ("--webhook-method=po st", "--webhook-method=po st: use the name of a method"),
    ],
)
def test_refused(option: str, problem: str) -> None:
    """What cannot work is refused before anything starts."""
    with pytest.raises(ConfigError) as raised:
        config(option)
    assert problem in "\n".join(raised.value.problems)


def test_url_is_not_shown() -> None:
    """The URL of a webhook may hold a token, so it is not in the log of the start."""
    assert config("--webhook-url=https://chat.test/T0KEN").shown["webhook_url"] == "***"
