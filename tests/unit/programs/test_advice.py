"""What to do, where the words of git or the place that was asked say more than the reason."""

import pytest

from gitsync.programs.advice import advice

URL = "https://git.example.org/team/site.git"


@pytest.mark.parametrize(
    ("reason", "told", "words"),
    [
        ("auth", "CONNECT tunnel failed, response 407", "USER:PASSWORD@HOST:PORT"),
        ("auth", "Received HTTP code 407 from proxy after CONNECT", "USER:PASSWORD@HOST:PORT"),
        ("auth", "git@h: Permission denied (publickey).", "--ssh-key-file"),
        ("auth", "Received disconnect: Too many authentication failures", "--ssh-key-file"),
        ("config", "No user exists for uid 1000650000", "libnss-wrapper"),
        ("tls", "SSL: no alternative certificate subject name matches target host name", "another name"),
        ("tls", "gnutls_handshake() failed: An unexpected TLS packet was received.", "http://"),
        ("tls", "TLS connect error: error:0A00010B:SSL routines::wrong version number", "http://"),
        ("ref_missing", "fatal: remote error: upload-pack: not our ref 1111", "load balancer"),
    ],
)
def test_words(reason: str, told: str, words: str) -> None:
    """What was printed says what to do."""
    assert words in (advice(reason, URL, told) or "")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("https://GitHub.com/team/site", "GitHub"),
        ("https://acme.ghe.com/team/site", "GitHub"),
        ("https://gitlab.com:443/team/site", "GitLab"),
        ("https://bitbucket.org/team/site", "Bitbucket"),
        ("https://git-codecommit.us-east-1.amazonaws.com/v1/repos/site", "CodeCommit"),
    ],
)
def test_hosts(url: str, word: str) -> None:
    """A host whose tokens have user names of its own is known by its name, in any case and with a port."""
    assert (advice("auth", url, "Authentication failed") or "").startswith(word)


@pytest.mark.parametrize(
    ("reason", "url"),
    [
        ("auth", URL),
        ("auth", "git@github.com:team/site"),
        ("auth", "/srv/github.com"),
        ("not_found", "https://github.com/team/site"),
        ("auth", "https://github.com.example.org/x"),
        ("connect", URL),
        ("dns", "git@h:x"),
        ("auth", "https://[h/x"),
    ],
)
def test_nothing_more_to_say(reason: str, url: str) -> None:
    """Elsewhere the hint of the reason will do."""
    assert advice(reason, url, "odd") is None


def test_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy leads to the server it is named, without its login; where none does it is not."""
    monkeypatch.setenv("https_proxy", "http://ada:pr0xy-secret@proxy.test:3128")
    for reason in ("connect", "dns"):
        told = advice(reason, URL, "odd") or ""
        assert "the proxy http://proxy.test:3128:" in told
        assert "secret" not in told
    monkeypatch.setenv("no_proxy", ".example.org")
    assert advice("connect", URL, "odd") is None
