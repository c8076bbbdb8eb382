"""What is wrong in a file of repositories, or beside it, and how that is told."""

from textwrap import dedent

import pytest

from gitsync.base.errors import ConfigError
from gitsync.config import load
from gitsync.config.model import all_options

HEAD = "defaults: {root: /git}\nrepositories:\n"
ONE = HEAD + "  - repo: https://h.test/a.git\n"
QUOTES = "it takes one text; put quotes around it if it holds colons, brackets or braces"
NAME = "use up to 63 letters, digits, dots, underscores and dashes, none of . and - at the beginning"
NO_PLACE = "a file that others may see is no place for it"
NO_FIELDS = "has to be keys with values, such as `period: 30s`; mind the blank"
NO_ENTRY = "repositories: list at least one, each with a dash before it"
GIVEN = "it must be given, here or in defaults"
FIRST = "of the entry at /f.yaml:3"
OTHER = "choose another path"
KEPT = f"/git/.repositories is kept for our own work, below the root {FIRST}; {OTHER}"
FOR_ALL = "write it into defaults, for all of them"


def problems(text: str, *argv: str, **environ: str) -> list[str]:
    """Return what is wrong with a file, without its name, and with what is given beside it."""
    with pytest.raises(ConfigError) as caught:
        load(["--config=/f.yaml", *argv], environ, text=dedent(text))
    return [problem.removeprefix("/f.yaml:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("perriod: 3s", "perriod: there is no such key; did you mean period?"),
        ("nothing-like-it: 3s", "nothing-like-it: there is no such key; see --man"),
        ("http-bind: off", "http-bind: it belongs to the process; write it at the top of the file"),
        ("branch: main", "branch: it is called ref here"),
        ("dest: x", "dest: it is called link here"),
        ("wait: 3", "wait: it is called period here"),
        ("--period: 3s", "--period: it is called period here"),
        ("GITSYNC_REF: x", "GITSYNC_REF: it is called ref here"),
        ("sync_timeout: 3s", "sync_timeout: there is no such key; did you mean sync-timeout?"),
        ("period: 3", "period=3: use a duration with a unit, such as 250ms, 10s or 1m30s"),
        ("period:", "period=: it is empty; give it a value, or leave it out"),
        ("depth: [1]", f"depth: {QUOTES}"),
        ("ref: {a: b}", f"ref: {QUOTES}"),
        ("credential: {url: [x]}", f"credential: {QUOTES}"),
        ("credential: {url: x}", "credential: give url, username, and one of password and password-file"),
        ("period: 1ms", "period=0.001s: use at least 10ms"),
        ("ref: a b", "ref=a b: this cannot be a ref; use a branch, a tag, a full ref name or a full commit hash"),
        ("username: ada", "username: it goes with a password; give username, and password-file"),
        ("name: .x", f"name=.x: {NAME}"),
        ("link: ä", f"name=ä: {NAME}"),
        ("password: x", f"password: {NO_PLACE}; use password-file"),
        (
            "github-app-private-key: x",
            f"github-app-private-key: {NO_PLACE}; use github-app-private-key-file",
        ),
    ],
)  # fmt: skip
def test_line_of_an_entry(line: str, told: str) -> None:
    """What is wrong with an option has its line, its key, and the remedy."""
    number = 4 if not told.startswith("name=ä") else 3
    assert problems(f"{ONE}    {line}\n") == [f"{number}: {told}"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("perriod: 3s", "perriod: there is no such key; did you mean period?"),
        ("repository: x", "repository: there is no such key; did you mean repositories?"),
        ("period: 3s", "period: it belongs to a repository; write it into its entry, or into defaults"),
        ("v: 3", "v: it is called verbose here"),
        ("config: x", "config: a file names no other; leave it out"),
        (
            "receiver-secret: x",
            f"receiver-secret: {NO_PLACE}; use receiver-secret-file",
        ),
        ("http-bind: x", "http-bind=x: use :PORT, HOST:PORT, [IPV6]:PORT or off"),
        ("peers: a:1", "peers: there are no webhooks to pass on without receiver-secret-file; give both"),
        ("one-time: true", "one-time: it belongs to a repository; write it into its entry, or into defaults"),
    ],
)
def test_line_at_the_top(line: str, told: str) -> None:
    """What is wrong with an option of the process is told in the same way."""
    assert problems(f"{line}\n{ONE}") == [f"1: {told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", [f"1: {NO_ENTRY}"]),
        ("repositories:\n", [f"1: {NO_ENTRY}"]),
        ("repositories: {repo: x}\n", [f"1: {NO_ENTRY}"]),
        ("repositories: []\n", [f"1: {NO_ENTRY}"]),
        (
            "period:30s\n",
            [
                f"1: the file {NO_FIELDS}",
                f"1: {NO_ENTRY}",
            ],
        ),
        (f"{ONE}  - repo:x\n", [f"4: an entry {NO_FIELDS}"]),
        ("defaults: x\nrepositories: [{repo: /a, root: /b}]", [f"1: defaults {NO_FIELDS}"]),
        ("repositories: [{link: x}]", [f"1: repo: {GIVEN}", f"1: root: {GIVEN}"]),
        ("a: [\n", ["2: this is no YAML: "]),
    ],
    ids=["empty", "none", "mapping", "empty-list", "no-mapping", "no-entry", "defaults", "required", "no-yaml"],
)  # fmt: skip
def test_form(text: str, told: list[str]) -> None:
    """What the file has to be is told where it is not that."""
    found = problems(text)
    assert [problem[: len(expected)] for problem, expected in zip(found, told, strict=True)][: len(told)] == told


