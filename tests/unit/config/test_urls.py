"""A login in a URL is understood, or the URL is refused without being shown."""

import pytest

from gitsync.base.errors import ConfigError
from gitsync.config import load
from gitsync.config.urls import parse_repo, parse_url, ssh_destination
from tests.unit.examples import config, repo_config

WORD = "S3cretS3cret"


@pytest.mark.parametrize(
    "repo",
    [
        *("https://h/x.git", "https://H/x.git", "http://h:8080/a/b", "https://[::1]:8443/x", "https://u:p@h/x"),
        *("https://u:p@ss@h/x", "https://u@h/x", "https://h/a%40b", "https://h/x?a=b", "https://h/with blank"),
        *("ssh://git@h/x", "ssh://git@h:22/x", "ssh://h/x", "git@h:x.git", "h:x", "h:/srv/x", "git@[::1]:x"),
        *(
            "git://h/x",
            "file:///srv/x",
            "file:///srv/a@b",
            "/srv/x",
            "/srv/a@b.git",
            "../x",
            "x.git",
            "./u:p@h",
            "/u:p@h",
            "a@b",
        ),
        *("httpd-docs/x.git", "http.git"),
    ],
)
def test_repository_is_taken_as_it_is(repo: str) -> None:
    """What git understands is understood."""
    assert parse_repo(repo) == repo


@pytest.mark.parametrize(
    "repo",
    [
        f"https://u:ab/{WORD}@h/x.git",
        f"https://u:ab#{WORD}@h/x.git",
        f"https://u:ab?{WORD}@h/x.git",
        f"https://u:12/{WORD}@h/x.git",
        f"https://u:p@ss/{WORD}@h/x.git",
        f"https://{WORD}/ab@h/x.git",
        f"https:/u:{WORD}@h/x.git",
        f"https:u:{WORD}@h/x.git",
        f"https:///u:{WORD}@h/x.git",
        f"https//u:{WORD}@h/x.git",
        f"http;//u:{WORD}@h/x.git",
        f"https:\\\\u:{WORD}@h/x.git",
        f"https://u:{WORD}@/x.git",
        f"https://u:{WORD}@h:port/x.git",
        f"https://u:{WORD}@[::1/x.git",
        f"//u:{WORD}@h/x.git",
        f"u:{WORD}@h/x.git",
        f"ann@corp:{WORD}@h/x.git",
        f"ssh://git:{WORD}@h/x.git",
        f"ssh:/git:{WORD}@h/x.git",
        f"git://u:{WORD}@h/x.git",
        f"file://u:{WORD}@h/x.git",
        f"ftp://u:{WORD}@h/x.git",
        f'"https://u:{WORD}@h/x.git"',
        f"'https://u:{WORD}@h/x.git'",
        f"<https://u:{WORD}@h/x.git>",
        f"`https://u:{WORD}@h/x.git`",
        f"https://u:{WORD}\t@h/x.git",
        f"-https://u:{WORD}@h/x.git",
        f"[https://u:{WORD}@h/x.git]",
        f"url=https://u:{WORD}@h/x.git",
        f"(https:/u:{WORD}@h/x.git)",
        f"x/u:{WORD}@h/x.git",
    ],
)
def test_login_that_cannot_be_told_is_refused_and_not_shown(repo: str) -> None:
    """Nothing that may be a password is taken for a host or a path, and shown."""
    for argv, environ in (([f"--repo={repo}"], {}), ([], {"GITSYNC_REPO": repo})):
        with pytest.raises(ConfigError) as caught:
            load([*argv, "--root=/srv"], environ)
        assert "REPO: " in str(caught.value).upper()
        assert WORD not in str(caught.value)


@pytest.mark.parametrize("written", [" https://u:pw12@h/x ", "https://u:pw12@h/x\n", "\ufeffhttps://u:pw12@h/x\r\n"])
def test_blanks_around_a_url_are_taken_off(written: str) -> None:
    """Editors, shells and manifests add them, and they are never meant."""
    for argv, environ in (([f"--repo={written}"], {}), ([], {"GITSYNC_REPO": written})):
        assert load([*argv, "--root=/srv"], environ).repos[0].repo == "https://h/x"


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:1/a?b=c#d", "http://u:p@h/a", "http://[::1]:9/", "https://h/a%40b", " http://h/\n"]
)
def test_url_of_a_request_is_taken_as_it_is(url: str) -> None:
    """What a request of ours can be sent to is understood."""
    assert parse_url(url) == url.strip()


@pytest.mark.parametrize("option", ["askpass-url", "webhook-url", "github-base-url"])
@pytest.mark.parametrize(
    "url",
    [
        *(f"http://u:ab/{WORD}@h/a", f"http:/u:{WORD}@h/a", f"'http://u:{WORD}@h/a'", f"u:{WORD}@h/a"),
        *(f"http://u:{WORD}@/a", f"http://u:{WORD} @h/a", f"http://u:{WORD}@h:x/", f"ftp://u:{WORD}@h/"),
    ],
)
def test_url_of_a_request_that_cannot_be_told_is_refused_and_not_shown(option: str, url: str) -> None:
    """That holds for the requests of ours as well."""
    with pytest.raises(ConfigError, match=f"--{option}: ") as caught:
        config(f"--{option}={url}")
    assert WORD not in str(caught.value)


def test_login_leaves_the_url_that_others_are_rewritten_to() -> None:
    """git would hand it to its helpers as an argument."""
    settings = f'"url.https://u:{WORD}@h/.insteadOf":"https://o/",user.name:x@y,"url.git@h:.insteadOf":"https://p/"'
    repo = repo_config(f"--git-config={settings}")
    assert [setting.key for setting in repo.git.git_config] == [
        "url.https://h/.insteadOf",
        "user.name",
        "url.git@h:.insteadOf",
    ]
    (login,) = repo.auth.of_urls
    assert (login.url, login.username, login.password and login.password.reveal()) == ("https://h/", "u", WORD)


def test_user_of_the_url_is_the_one_of_the_password() -> None:
    """A user that is named there need not be named again; one that is given as an option counts."""
    repo, environ = "--repo=https://ann@h/x", {"GITSYNC_PASSWORD": WORD}
    assert load([repo, "--root=/srv"], environ).repos[0].auth.username == "ann"
    assert load([repo, "--root=/srv", "--username=bob"], environ).repos[0].auth.username == "bob"
    with pytest.raises(ConfigError, match="--username"):
        load(["--repo=https://h/x", "--root=/srv"], environ)


@pytest.mark.parametrize(
    ("repo", "destination"),
    [
        ("ssh://git@h.test/x", ("--", "git@h.test")),
        ("ssh://h:22/x", ("-p", "22", "--", "h")),
        ("ssh://u@[::1]:2222/x", ("-p", "2222", "--", "u@::1")),
        ("git@h:team/x.git", ("--", "git@h")),
        ("h:x", ("--", "h")),
        ("git@[::1]:x", ("--", "git@::1")),
        ("[h:22]:x", None),
        ("ssh://-oProxyCommand=x/y", None),
        ("-oProxyCommand=x:y", None),
        ("ssh://u%40v@h/x", None),
        ("ssh://h:1:2/x", None),
        ("https://h/x", None),
        ("/srv/x", None),
        ("ssh://h\n/x", None),
    ],
)
def test_destination_of_ssh(repo: str, destination: tuple[str, ...] | None) -> None:
    """What ssh is to be told is known of usual addresses, and nothing is an option that must not be one."""
    assert ssh_destination(repo) == destination
