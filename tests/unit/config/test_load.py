"""From arguments and environment to a configuration, or to everything that is wrong with them."""

import signal
from pathlib import Path
from typing import Any

import pytest

from gitsync.base.errors import ConfigError
from gitsync.base.redact import MASK
from gitsync.config import Bind, load
from tests.unit.examples import REPO, REQUIRED, config, repo_config


def problems(*argv: str, **environ: str) -> list[str]:
    """Return what is wrong with these options beside the required ones."""
    with pytest.raises(ConfigError) as caught:
        config(*argv, **environ)
    return list(caught.value.problems)


def test_required_alone() -> None:
    """A repository and a root are enough; everything else has a default."""
    loaded = load(REQUIRED, {})
    (repo,) = loaded.repos
    assert (repo.repo, repo.ref, repo.root, repo.link) == (REPO, "HEAD", Path("/srv/git"), Path("/srv/git/site.git"))
    assert (repo.content.depth, repo.upkeep.keep, repo.upkeep.heal_period) == (1, 30.0, 60.0)
    assert (repo.upkeep.max_trees, repo.upkeep.keeps_whole_time) == (3, False)
    assert (repo.upkeep.touch_file, repo.upkeep.error_file, repo.auth.of_urls) == (None, None, ())
    assert (repo.schedule.period, repo.schedule.sync_timeout, repo.schedule.max_backoff) == (10.0, 120.0, 60.0)
    assert (repo.schedule.jitter, repo.schedule.one_time) == (0.1, False)
    assert (repo.git.git, repo.git.git_config, repo.git.git_config_add) == ("git", (), ())
    assert (loaded.sync_on_signal, loaded.http.bind) == (None, Bind("", 9484, required=False))
    assert (loaded.receiver.secret, loaded.receiver.secret_file) == (None, None)
    assert (loaded.shutdown_timeout, loaded.log.log_format, loaded.log.verbose) == (10.0, "auto", 0)


@pytest.mark.parametrize("name", ["GITSYNC_REPO", "GIT_SYNC_REPO", "GIT_REPO"])
@pytest.mark.parametrize("root", ["GITSYNC_ROOT", "GIT_SYNC_ROOT"])
def test_environment(name: str, root: str) -> None:
    """The environment alone will do, by each of its names."""
    (repo,) = load([], {name: REPO, root: "/srv/git"}).repos
    assert (repo.repo, repo.root) == (REPO, Path("/srv/git"))


@pytest.mark.parametrize("argv", [("--period=5s",), ("--period", "5s"), ("--wait=5",), ("--wait", "5.0")])
def test_period_flags(argv: tuple[str, ...]) -> None:
    """A flag and its value may be one word or two; the older flag takes plain seconds."""
    assert repo_config(*argv).schedule.period == 5.0


@pytest.mark.parametrize(
    ("environ", "field", "value"),
    [
        ({"GITSYNC_PERIOD": "5s"}, "period", 5.0),
        ({"GIT_SYNC_PERIOD": "5s"}, "period", 5.0),
        ({"GIT_SYNC_WAIT": "2.5"}, "period", 2.5),
        ({"GITSYNC_SYNC_TIMEOUT": "1m"}, "sync_timeout", 60.0),
        ({"GIT_SYNC_TIMEOUT": "60"}, "sync_timeout", 60.0),
        ({"GIT_SYNC_MAX_SYNC_FAILURES": "3"}, "max_failures", 3),
        ({"GITSYNC_INIT_MAX_FAILURES": "4"}, "init_max_failures", 4),
        ({"GIT_SYNC_ONE_TIME": "t"}, "one_time", True),
    ],
)
def test_schedule_variables(environ: dict[str, str], field: str, value: Any) -> None:
    """The older variables mean what they meant, in their own units."""
    assert getattr(repo_config(**environ).schedule, field) == value


@pytest.mark.parametrize("argv", [("--link=www",), ("--dest=www",)])
def test_link_flags(argv: tuple[str, ...]) -> None:
    """The link is relative to the root, by its name or the older one."""
    assert repo_config(*argv).link == Path("/srv/git/www")


def test_flag_wins() -> None:
    """A flag beats the environment."""
    assert repo_config("--period=5s", GITSYNC_PERIOD="6s").schedule.period == 5.0
    assert repo_config("--one-time=false", GITSYNC_ONE_TIME="true").schedule.one_time is False


def test_last_flag_wins() -> None:
    """A flag that is given twice counts as given last."""
    assert repo_config("--period=5s", "--period=6s").schedule.period == 6.0


def test_empty_variable() -> None:
    """An empty variable is as good as none, also for a required option and for a secret of ours."""
    assert repo_config(GITSYNC_PERIOD="", GITSYNC_REPO="", GITSYNC_PASSWORD="").schedule.period == 10.0
    with pytest.raises(ConfigError, match="--repo: it must be given"):
        load(["--root=/srv"], {"GITSYNC_REPO": ""})


