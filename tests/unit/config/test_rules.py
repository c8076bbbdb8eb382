"""What holds across options, and what follows from what."""

import threading
from pathlib import Path

import pytest

from gitsync.base.errors import ConfigError
from gitsync.config import Place, is_full_hash, load, transport
from gitsync.config.urls import split_login
from tests.unit.examples import HASH, config, repo_config


@pytest.mark.parametrize(
    ("repo", "expected"),
    [
        ("https://h/x.git", "https"),
        ("HTTPS://h/x.git", "https"),
        ("http://h/x.git", "http"),
        ("ssh://git@h/x.git", "ssh"),
        ("git://h/x.git", "git"),
        ("file:///srv/x.git", "file"),
        ("ftp://h/x.git", "ftp"),
        ("git@h:x.git", "ssh"),
        ("h:x.git", "ssh"),
        ("git@[::1]:x.git", "ssh"),
        ("/srv/x.git", "file"),
        ("x.git", "file"),
        ("./a:b", "file"),
        ("/srv/a:b", "file"),
        ("ext::sh -c true", "ext"),
        ("https::http://h/x", "https"),
    ],
)
def test_transport(repo: str, expected: str) -> None:
    """The transport is told from a repository's text as git tells it."""
    assert transport(repo) == expected


@pytest.mark.parametrize("repo", ["ext::sh -c true", "ftp://h/x", "fd::3", "rsync://h/x", "javascript://x"])
def test_refused_transport(repo: str) -> None:
    """A transport that could run a program or is not known is refused."""
    with pytest.raises(ConfigError, match=r"transport is not supported; use https, http, ssh, git or a local path"):
        load([f"--repo={repo}", "--root=/srv"], {})


@pytest.mark.parametrize("repo", ["-x", "--upload-pack=touch /tmp/x"])
def test_dash(repo: str) -> None:
    """A repository that git would take for an option is refused."""
    with pytest.raises(ConfigError, match="starts with a dash"):
        load([f"--repo={repo}", "--root=/srv"], {})


@pytest.mark.parametrize("repo", ["https://[::1/x.git", "https://h]/x.git"])
def test_broken_host(repo: str) -> None:
    """A URL that cannot be taken apart is a problem like any other."""
    with pytest.raises(ConfigError, match="--repo"):
        load([f"--repo={repo}", "--root=/srv"], {})


@pytest.mark.parametrize(
    "ref", ["HEAD", "main", "v1.0", "refs/heads/feature/x", "a-b_c", "user@host", "a@", "ümläut", HASH, "x.locked"]
)
def test_good_ref(ref: str) -> None:
    """Names that git takes for a ref are taken."""
    assert repo_config(f"--ref={ref}").ref == ref


@pytest.mark.parametrize(
    "ref",
    [
        *("-x", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a@{1}", "@"),
        *("/a", "a/", "a//b", "a/.b", ".a", "a.", "a.lock", "a.lock/b", "refs/heads/*:refs/*"),
    ],
)
def test_bad_ref(ref: str) -> None:
    """Names that git refuses, and what it would take for a pattern or an option, are refused."""
    with pytest.raises(ConfigError, match="--ref="):
        config(f"--ref={ref}")


@pytest.mark.parametrize(
    ("text", "full"),
    [
        (HASH, True),
        ("a" * 64, True),
        (HASH.upper(), False),
        (HASH[:39], False),
        (HASH + "0", False),
        ("g" * 40, False),
        ("", False),
    ],
)
def test_full_hash(text: str, full: bool) -> None:
    """Only 40 or 64 lower-case hexadecimal digits are a full hash."""
    assert is_full_hash(text) is full


@pytest.mark.parametrize(
    ("repo", "link"),
    [
        ("https://h/a/site.git", "site.git"),
        ("https://h/a/site.git/", "site.git"),
        ("https://h/site", "site"),
        ("https://u:pw12@h/site.git", "site.git"),
        ("ssh://git@h:22/a/site.git", "site.git"),
        ("git@h:a/site.git", "site.git"),
        ("file:///srv/site.git", "site.git"),
        ("/srv/site.git", "site.git"),
        ("/srv/site.git/", "site.git"),
        ("/srv/site/.git", "site"),
        ("file:///srv/site/.git/", "site"),
        ("https://h/a/site//.git", "site"),
        ("https://h/.git", "h"),
        ("/srv/site/.", "site"),
        ("/srv/.git.git", ".git.git"),
        ("git@h:site.git", "git@h:site.git"),
        ("https://h/x?y", "x?y"),
    ],
)
def test_default_link(repo: str, link: str) -> None:
    """The link is called like the last part of the URL that says something, its .git kept."""
    assert load([f"--repo={repo}", "--root=/srv/git"], {}).repos[0].link == Path("/srv/git") / link


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("www", "/srv/git/www"),
        ("a/b", "/srv/git/a/b"),
        ("./www/", "/srv/git/www"),
        ("../www", "/srv/www"),
        ("/var/www", "/var/www"),
        (".gitsync-x", "/srv/git/.gitsync-x"),
        ("x/.gitsync", "/srv/git/x/.gitsync"),
    ],
)
def test_link(link: str, path: str) -> None:
    """A link is relative to the root or absolute, also outside of it."""
    assert repo_config(f"--link={link}").link == Path(path)


