"""Which way the checks of the network look at: what git would do where that is known, and else nothing."""

import pytest

from gitsync.base.errors import GitSyncError
from gitsync.checks import network
from gitsync.checks.check import NotNeededError, Subject
from gitsync.checks.volume import judged
from gitsync.config import load


def subject(repo: str, *arguments: str) -> Subject:
    """Return what a repository is checked by."""
    config = load(["--repo", repo, "--root=/srv/git", *arguments], {})
    return Subject(config, config.repos[0])


@pytest.mark.parametrize(
    ("repo", "arguments", "told"),
    [
        ("/srv/site.git", [], "on this machine"),
        ("https://h.test/x", ["--git-config=http.proxy:http://p"], "http.proxy, which git alone"),
        ("https://h.test/x", ['--git-config="http.https://h.test.proxy":"http://p"'], "git alone"),
        ("https://h.test/x", ["--git-config=url.https://m/.insteadOf:https://h.test/"], "git alone"),
        ("git://h.test/x", ["--git-config-add=core.gitProxy:p"], "git alone"),
    ],
)
def test_way_that_git_alone_knows(repo: str, arguments: list[str], told: str) -> None:
    """Where a setting may lead elsewhere nothing is looked at, rather than the wrong thing."""
    with pytest.raises(NotNeededError, match=told):
        network.tcp(subject(repo, *arguments), 0.0)


def test_command_for_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command for ssh may know another way."""
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -J gate")
    with pytest.raises(NotNeededError, match="ssh alone"):
        network.dns(subject("git@h.test:x"), 0.0)


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [(["--git-config=http.sslVerify:false"], ""), ([], "GIT_SSL_NO_VERIFY"), ([], "GIT_PROXY_SSL_CAINFO")],
)
def test_certificates_that_git_alone_knows(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], variable: str
) -> None:
    """What changes whom git trusts is left to git."""
    if variable:
        monkeypatch.setenv(variable, "1")
    with pytest.raises(NotNeededError, match="git alone"):
        network.tls(subject("https://h.test/x", *arguments), 0.0)
    with pytest.raises(NotNeededError, match="none over http"):
        network.tls(subject("http://h.test/x"), 0.0)


@pytest.mark.parametrize("free", [0, 9])
def test_too_little(free: float) -> None:
    """Where nothing can be written it is a failure, with what to do."""
    with pytest.raises(GitSyncError, match="so much") as met:
        judged("so much", free, least=10, enough=100, cure="make room")
    assert (met.value.reason, met.value.hint) == ("no_space", "make room")


@pytest.mark.parametrize(("free", "cure"), [(10, "make room"), (99, "make room"), (100, None)])
def test_little(free: float, cure: str | None) -> None:
    """Little is a warning, enough is none."""
    assert judged("so much", free, least=10, enough=100, cure="make room").cure == cure


@pytest.mark.parametrize(
    ("now", "told", "warns"),
    [
        (784111777.0, "0 s behind", False),
        (784111807.0, "30 s before", False),
        (784111808.0, "31 s before", True),
        (784111700.0, "77 s behind", True),
    ],
)
def test_clock(now: float, told: str, warns: bool) -> None:
    """A clock that is far from the server's, on either side, is told of with what to do."""
    found = network.compared("Sun, 06 Nov 1994 08:49:37 GMT", now)
    assert found.message == f"{told} the server's"
    assert (found.cure is not None) == warns


@pytest.mark.parametrize("date", ["", "soon", "\x00", "Tue, 01 Jan 999999 00:00:00 GMT"])
def test_no_date(date: str) -> None:
    """What is no date tells nothing."""
    with pytest.raises(NotNeededError, match="does not tell"):
        network.compared(date, 0.0)