@pytest.mark.parametrize("argv", [("--one-time",), ("--one-time=true",), ("--one-time", "--depth=0")])
def test_boolean_flag(argv: tuple[str, ...]) -> None:
    """A boolean flag may stand alone or have a value."""
    assert repo_config(*argv).schedule.one_time is True


@pytest.mark.parametrize("text", ["--one-time=false", "--one-time=F", "--one-time=0"])
def test_boolean_flag_is_off(text: str) -> None:
    """A boolean flag can be switched off."""
    assert repo_config(text).schedule.one_time is False


@pytest.mark.parametrize(
    "argv", [("-v=3",), ("-v", "3"), ("-v3",), ("--v=3",), ("--v", "3"), ("--verbose=3",), ("--verbose", "3")]
)
def test_verbosity(argv: tuple[str, ...]) -> None:
    """Every spelling of the verbosity that Go's flags and ours know is understood."""
    assert config(*argv).log.verbose == 3


def test_repeatable() -> None:
    """All occurrences of a repeatable option count, in their order."""
    git = repo_config("--git-config=a.b:1,c.d:2", "--git-config=e.f:3", GITSYNC_GIT_CONFIG_ADD="g.h:4,g.h:5").git
    assert [(item.key, item.value) for item in git.git_config] == [("a.b", "1"), ("c.d", "2"), ("e.f", "3")]
    assert [(item.key, item.value) for item in git.git_config_add] == [("g.h", "4"), ("g.h", "5")]


def test_all_problems_at_once() -> None:
    """Everything that is wrong is told together, each with option, value and remedy."""
    with pytest.raises(ConfigError) as caught:
        load(
            ["--perod=3s", "stray", "--depth=x", "--period=10", "--ref=a b"],
            {"GITSYNC_ROOT": "/srv", "GITSYNC_JITTER": "2"},
        )
    assert sorted(caught.value.problems) == sorted(
        [
            "--perod: there is no such option; did you mean --period?",
            "'stray': only options are taken; remove it",
            "--depth=x: use a whole number",
            "--period=10: use a duration with a unit, such as 250ms, 10s or 1m30s",
            "--ref=a b: this cannot be a ref; use a branch, a tag, a full ref name or a full commit hash",
            "GITSYNC_JITTER=2: use a number from 0 to 1",
            "--repo: it must be given; use the option or the environment variable GITSYNC_REPO",
        ]
    )


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (("--nothing-like-it",), "--nothing-like-it: there is no such option; see --help"),
        (("--one-time=maybe",), "--one-time=maybe: use true or false"),
        (("--log-format=xml",), "--log-format=xml: use one of auto, json, console"),
        (("--", "word"), "'word': only options are taken; remove it"),
    ],
)
def test_one_problem(argv: tuple[str, ...], problem: str) -> None:
    """A problem names what was written and what to do."""
    assert problems(*argv) == [problem]


@pytest.mark.parametrize("last", ["--git-config", "-v"])
def test_missing_value(last: str) -> None:
    """A flag without its value is the only problem, if there is no other."""
    (problem,) = problems(last)
    assert last in problem


def test_bad_required_value_is_one_problem() -> None:
    """A required option with a bad value is not reported as missing too."""
    with pytest.raises(ConfigError) as caught:
        load(["--repo=a\tb", "--root=/srv"], {})
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("option", ["--repo", "--root", "--ref"])
def test_empty_flag(option: str) -> None:
    """An empty flag, unlike an empty variable, is somebody's mistake."""
    argv = [argument for argument in REQUIRED if not argument.startswith(option)]
    with pytest.raises(ConfigError, match=option):
        load([*argv, f"{option}="], {})


def test_process_options() -> None:
    """What concerns the process as a whole is read into the configuration itself."""
    loaded = config("--sync-on-signal=HUP", "--http-bind=127.0.0.1:0", "--shutdown-timeout=2s", "--log-format=json")
    assert loaded.sync_on_signal is signal.SIGHUP
    assert loaded.http.bind == Bind("127.0.0.1", 0, required=True)
    assert (loaded.shutdown_timeout, loaded.log.log_format) == (2.0, "json")
    assert config("--http-bind=off").http.bind is None


def test_default_port_asked_for() -> None:
    """The default port counts as asked for when somebody wrote it, here or in the environment."""
    assert config("--http-bind=:9484").http.bind == Bind("", 9484, required=True)
    assert config(GITSYNC_HTTP_BIND=":9484").http.bind == Bind("", 9484, required=True)