def test_entry_without_anything_is_one_problem_for_each_that_is_missing() -> None:
    """What is required is missing at the line of the entry."""
    assert problems(f"{HEAD}  - depth: 1\n") == [f"3: repo: {GIVEN}"]


def test_mistake_in_defaults_is_told_once() -> None:
    """It is one, however many entries it counts for."""
    text = "defaults: {root: /git, period: x}\nrepositories: [{repo: /a}, {repo: /b}, {repo: /c}]"
    assert problems(text) == ["1: period=x: use a duration with a unit, such as 250ms, 10s or 1m30s"]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("name: a", "name: a, link: b", f"name=a: it is the name {FIRST}; give each a `name` of its own"),
        ("link: x/a", "link: y/a", f"name=a: it is the name {FIRST}; give each a `name` of its own"),
        ("link: a", "name: b, link: a", f"link=/git/a: it is the link {FIRST}; {OTHER}"),
        ("link: a", "link: ./x/../a, name: b", f"link=/git/a: it is the link {FIRST}; {OTHER}"),
        ("link: a", "link: a/b", f"link=/git/a/b: it lies in the link {FIRST}; {OTHER}"),
        ("link: a/b", "link: a", f"link=/git/a/b: it lies in the link of the entry at /f.yaml:4; {OTHER}"),
        ("link: a", "touch-file: a/t", f"touch-file=/git/a/t: it lies in the link {FIRST}; {OTHER}"),
        ("touch-file: t", "touch-file: t", f"touch-file=/git/t: it is the touch-file {FIRST}; {OTHER}"),
        ("error-file: t", "touch-file: t", f"touch-file=/git/t: it is the error-file {FIRST}; {OTHER}"),
        ("link: t", "error-file: t", f"error-file=/git/t: it is the link {FIRST}; {OTHER}"),
        ("link: a", "root: /git/a", f"root=/git/a: it lies in the link {FIRST}; {OTHER}"),
        (
            "link: a",
            "root: /git/.repositories/a",
            f"root=/git/.repositories/a: {KEPT}",
        ),
        (
            "link: a",
            "root: /srv, touch-file: /git/.repositories/a/x",
            f"touch-file=/git/.repositories/a/x: {KEPT}",
        ),
        (
            "link: a",
            "root: /srv, link: /git/.repositories/x",
            f"link=/git/.repositories/x: {KEPT}",
        ),
        ("one-time: true", "link: b", f"one-time: it has to be as at /f.yaml:3: one-time; {FOR_ALL}"),
        ("group-write: true", "link: b", f"group-write: it has to be as at /f.yaml:3: group-write; {FOR_ALL}"),
        ("git: /x", "git: /y", f"git: it has to be as at /f.yaml:3: git; {FOR_ALL}"),
    ],
)  # fmt: skip
def test_two_in_each_others_way(first: str, second: str, told: str) -> None:
    """Names and places are each one's own, and what the process does as a whole is the same for all."""
    text = f"{HEAD}  - {{repo: /a, {first}}}\n  - {{repo: /b, {second}}}\n"
    assert told in {problem.partition(": ")[2] for problem in problems(text)}


def test_own_work() -> None:
    """A link may not be where we work."""
    told = f"4: link=/git/.repositories/x: /git/.repositories is kept for our own work; {OTHER}"
    assert problems(f"{ONE}    link: .repositories/x\n") == [told]


ENV_ONLY = {"password": "password-file", "github_app_private_key": "github-app-private-key-file"}


