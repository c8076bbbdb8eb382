"""Which name of an option counts where several are given, and what becomes of names that are none."""

from typing import Any

import pytest

from gitsync.base.errors import ConfigError
from gitsync.config import load
from tests.unit.examples import REPO, config, repo_config


@pytest.mark.parametrize(
    ("argv", "environ", "period"),
    [
        ((), {"GITSYNC_PERIOD": "5s", "GIT_SYNC_PERIOD": "6s"}, 6.0),
        ((), {"GITSYNC_PERIOD": "5s", "GIT_SYNC_WAIT": "7"}, 7.0),
        ((), {"GIT_SYNC_PERIOD": "6s", "GIT_SYNC_WAIT": "7"}, 7.0),
        ((), {"GITSYNC_PERIOD": "5s", "GIT_SYNC_WAIT": "0"}, 5.0),
        ((), {"GIT_SYNC_WAIT": "0"}, 10.0),
        ((), {"GITSYNC_PERIOD": "5s", "GITSYNC_WAIT": "7"}, 5.0),
        (("--period=5s", "--wait=7"), {}, 7.0),
        (("--wait=7", "--period=5s"), {}, 7.0),
        (("--period=5s",), {"GIT_SYNC_PERIOD": "6s"}, 5.0),
        (("--period=5s",), {"GIT_SYNC_WAIT": "7"}, 7.0),
        (("--wait=8",), {"GIT_SYNC_WAIT": "7", "GITSYNC_PERIOD": "5s"}, 8.0),
        (("--period=5s", "--wait=0"), {}, 5.0),
    ],
)
def test_older_name_counts(argv: tuple[str, ...], environ: dict[str, str], period: float) -> None:
    """The older name goes before the newer one and a flag before a variable of its age; no wait is none."""
    assert repo_config(*argv, **environ).schedule.period == period


def test_own_name_gives_way() -> None:
    """A name that git-sync does not know never leads to another repository than git-sync would publish."""
    (repo,) = load(["--root=/srv"], {"GIT_REPO": "https://h/a", "GITSYNC_REPO": REPO}).repos
    assert repo.repo == REPO


def test_default_of_the_image_gives_way() -> None:
    """The root that the image sets gives way to the one of an older manifest."""
    loaded = load([f"--repo={REPO}"], {"GITSYNC_ROOT": "/git", "GIT_SYNC_ROOT": "/data"})
    assert str(loaded.repos[0].root) == "/data"
    assert loaded.warnings == (
        "GITSYNC_ROOT=/git: GIT_SYNC_ROOT=/data counts instead, as it does in git-sync; remove one of them",
    )


@pytest.mark.parametrize(
    ("argv", "environ", "ref"),
    [
        (("--branch=main",), {}, "main"),
        (("--rev=v1",), {}, "v1"),
        (("--branch=main", "--rev=HEAD"), {}, "main"),
        (("--rev=HEAD", "--branch=main"), {}, "main"),
        (("--branch=main", "--rev=v1"), {}, "v1"),
        (("--branch=main", "--ref=HEAD"), {}, "main"),
        ((), {"GIT_SYNC_BRANCH": "main", "GIT_SYNC_REV": "HEAD", "GITSYNC_REF": "HEAD"}, "main"),
        ((), {"GIT_SYNC_BRANCH": "main", "GITSYNC_REF": "v1"}, "main"),
        ((), {"GIT_SYNC_REV": "", "GITSYNC_REF": "v1"}, "v1"),
        ((), {"GITSYNC_BRANCH": "main", "GITSYNC_REV": "HEAD"}, "main"),
        ((), {"GITSYNC_BRANCH": "main", "GITSYNC_REV": "v1"}, "v1"),
        ((), {"GITSYNC_BRANCH": "main", "GITSYNC_REF": "v1"}, "v1"),
        ((), {"GITSYNC_BRANCH": "dev", "GIT_SYNC_REV": "v1"}, "v1"),
    ],
)
def test_branch_and_rev(argv: tuple[str, ...], environ: dict[str, str], ref: str) -> None:
    """The older pair: a rev counts, unless it is HEAD and there is a branch; either goes before a ref."""
    assert repo_config(*argv, **environ).ref == ref


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (("--period=5s", "--wait=5"), {}),
        ((), {"GITSYNC_PERIOD": "60s", "GIT_SYNC_PERIOD": "1m", "GIT_SYNC_WAIT": "60"}),
        ((), {"GITSYNC_USERNAME": "ann", "GITSYNC_PASSWORD": "Tr0ub4dor", "GIT_SYNC_PASSWORD": "Tr0ub4dor"}),
        ((), {"GITSYNC_SSH_KEY_FILE": "/key", "GIT_SYNC_SSH_KEY_FILE": "/key", "GIT_SSH_KEY_FILE": "/key"}),
        ((), {"GITSYNC_MAX_FAILURES": "3", "GIT_SYNC_MAX_SYNC_FAILURES": "0"}),
        (("--period=5s",), {"GITSYNC_PERIOD": "6s"}),
    ],
)
def test_nothing_to_warn_of(argv: tuple[str, ...], environ: dict[str, str]) -> None:
    """Names that agree are fine, however they are written, and so is a flag before a variable."""
    assert config(*argv, **environ).warnings == ()


