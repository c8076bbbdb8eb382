"""Which gitsync a sub-command asks, and with which secret."""

from pathlib import Path

import pytest

from gitsync.base.errors import ConfigError
from gitsync.commands.sidecar import Sidecar, find

SECRET = {"GITSYNC_RECEIVER_SECRET": "s3cret-of-the-receiver"}


def found(url: str | None = None, secret_file: Path | None = None, **environ: str) -> Sidecar:
    """Return what these variables, and these arguments, lead to."""
    return find(SECRET | environ, url=url, secret_file=secret_file)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:9484"),
        ({"GITSYNC_HTTP_BIND": ":1234"}, "http://127.0.0.1:1234"),
        ({"GIT_SYNC_HTTP_BIND": ":1234"}, "http://127.0.0.1:1234"),
        ({"GITSYNC_HTTP_BIND": "0.0.0.0:1234"}, "http://127.0.0.1:1234"),
        ({"GITSYNC_HTTP_BIND": "10.0.0.7:1234"}, "http://10.0.0.7:1234"),
        ({"GITSYNC_HTTP_BIND": "[::]:1234"}, "http://[::1]:1234"),
        ({"GITSYNC_HTTP_BIND": "[fd00::7]:1234"}, "http://[fd00::7]:1234"),
        ({"GITSYNC_HTTP_BIND": ":1234", "GITSYNC_RECEIVER_BIND": ":5678"}, "http://127.0.0.1:5678"),
        ({"GITSYNC_HTTP_BIND": "off", "GITSYNC_RECEIVER_BIND": ":5678"}, "http://127.0.0.1:5678"),
    ],
)
def test_address(environ: dict[str, str], url: str) -> None:
    """Without a URL it is the one that has the same variables, on this machine."""
    assert find(SECRET | environ, url=None, secret_file=None).url == url


def test_file(tmp_path: Path) -> None:
    """What the file says of the process counts, whatever is wrong with its repositories."""
    file = tmp_path / "file"
    file.write_text("http-bind: ':1234'\nrepositories: [{perriod: 3}]\n")
    assert found(GITSYNC_CONFIG=str(file)).url == "http://127.0.0.1:1234"
    file.write_text("http-bind: ':1234\n")
    with pytest.raises(ConfigError, match="this is no YAML"):
        found(GITSYNC_CONFIG=str(file))
    with pytest.raises(ConfigError, match=f"--config={tmp_path}/no: No such file"):
        found(GITSYNC_CONFIG=f"{tmp_path}/no")


def test_url() -> None:
    """A URL that is given counts, whatever the variables say."""
    assert (
        found("https://hooks.example.test/gitsync/", GITSYNC_HTTP_BIND="off").url
        == "https://hooks.example.test/gitsync"
    )


def test_other_variables_do_not_matter() -> None:
    """What is wrong elsewhere in the environment keeps nobody from asking."""
    assert found(GITSYNC_DEPTH="x", GITSYNC_NONSENSE="x").secret.reveal() == "s3cret-of-the-receiver"


def test_secret_file(tmp_path: Path) -> None:
    """The secret is in the variable, or in a file; one on the command line counts, and of several secrets the first."""
    file, other = tmp_path / "secret", tmp_path / "other"
    file.write_text("first-of-the-file\nsecond-of-the-file\n")
    other.write_text("secret-of-the-other\n")
    environ = {"GITSYNC_RECEIVER_SECRET_FILE": str(file)}
    assert find(environ, url=None, secret_file=None).secret.reveal() == "first-of-the-file"
    assert found(secret_file=other).secret.reveal() == "secret-of-the-other"
    assert find(environ, url=None, secret_file=other).secret.reveal() == "secret-of-the-other"


@pytest.mark.parametrize(
    ("environ", "url", "told"),
    [
        ({}, None, "there is no secret: use --secret-file"),
        ({"GITSYNC_RECEIVER_SECRET_FILE": "/no/such/file"}, None, "--secret-file=/no/such/file: No such file"),
        (SECRET | {"GITSYNC_HTTP_BIND": "off"}, None, "nothing is served"),
        (SECRET | {"GITSYNC_HTTP_BIND": "nonsense"}, None, "GITSYNC_HTTP_BIND=nonsense: "),
        (SECRET, "gitsync:9484", "gitsync:9484: use a URL"),
    ],
)
def test_nobody_to_ask(environ: dict[str, str], url: str | None, told: str) -> None:
    """What is missing, or wrong, is told."""
    with pytest.raises(ConfigError, match=told):
        find(environ, url=url, secret_file=None)