@pytest.mark.parametrize(
    "spelling",
    [
        *("--repo", "--ref", "--branch", "--dest", "--wait", "--credential", "--ssh-key-file", "--hook-env"),
        *("GITSYNC_REPO", "GIT_REPO", "GIT_SYNC_REPO", "GITSYNC_REF", "GITSYNC_BRANCH", "GIT_SYNC_WAIT"),
        *("GITSYNC_PASSWORD", "GIT_SYNC_PASSWORD", "GITSYNC_GITHUB_APP_PRIVATE_KEY", "GIT_SSH_KEY_FILE"),
    ],
)
def test_option_of_a_repository_beside_the_file(spelling: str) -> None:
    """It is refused by each of its names, with the key that is meant, and without its value."""
    value = "1" if spelling.lower().endswith("wait") else "Tr0ub4dor"
    given = (f"{spelling}={value}",) if spelling.startswith("-") else ()
    found = problems(ONE, *given, **({} if given else {spelling: value}))
    (told,) = (problem for problem in found if problem.startswith(f"{spelling}: with --config it is not read; write `"))
    assert told.endswith("` into the entry of its repository, or into defaults")
    assert "Tr0ub4dor" not in told


def test_remedy_for_a_secret_in_a_variable() -> None:
    """A password is read from a file that the entry names."""
    (told,) = problems(ONE, GITSYNC_PASSWORD="correct-horse")
    assert "write `password-file` into" in told


def test_settings_of_git_in_variables() -> None:
    """They would count for all repositories, with logins that may be in them."""
    environ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": "X: Tr0ub4dor"}
    (told,) = problems(ONE, **environ)
    assert told.startswith("GIT_CONFIG_COUNT: with --config it is not read; write `git-config-add` into ")


def test_process_option_in_two_places() -> None:
    """Of two values both places are named."""
    told = ["1: http-bind=:80: GITSYNC_HTTP_BIND=:81 says something else; remove one of them"]
    assert problems(f"http-bind: ':80'\n{ONE}", GITSYNC_HTTP_BIND=":81") == told


def test_all_at_once() -> None:
    """What is wrong in the file, beside it, and with flags, is told together."""
    text = """\
        htp-bind: off
        defaults: {root: /git, depth: x}
        repositories:
          - {repo: ext::x, link: a}
          - {repo: /b, link: a, ref: a b}
          - &x {repo: /c, link: ~}
        """
    found = problems(text, "--perod=3", "--period=3s", GIT_REPO="/x")
    starts = [
        "--perod: ",
        "1: htp-bind: ",
        "2: depth=x: ",
        "4: repo: the transport",
        "5: link=/git/a: it is the link of the entry at",
        "5: name=a: ",
        "5: ref=a b: ",
        "6: ~ stands for nothing",
        "6: anchors",
        "--period: with --config",
        "GIT_REPO: with --config",
    ]
    assert all(any(problem.startswith(start) for problem in found) for start in starts), found


@pytest.mark.parametrize(
    "line",
    [
        "repo: ext::https://u:Tr0ub4dor@h/x.git",
        "git-config: 'headeronly:X-Token: Tr0ub4dor'",
        'credential: {url: x, username: y, password: Tr0ub4dor}',
        "credential: [[Tr0ub4dor]]",
        "password: Tr0ub4dor",
        "webhook-url: Tr0ub4dor",
        'username: "Tr0ub4dor',
        "? {Tr0ub4dor: x}\n    : y",
        "- Tr0ub4dor",
    ],
)  # fmt: skip
def test_no_secret_in_problems(line: str) -> None:
    """No text of a problem holds a password, or what may be one."""
    found = problems(f"{HEAD}  - link: a\n    {line}\n")
    assert found
    assert "Tr0ub4dor" not in "\n".join(found)


def test_rules_speak_of_keys() -> None:
    """No problem of a file names a flag or a variable that counts for nothing there."""
    lines = [
        *("username: a", "askpass-url: https://h", "github-app-installation-id: 1", "github-app-application-id: 2"),
        *("github-app-client-id: x", "exechook-command: ' '", "exechook-timeout: 0s", "webhook-backoff: -1s"),
        *("webhook-method: get", "webhook-success-status: 700", "max-trees: 1", "depth: -1", "heal-period: -1s"),
    ]
    text = ONE + "".join(f"    {line}\n" for line in lines)
    found = problems(f"peers: a:1\nreceiver-spacing: -1s\n{text}")
    assert len(found) >= len(lines)
    assert not [problem for problem in found if "--" in problem or "GITSYNC_" in problem]


def test_each_secret_has_a_file() -> None:
    """What the remedy names is there."""
    names = {option.name for option in all_options()}
    assert all(f"{option.name}_file" in names for option in all_options() if option.spelling.env_only)