def test_list_of_one_name() -> None:
    """A list is that of the name that counts, and not of all names together."""
    keys = repo_config(GITSYNC_SSH_KEY_FILE="/a:/b", GIT_SSH_KEY_FILE="/a:/b").auth.ssh.key_file
    assert [str(key) for key in keys] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("argv", "environ", "named"),
    [
        (("--link=a", "--dest=b"), {}, ("--link=a", "--dest=b")),
        ((), {"GITSYNC_PERIOD": "5s", "GIT_SYNC_PERIOD": "6s"}, ("GITSYNC_PERIOD=5s", "GIT_SYNC_PERIOD=6s")),
        (("--period=5s",), {"GIT_SYNC_WAIT": "6"}, ("--period=5s", "GIT_SYNC_WAIT=6")),
    ],
)
def test_names_that_disagree(argv: tuple[str, ...], environ: dict[str, str], named: tuple[str, str]) -> None:
    """Two names with different values are one warning, which says what counts; with --strict they are refused."""
    (warning,) = config(*argv, **environ).warnings
    assert warning == f"{named[0]}: {named[1]} counts instead, as it does in git-sync; remove one of them"
    with pytest.raises(ConfigError) as caught:
        config(*argv, "--strict", **environ)
    assert list(caught.value.problems) == [warning]


def test_secrets_that_disagree() -> None:
    """Two passwords are told apart, and neither is shown."""
    environ = {"GITSYNC_USERNAME": "ann", "GITSYNC_PASSWORD": "Tr0ub4dor", "GIT_SYNC_PASSWORD": "correct-horse"}
    loaded = config(**environ)
    password = loaded.repos[0].auth.password
    assert password is not None
    assert password.reveal() == "correct-horse"
    (warning,) = loaded.warnings
    assert warning.startswith("GITSYNC_PASSWORD: GIT_SYNC_PASSWORD counts instead")


@pytest.mark.parametrize(
    ("name", "written", "path", "value"),
    [
        ("GITSYNC_DEST", "www", "link.name", "www"),
        ("GITSYNC_WAIT", "7", "schedule.period", 7.0),
        ("GITSYNC_WAIT", "7s", "schedule.period", 7.0),
        ("GITSYNC_TIMEOUT", "60", "schedule.sync_timeout", 60.0),
        ("GITSYNC_MAX_SYNC_FAILURES", "3", "schedule.max_failures", 3),
        ("GITSYNC_KNOWN_HOSTS", "false", "auth.ssh.known_hosts", False),
        ("GITSYNC_HOOK_COMMAND", "date", "hooks.exechook.command", "date"),
        ("GITSYNC_SYNC_HOOK_COMMAND", "date", "hooks.exechook.command", "date"),
    ],
)
def test_guessed_variables(name: str, written: str, path: str, value: Any) -> None:
    """A variable that can only mean one option is taken for it, in either notation."""
    loaded = config(**{name: written})
    found: Any = loaded.repos[0]
    for part in path.split("."):
        found = getattr(found, part)
    assert (found, loaded.warnings) == (value, ())