@pytest.mark.parametrize(
    "link",
    [
        *(".", "/srv/git", "..", "/", "/srv", ".gitsync", ".gitsync/x", "a/../.worktrees/x", "/srv/git/.worktrees"),
        *(".repositories", ".repositories/site/.worktrees"),
    ],
)
def test_bad_link(link: str) -> None:
    """The link cannot be the root, above it, or in what we keep there."""
    with pytest.raises(ConfigError, match=r"--link=.*choose"):
        config(f"--link={link}")


@pytest.mark.parametrize("option", ["--touch-file", "--error-file"])
def test_file_within_what_is_published(option: str) -> None:
    """What we write beside the commit cannot lie in a directory that holds nothing else."""
    with pytest.raises(ConfigError, match=rf"{option}=.*within --link"):
        config("--publish=exchange", f"{option}=site.git/told")
    assert config("--publish=exchange", f"{option}=site.git.told")


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        ((), "site.git"),
        (("--link=www/current",), "current"),
        (("--link=/var/www",), "www"),
        (("--link=a b",), "a b"),
        (("--link=a\u200bb",), "a\\u200bb"),
        (("--link=.hidden",), ".hidden"),
        (("--link=www", "--name=Site_1.2-x"), "Site_1.2-x"),
        (("--name=_",), "_"),
        ((f"--name={'a' * 63}",), "a" * 63),
        (("--name=",), "site.git"),
    ],
)
def test_name(argv: tuple[str, ...], name: str) -> None:
    """A repository is called what the user says, or else what its link is, and that can be shown."""
    assert repo_config(*argv).name == name


@pytest.mark.parametrize("name", ["-a", ".a", "..", "a/b", "a b", 'a"b', "ä", "a\u200bb", "a" * 64, "a:b"])
def test_bad_name(name: str) -> None:
    """What would not do as a label, in a URL and as the name of a directory is no name."""
    with pytest.raises(ConfigError, match=r"--name.*use up to 63 letters"):
        config(f"--name={name}")


def test_work() -> None:
    """The one repository of options and variables has its root to itself."""
    repo = config(GITSYNC_NAME="docs", GITSYNC_ROOT="/srv/git").repos[0]
    assert (repo.name, repo.work, repo.work == repo.root) == ("docs", Path("/srv/git"), True)


@pytest.mark.parametrize("repo", ["https://h/..", "https://h/.", "/.git", "/", "/srv/.gitsync"])
def test_bad_default_link(repo: str) -> None:
    """A repository whose last part says nothing, or would lead out of the root, is refused with what to do."""
    with pytest.raises(ConfigError, match=r"--link=.*choose"):
        load([f"--repo={repo}", "--root=/srv/git"], {})


@pytest.mark.parametrize(
    ("repo", "known"),
    [
        ("HTTPS://Host/Site.git", "https://Host/Site.git"),
        ("SSH://git@h/x.git", "ssh://git@h/x.git"),
        ("File:///srv/X", "file:///srv/X"),
        ("git@H:X.git", "git@H:X.git"),
    ],
)
def test_scheme(repo: str, known: str) -> None:
    """A scheme means the same in either case, though git itself knows the small one only."""
    assert load([f"--repo={repo}", "--root=/srv"], {}).repos[0].repo == known