def test_default_port_in_a_pod() -> None:
    """Where probes may be meant, the default port must work as well; not in an init container that ends."""
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert config(**pod).http.bind == Bind("", 9484, required=True)
    assert config("--one-time", **pod).http.bind == Bind("", 9484, required=False)


def test_pure() -> None:
    """Loading needs no file: root, secret file and repository do not have to exist."""
    loaded = load(["--repo=/no/such/repo", "--root=/no/such/root", "--receiver-secret-file=/no/such/file"], {})
    assert loaded.receiver.secret_file == Path("/no/such/file")


def test_shown() -> None:
    """What was given is shown in the start-up log as it was written, secrets and logins masked."""
    loaded = load(
        ["--repo=https://ann:Tr0ub4dor@example.test/site.git", "--root=/srv", "--git-config=http.extraHeader:X: 1"],
        {"GITSYNC_RECEIVER_SECRET": "correct-horse", "GITSYNC_PERIOD": "5s"},
    )
    assert loaded.shown == {
        "repo": f"https://{MASK}@example.test/site.git",
        "root": "/srv",
        "git_config": MASK,
        "period": "5s",
        "receiver_secret": MASK,
    }


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["--repo=https://u:Tr0ub4dor@h/x.git", "--ref=a b"], {}),
        (["--repo=ext::https://u:Tr0ub4dor@h/x.git"], {}),
        (["--repo=https://u:Tr0ub4dor\n@h/x.git"], {}),
        (["--repo=https://u:Tr0ub4dor@h/\tx.git"], {}),
        (["--git-config=headeronly:X-Token: Tr0ub4dor"], {}),
        (['--git-config=http.extraHeader:"X-Token: Tr0ub4dor'], {}),
        ([], {"GITSYNC_RECEIVER_SECRET": "Tr0ub4dor", "GITSYNC_RECEIVER_SECRET_FILE": "/x"}),
        (["--strict"], {"GITSYNC_REPO": "https://u:Tr0ub4dor@h/x", "GIT_SYNC_REPO": "https://u:Tr0ub4dor@h/y"}),
    ],
    ids=["other-problem", "transport", "line-break", "tab", "settings", "quote", "two-secrets", "disagreeing"],
)
def test_no_secret_in_problems(argv: list[str], environ: dict[str, str]) -> None:
    """No text of a problem holds a password or a value of git configuration."""
    with pytest.raises(ConfigError) as caught:
        load([*argv, "--depth=-1"], environ)
    assert "Tr0ub4dor" not in "\n".join([*caught.value.problems, str(caught.value)])


def test_secret_hides() -> None:
    """The receiver's secret is known to the configuration and shows itself nowhere."""
    loaded = config(GITSYNC_RECEIVER_SECRET="correct-horse")
    assert loaded.receiver.secret is not None
    assert [secret.reveal() for secret in loaded.receiver.secret] == ["correct-horse"]
    assert "correct-horse" not in repr(loaded)


@pytest.mark.parametrize(("before", "after"), [("", "\n"), ("", "\r\n"), ("\ufeff", "\n\n"), ("\n", "")])
def test_line_breaks_around_a_variable_are_not_meant(before: str, after: str) -> None:
    """`echo` and editors add them to what becomes a Secret."""
    given = {"USERNAME": "ann", "PASSWORD": "correct-horse", "DEPTH": "3"}
    (repo,) = config(**{f"GITSYNC_{name}": f"{before}{value}{after}" for name, value in given.items()}).repos
    assert repo.auth.password
    assert (repo.auth.username, repo.auth.password.reveal(), repo.content.depth) == ("ann", "correct-horse", 3)


def test_line_break_within_a_secret_is_named() -> None:
    """No server takes such a password, and the message says why without showing it."""
    with pytest.raises(ConfigError, match="GITSYNC_PASSWORD: it has more than one line") as caught:
        config("--username=ann", GITSYNC_PASSWORD="correct\nhorse")
    assert "horse" not in str(caught.value)


def test_variable_of_line_breaks_is_none() -> None:
    """It counts as empty."""
    assert config(GITSYNC_PASSWORD="\n").repos[0].auth.password is None


def test_password_of_any_bytes_is_kept() -> None:
    """A variable need not be text in the encoding of the process."""
    (repo,) = config("--username=ann", GITSYNC_PASSWORD="w\udcf6rd-1234").repos
    assert repo.auth.password
    assert repo.auth.password.reveal() == "w\udcf6rd-1234"


@pytest.mark.parametrize("written", ["", "\n", "\ufeff\r\n"])
def test_empty_receiver_secret_stops_the_start(written: str) -> None:
    """Who sets it wants a receiver, and would wait for webhooks that nobody lets in."""
    with pytest.raises(ConfigError, match="GITSYNC_RECEIVER_SECRET: it is empty"):
        config(GITSYNC_RECEIVER_SECRET=written)