def test_guessed_variable_in_another_form() -> None:
    """What git-sync passes over does not end the start when it cannot be read."""
    loaded = config(GITSYNC_KNOWN_HOSTS="/etc/hosts")
    assert loaded.repos[0].auth.ssh.known_hosts is True
    assert loaded.warnings == ("GITSYNC_KNOWN_HOSTS=/etc/hosts: use true or false",)
    assert config(GIT_SYNC_SSH="yes").warnings == ("GIT_SYNC_SSH=yes: use true or false",)


def test_unknown_variables() -> None:
    """All variables that look like options and are none are named in one warning, each with the nearest option."""
    environ = {
        "GITSYNC_PEROID": "1s",
        "GIT_SYNC_FILTER": "tree:0",
        "GITSYNC_ALTOGETHER_DIFFERENT": "x",
        "GITSYNC_QQ": "",
    }
    (warning,) = config(**environ).warnings
    assert "GITSYNC_PEROID (did you mean GITSYNC_PERIOD?)" in warning
    assert "GIT_SYNC_FILTER (did you mean GITSYNC_FILTER?)" in warning
    assert "GITSYNC_ALTOGETHER_DIFFERENT, " in warning
    assert "GITSYNC_QQ" not in warning
    with pytest.raises(ConfigError) as caught:
        config(**environ, GITSYNC_STRICT="true")
    assert list(caught.value.problems) == [warning]


@pytest.mark.parametrize("name", ["GITSYNC_PORTS", "GITSYNC_SERVICE", "GITSYNC_PORT_80", "GITSYNC_"])
def test_unlike_service_links(name: str) -> None:
    """What only looks a little like a Service's variable is named."""
    (warning,) = config(**{name: "x"}).warnings
    assert name in warning


@pytest.mark.parametrize(
    "name",
    [
        "GITSYNC_PORT",
        "GITSYNC_SERVICE_HOST",
        "GITSYNC_SERVICE_PORT",
        "GITSYNC_SERVICE_PORT_HTTP",
        "GITSYNC_PORT_80_TCP",
        "GITSYNC_PORT_80_TCP_PROTO",
        "GITSYNC_PORT_80_TCP_PORT",
        "GITSYNC_WEB_PORT_80_TCP_ADDR",
        "GITSYNC_WEB_PORT_53_UDP",
        "GITSYNC_METRICS_SERVICE_HOST",
        "GIT_SYNC_SERVICE_HOST",
    ],
)
def test_service_links(name: str) -> None:
    """The variables that Kubernetes makes from a Service called gitsync-something are not taken for options."""
    assert config(**{name: "tcp://10.0.0.1:80"}).warnings == ()


def test_variable_of_hooks() -> None:
    """The variable that hooks are given is nothing to speak of, should one of them start the program."""
    assert config(GITSYNC_HASH="8a5c1b0").warnings == ()


def test_foreign_variables() -> None:
    """Variables without our prefix are nobody's business."""
    assert config(GITSYNC="x", PATH="/bin", gitsync_repo="x", GITSYNCER="x").warnings == ()


@pytest.mark.parametrize(
    "argv",
    [
        ("--link=",),
        ("--dest=",),
        ("--name=",),
        ("--filter=",),
        ("--password=",),
        ("--exechook-command=",),
        ("--webhook-url=",),
    ],
)
def test_empty_text(argv: tuple[str, ...]) -> None:
    """An empty text that a template has left is none."""
    repo = repo_config(*argv)
    assert (repo.link.name, repo.content.filter, repo.hooks.exechook.command) == ("site.git", None, None)


@pytest.mark.parametrize(("flag", "refused"), [("--change-permissions=0", False), ("--change-permissions=0755", True)])
def test_permissions(flag: str, refused: bool) -> None:
    """The flag that is gone may ask for nothing."""
    if refused:
        with pytest.raises(ConfigError, match="--group-write"):
            config(flag)
    else:
        assert config(flag, GIT_SYNC_PERMISSIONS="0").warnings == ()


def test_negative_older_verbosity() -> None:
    """The older flag of the verbosity counts unless it is negative."""
    assert config("--v=-1", GITSYNC_VERBOSE="3").log.verbose == 3
    assert config("--v=4", GITSYNC_VERBOSE="3").log.verbose == 4