@pytest.mark.parametrize("ref", [HASH.upper(), "ABCDEF12" * 8])
def test_hash_in_capitals(ref: str) -> None:
    """A full hash means the same in either case; what is shorter is a name, which is taken as it is."""
    assert repo_config(f"--ref={ref}").ref == ref.lower()
    assert repo_config(f"--ref={ref[:39]}").ref == ref[:39]


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ("--period=9ms", "--period=0.009s: use at least 10ms"),
        ("--init-period=0", "--init-period=0s: use at least 10ms"),
        ("--sync-timeout=-1s", "--sync-timeout=-1s: use at least 10ms"),
        ("--depth=-1", "--depth: it cannot be negative; use 0 or more"),
        ("--stale-worktree-timeout=-1s", "--stale-worktree-timeout: it cannot be negative; use 0 or more"),
        ("--parallel=0", "--parallel=0: use 1 or more"),
        ("--max-trees=1", "--max-trees=1: use 2 or more"),
        ("--max-files=-1", "--max-files: it cannot be negative; use 0 or more"),
        ("--max-fetch=65535", "--max-fetch=65535: use 64Ki or more, or 0 for no limit"),
        ("--heal-period=-1s", "--heal-period: it cannot be negative; use 0 or more"),
        ("--max-backoff=-1s", "--max-backoff: it cannot be negative; use 0 or more"),
        ("--shutdown-timeout=-1s", "--shutdown-timeout: it cannot be negative; use 0 or more"),
        ("--webhook-success-status=1000", "--webhook-success-status=1000: use a status of HTTP, or 0"),
    ],
)
def test_limits(argv: str, problem: str) -> None:
    """A number outside of its limits is refused."""
    with pytest.raises(ConfigError) as caught:
        config(argv)
    assert caught.value.problems == (problem,)


def test_at_the_limits() -> None:
    """The limits themselves are allowed."""
    repo = repo_config("--period=10ms", "--depth=0", "--heal-period=0", "--stale-worktree-timeout=0s")
    assert (repo.schedule.period, repo.content.depth) == (0.01, 0)
    assert (repo.upkeep.heal_period, repo.upkeep.keep, repo.upkeep.keeps_whole_time) == (0.0, 0.0, True)
    assert repo_config("--max-trees=2").upkeep.max_trees == 2


def test_bounds() -> None:
    """What is beyond all use is taken for the nearest that works: no wait, and more history than there can be."""
    waits = ("exechook", "pre-publish-exechook", "webhook")
    loaded = config(
        *("--heal-period=1ns", "--depth=4294967296", "--verbose=-3", "--period=2562047h", "--sync-timeout=2562047h"),
        *(f"--{hook}-backoff=0" for hook in waits),
    )
    repo = loaded.repos[0]
    assert (repo.upkeep.heal_period, repo.content.depth, loaded.log.verbose) == (0.01, 2**31 - 1, 0)
    assert [hook.backoff for hook in (repo.hooks.exechook, repo.hooks.gate, repo.hooks.webhook)] == [0.01] * 3
    # What is computed from them has to be a wait that Python takes.
    schedule = repo.schedule
    assert max(schedule.period * 2, schedule.max_backoff, schedule.sync_timeout) < threading.TIMEOUT_MAX


@pytest.mark.parametrize(
    ("argv", "limit", "first_limit"),
    [
        ((), -1, -1),
        (("--one-time",), 0, 0),
        (("--one-time=false",), -1, -1),
        (("--max-failures=3",), 3, 3),
        (("--max-failures=3", "--one-time"), 3, 3),
        (("--init-max-failures=5",), -1, 5),
        (("--init-max-failures=-1", "--max-failures=2"), 2, -1),
        (("--init-max-failures=0", "--max-failures=2"), 2, 0),
    ],
)
def test_failure_limits(argv: tuple[str, ...], limit: int, first_limit: int) -> None:
    """A daemon tries for ever, a single pass once; the limit at the start follows the other one."""
    schedule = repo_config(*argv).schedule
    assert (schedule.max_failures, schedule.init_max_failures) == (limit, first_limit)


@pytest.mark.parametrize(
    ("argv", "init_period"), [((), 10.0), (("--period=5s",), 5.0), (("--period=5s", "--init-period=1s"), 1.0)]
)
def test_init_period(argv: tuple[str, ...], init_period: float) -> None:
    """The period at the start is the usual one unless it is given."""
    assert repo_config(*argv).schedule.init_period == init_period


