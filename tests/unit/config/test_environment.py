"""What children get to see of the environment, and what is said of the rest."""

import pytest

from gitsync.base.errors import ConfigError
from gitsync.config import GitSetting
from gitsync.config.environment import INHERITED
from tests.unit.examples import config, repo_config


def seen_by_hooks(**environ: str) -> set[str]:
    """Return the names of the variables that hooks see."""
    return set(repo_config(**environ).hooks.environment)


def test_hooks_see_what_the_container_has() -> None:
    """Without an option hooks see the container's variables, and those of ours that are not secret."""
    environ = {"PATH": "/bin", "HOME": "/home", "TARGET": "web", "GITSYNC_LINK": "www", "GIT_SYNC_DEPTH": "1"}
    assert repo_config(**environ).hooks.environment == environ


@pytest.mark.parametrize(
    "name",
    [
        *("GITSYNC_RECEIVER_SECRET", "GITSYNC_WEBHOOK_URL", "GITSYNC_GIT_CONFIG_ADD", "GIT_SYNC_TOKEN"),
        *("GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "GIT_DIR", "GIT_ASKPASS", "GIT_AUTHOR_NAME", "GIT_SSL_KEY"),
        *("SSH_AUTH_SOCK", "SSH_ASKPASS"),
    ],
)
def test_hooks_do_not_see_secrets_nor_what_steers_git(name: str) -> None:
    """Variables of ours that are secret, and those of git and ssh, are not for hooks, unless they are named."""
    value = "http://h/secret" if name.endswith("URL") else "http.proxy:secret" if name.endswith("ADD") else "secret"
    assert seen_by_hooks(**{name: value}) == set()
    assert seen_by_hooks(**{name: value}, GITSYNC_HOOK_ENV=f"all,{name}") == {name, "GITSYNC_HOOK_ENV"}


def test_hooks_do_not_see_a_secret_under_another_name() -> None:
    """A variable that holds a secret of ours is one, whatever it is called; and so is a URL with a login."""
    password = {"GITSYNC_USERNAME": "ann", "GITSYNC_PASSWORD": "Tr0ub4dor"}
    assert seen_by_hooks(**password, TOKEN="Tr0ub4dor", DATABASE="db://ann:Tr0ub4dor@h") == {"GITSYNC_USERNAME"}
    assert seen_by_hooks(GIT_REPO="https://ann:pw4711@h/x") == set()
    assert seen_by_hooks(GIT_REPO="https://h/x", OTHER="https://bob:pw12@h/x") == {"GIT_REPO", "OTHER"}


def test_hooks_see_only_what_is_named() -> None:
    """With a list hooks see what is in it, and what every program needs."""
    environ = {"PATH": "/bin", "TZ": "UTC", "TARGET": "web", "OTHER": "x"}
    assert seen_by_hooks(**environ, GITSYNC_HOOK_ENV="TARGET, ABSENT") == {"PATH", "TZ", "TARGET"}


@pytest.mark.parametrize("written", ["A;B", "A,,B", "1", "A=b", "-"])
def test_bad_names(written: str) -> None:
    """What is no list of names is refused."""
    with pytest.raises(ConfigError, match="use all, or names of variables separated by commas"):
        config(f"--hook-env={written}")


def test_settings_of_git() -> None:
    """The settings that git takes from its environment come last among those that may have several values."""
    environ = {f"GIT_CONFIG_{part}_{number}": f"a.{part}{number}" for part in ("KEY", "VALUE") for number in range(3)}
    loaded = config("--git-config-add=a.first:0", GIT_CONFIG_COUNT="2", **environ)
    assert loaded.repos[0].git.git_config_add == (
        GitSetting("a.first", "0"),
        GitSetting("a.KEY0", "a.VALUE0"),
        GitSetting("a.KEY1", "a.VALUE1"),
    )
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"GIT_CONFIG_COUNT": "x"}, "use the number"),
        ({"GIT_CONFIG_COUNT": "-1"}, "use the number"),
        ({"GIT_CONFIG_COUNT": "9" * 5000}, "use the number"),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b"}, "GIT_CONFIG_VALUE_0 is missing"),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a", "GIT_CONFIG_VALUE_0": "x"}, "'a' is no git setting"),
    ],
)
def test_broken_settings_of_git(environ: dict[str, str], problem: str) -> None:
    """Settings that git would refuse have no effect, and that is told."""
    loaded = config(**environ)
    (warning,) = loaded.warnings
    assert problem in warning
    assert loaded.repos[0].git.git_config_add == ()


def test_dropped_variables() -> None:
    """All that git does not get to see is named in one warning, with what to use instead."""
    environ = {
        "GIT_SSH": "/bin/ssh",
        "GIT_TRACE_CURL": "1",
        "GIT_CONFIG_GLOBAL": "/home/.gitconfig",
        "GIT_DIR": "/x",
        "GIT_NO_LAZY_FETCH": "1",
    }
    (warning,) = config(**environ).warnings
    assert warning.endswith(
        "GIT_CONFIG_GLOBAL (use --git-config), GIT_DIR (use --root and --link), GIT_NO_LAZY_FETCH, "
        "GIT_SSH (use GIT_SSH_COMMAND), GIT_TRACE_CURL (use --verbose=6)"
    )
    with pytest.raises(ConfigError) as caught:
        config("--strict", **environ)
    assert list(caught.value.problems) == [warning]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "x") for name in sorted(INHERITED)),
        *(("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_TRACE", "0"), ("GIT_ASKPASS", "")),
        *(
            ("GIT_AUTHOR_NAME", "Ann"),
            ("GIT_COMMIT", "8a5c1b0"),
            ("GIT_SSH_KEY_FILE", "/x"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ),
    ],
)
def test_nothing_to_say(name: str, value: str) -> None:
    """What is handed on, says what we do anyway, or is none of git's is not spoken of."""
    assert config(**{name: value}).warnings == ()
