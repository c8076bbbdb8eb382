"""Of options that exclude each other an entry's own count, and the defaults' do not."""

import pytest

from gitsync.config import RepoConfig, load, rules
from gitsync.config.alternatives import displaced
from gitsync.config.model import repo_options

LOGIN = "username: ada, password-file: /p"
ASKPASS = "askpass-url: http://h.test"
APP = "github-app-client-id: Iv1, github-app-installation-id: '1', github-app-private-key-file: /k"
CASES = {
    "a pattern for a ref": ("ref: main", "ref-pattern: v*", ("HEAD", "v*", None)),
    "a range for a ref": ("ref: main", "ref-semver: ^1", ("HEAD", None, "^1")),
    "a ref for both": ("ref-pattern: v*, ref-semver: ^1", "ref: main", ("main", None, None)),
    "a range beside a pattern": ("ref-pattern: v*", "ref-semver: ^1", ("HEAD", "v*", "^1")),
}
LOGINS = {
    "askpass for a password": (LOGIN, ASKPASS, {"askpass"}),
    "a password for askpass": (ASKPASS, LOGIN, {"username", "password_file"}),
    "an App for a password": (LOGIN, APP, {"app"}),
    "a password for an App": (APP, LOGIN, {"username", "password_file"}),
    "another id of the App": (APP, "github-app-application-id: '7'", {"app", "application_id"}),
    "nothing": (ASKPASS, 'username: ""', {"askpass"}),
}


def entry(defaults: str, own: str) -> RepoConfig:
    """Return what a repository is of which this is written in the defaults and in its entry."""
    text = f"defaults: {{root: /git, {defaults}}}\nrepositories: [{{repo: 'https://h.test/a', {own}}}]\n"
    return load(["--config=/etc/gitsync.yaml"], {}, text=text).repos[0]


@pytest.mark.parametrize(("defaults", "own", "followed"), CASES.values(), ids=CASES)
def test_what_is_followed(defaults: str, own: str, followed: tuple[str, str | None, str | None]) -> None:
    """The entry says which ref it is; a pattern and a range may come from either."""
    found = entry(defaults, own).followed
    assert (found.ref, found.ref_pattern, found.ref_semver) == followed


@pytest.mark.parametrize(("defaults", "own", "given"), LOGINS.values(), ids=LOGINS)
def test_logins(defaults: str, own: str, given: set[str]) -> None:
    """A login of one kind in an entry stands in the place of the whole login of another kind."""
    auth = entry(defaults, own).auth
    found = {
        "username": auth.username,
        "password_file": auth.password_file,
        "askpass": auth.askpass_url,
        "app": auth.github.app_installation_id,
        "application_id": auth.github.app_application_id,
    }
    assert {name for name, value in found.items() if value is not None} == given


def test_choices_are_those_that_exclude_each_other() -> None:
    """Whatever the rules refuse together in one entry may be in the defaults and in the entry."""
    in_files = {option.name for option in repo_options() if not option.spelling.env_only}
    pairs = [pair for pair in rules._EXCLUSIVE if in_files.issuperset(pair)]
    assert len(pairs) > 4
    for one, other in pairs:
        assert (other in displaced({one}), one in displaced({other})) == (True, True)