@pytest.mark.parametrize(
    ("argv", "longest"),
    [
        ((), 60.0),
        (("--period=1s",), 60.0),
        (("--period=1m",), 180.0),
        (("--period=1m", "--max-backoff=5m"), 300.0),
        (("--period=1m", "--max-backoff=0"), 0.0),
    ],
)
def test_max_backoff(argv: tuple[str, ...], longest: float) -> None:
    """After failures nobody waits for more than a minute, or three periods, unless it is asked for."""
    assert repo_config(*argv).schedule.max_backoff == longest


def test_paths_below_root() -> None:
    """Touch file and error file are relative to the root, or absolute."""
    repo = repo_config("--touch-file=x/touched", "--error-file=/run/error.json")
    assert (repo.upkeep.touch_file, repo.upkeep.error_file) == (Path("/srv/git/x/touched"), Path("/run/error.json"))


def test_relative_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative root or repository is relative to the working directory of the start."""
    monkeypatch.chdir(tmp_path)
    (repo,) = load(["--repo=../origin", "--root=git"], {}).repos
    assert (repo.root, repo.repo) == (tmp_path / "git", str(tmp_path.parent / "origin"))
    assert repo.link == tmp_path / "git" / "origin"


@pytest.mark.parametrize(
    ("repo", "url", "username", "password"),
    [
        ("https://ann:pw12@h/x.git", "https://h/x.git", "ann", "pw12"),
        ("http://ann:pw12@h:8080/x.git", "http://h:8080/x.git", "ann", "pw12"),
        ("https://ann%40corp:p%40ss%3Aw%2Ford@h/x", "https://h/x", "ann@corp", "p@ss:w/ord"),
        ("https://ann:p@ss@h/x", "https://h/x", "ann", "p@ss"),
        ("https://ann:pw:12@h/x", "https://h/x", "ann", "pw:12"),
        ("https://token@h/x", "https://h/x", "token", None),
        ("https://token:@h/x", "https://h/x", "token", None),
        ("https://:pw12@h/x", "https://h/x", "", "pw12"),
    ],
)
def test_login(repo: str, url: str, username: str, password: str | None) -> None:
    """User and password leave the URL of a web server, with their percent-escapes undone."""
    (loaded,) = load([f"--repo={repo}", "--root=/srv"], {}).repos
    (login,) = loaded.auth.of_urls
    assert (loaded.repo, login.url) == (url, url)
    assert (login.username, login.password and login.password.reveal()) == (username, password)
    assert "pw12" not in repr(loaded)


@pytest.mark.parametrize(
    "repo", ["https://h/x@y.git", "ssh://git@h/x.git", "git@h:x.git", "git://ann@h/x.git", "/srv/a@b.git"]
)
def test_no_login(repo: str) -> None:
    """The user of an ssh address is part of it, and an @ elsewhere is no login."""
    assert split_login(repo) == (repo, None)


def test_two_receiver_secrets() -> None:
    """The receiver has one secret: given directly or in a file."""
    with pytest.raises(ConfigError, match="--receiver-secret-file: GITSYNC_RECEIVER_SECRET or its flag is given too"):
        config("--receiver-secret-file=/x", GITSYNC_RECEIVER_SECRET="correct-horse")


SECRET_FILE = "--receiver-secret-file=/x"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--peers=gitsync-peers:9484"], "--peers: there are no webhooks to pass on without --receiver-secret-file"),
        ([SECRET_FILE, "--peers=gitsync-peers"], "--peers=gitsync-peers: use NAME:PORT, such as gitsync-peers:9484"),
        ([SECRET_FILE, "--peers=gitsync-peers:9484", "--http-bind=off"], "--peers: nothing can come in"),
        (["--peers-secret-file=/y", SECRET_FILE], "--peers-secret-file: it is for --peers, too; give both"),
    ],
    ids=["no receiver", "no port", "no server", "no peers"],
)
def test_peers_alone(options: list[str], told: str) -> None:
    """Peers need a receiver, a place where it is reached, and a port."""
    with pytest.raises(ConfigError) as caught:
        config(*options)
    assert any(problem.startswith(told) for problem in caught.value.problems)


def test_peers() -> None:
    """Peers go with a receiver, on whichever port that is."""
    assert config(SECRET_FILE, "--peers=gitsync-peers:9484").receiver.peers.peers == Place("gitsync-peers", 9484)
    options = ["--http-bind=off", "--receiver-bind=:9485", "--peers=gitsync-peers:9485", "--peers-secret-file=/y"]
    assert config(SECRET_FILE, *options).receiver.peers.peers_secret_file == Path("/y")
