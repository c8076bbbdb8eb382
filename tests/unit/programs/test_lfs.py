"""What git-lfs says when it fails has the reason that people know from elsewhere, and says what to do."""

import pytest

from gitsync.programs.gitcmd import Output
from gitsync.programs.lfs import _failure

URL = "https://git.example.com/site.git"
END = f"error: failed to fetch some objects from '{URL}/info/lfs'\n"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("batch response: Git credentials for https://h/site.git not found.", "auth"),
        ("batch response: Authorization error: https://h/site.git/info/lfs/objects/batch", "auth"),
        ("batch response: Authentication required: Authorization error", "auth"),
        ("git@h: Permission denied (publickey).", "auth"),
        ('batch response: Post "https://h": dial tcp: lookup h on 10.0.0.1:53: no such host', "dns"),
        ('batch response: Post "https://h": dial tcp 10.0.0.1:443: connect: connection refused', "connect"),
        ('batch response: Post "https://h": dial tcp 10.0.0.1:443: i/o timeout', "timeout"),
        ('Post "https://h": net/http: TLS handshake timeout', "timeout"),
        ('Post "https://h": x509: certificate signed by unknown authority', "tls"),
        ("batch response: Rate limit exceeded: https://h", "rate_limited"),
        ("batch response: Fatal error: Server error: https://h", "remote_error"),
        ("write /git/.gitsync/x/lfs/incomplete/y: no space left on device", "no_space"),
        ("write /git/.gitsync/x/lfs/incomplete/y: file too large", "too_large"),
        ("batch response: Repository or object not found: https://h", "lfs"),
        ("[0a] Object does not exist on the server: [404] Object does not exist on the server", "lfs"),
        ("expected OID 0a, got 1b after 10 bytes written", "lfs"),
        ("unable to parse corrupt bad object", "lfs"),
        ("", "lfs"),
    ],
)
def test_reasons(told: str, reason: str) -> None:
    """The words that say nothing are left out of the message."""
    error = _failure(Output(b"", f"{told}\n{END}", 2), URL)
    assert error.reason == reason
    assert error.hint
    assert str(error) == f"git lfs fetch ({URL}): {told or 'exit status 2'}"


def test_no_program() -> None:
    """A repository that a file adds while there is no git-lfs has the advice of the start."""
    error = _failure(Output(b"", "git: 'lfs' is not a git command. See 'git --help'.\n", 1), URL)
    assert error.reason == "lfs"
    assert error.hint
    assert "install git-lfs" in error.hint
