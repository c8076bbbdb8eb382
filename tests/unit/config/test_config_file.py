"""From the text of a file to the configuration of several repositories."""

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from gitsync.base.errors import ConfigError
from gitsync.base.redact import MASK
from gitsync.config import Bind, Config, RepoConfig, load

FILE = "--config=/etc/gitsync.yaml"
TWO = """\
http-bind: ":1234"
defaults:
  root: /git
  period: 30s
repositories:
  - repo: https://example.test/site.git
    ref: main
    link: site
  - name: handbook
    repo: https://example.test/docs.git
    link: docs/book
    period: 1m
"""


def loaded(text: str, *argv: str, **environ: str) -> Config:
    """Return the configuration of a file with this text."""
    return load([FILE, *argv], environ, text=dedent(text))


def entry(written: str, *argv: str, **environ: str) -> RepoConfig:
    """Return the one repository of a file, of which this line is written beside what is required."""
    text = f"repositories:\n  - repo: https://example.test/site.git\n    root: /git\n    {written}\n"
    return loaded(text, *argv, **environ).repos[0]


def test_two() -> None:
    """Each repository has what its entry says, and what the defaults say else; its work has a place of its own."""
    config = loaded(TWO)
    site, handbook = config.repos
    assert (config.http.bind, config.several.config) == (Bind("", 1234), Path("/etc/gitsync.yaml"))
    assert (site.name, site.repo, site.ref) == ("site", "https://example.test/site.git", "main")
    assert (site.root, site.link, site.work) == (Path("/git"), Path("/git/site"), Path("/git/.repositories/site"))
    assert (handbook.name, handbook.ref, handbook.link) == ("handbook", "HEAD", Path("/git/docs/book"))
    assert handbook.work == Path("/git/.repositories/handbook")
    assert (site.schedule.period, handbook.schedule.period) == (30.0, 60.0)


def test_what_did_not_change_is_the_same() -> None:
    """Read again, a repository is equal to what it was, with its secrets and settings, and another one is not."""
    text = TWO + "    credential: {url: 'https://h.test', username: ada, password: Tr0ub4dor}\n    git-config: a.b:1\n"
    before, after = loaded(text), loaded(text.replace("ref: main", "ref: next"))
    assert before == loaded(text)
    assert before.repos[0] != after.repos[0]
    assert before.repos[1] == after.repos[1]
    assert before.repos[1] != loaded(text.replace("Tr0ub4dor", "Tr0ub4dor-and-3")).repos[1]


@pytest.mark.parametrize("written", ["1.10", "0644", "on", "2026-01-01", "'null'", "0x1"])
def test_values_are_texts(written: str) -> None:
    """What YAML might take for something else is what is written."""
    assert entry(f"ref: {written}").ref == written.strip("'")


def test_notation_is_that_of_flags() -> None:
    """Numbers, truths and durations are written as flags are."""
    repo = entry("depth: 3\n    period: 1m30s\n    submodules: off\n    group-write: true\n    jitter: '0.5'")
    assert (repo.content.depth, repo.schedule.period, repo.content.submodules) == (3, 90.0, "off")
    assert (repo.upkeep.group_write, repo.schedule.jitter) == (True, 0.5)


@pytest.mark.parametrize("written", ["git-config: 'a.b:1,c.d:2'", "git-config: ['a.b:1', 'c.d:2']"])
def test_lists(written: str) -> None:
    """An option that may be given several times may be a list."""
    assert [(one.key, one.value) for one in entry(written).git.git_config] == [("a.b", "1"), ("c.d", "2")]
    keys = entry("ssh-key-file: [/a, /b:c]").auth.ssh.key_file
    assert keys == (Path("/a"), Path("/b:c"))


@pytest.mark.parametrize(
    "written",
    [
        "credential: {url: 'https://h.test', username: ada, password: Tr0ub4dor}",
        "credential: [{url: 'https://h.test', username: ada, password: Tr0ub4dor}]",
        """credential: '{"url": "https://h.test", "username": "ada", "password": "Tr0ub4dor"}'""",
    ],
)
def test_credentials(written: str) -> None:
    """What is JSON in a flag may be written as YAML."""
    (login,) = entry(written).auth.credential
    assert login.password
    assert (login.url, login.username, login.password.reveal()) == ("https://h.test", "ada", "Tr0ub4dor")


def test_own_list_replaces_that_of_the_defaults() -> None:
    """What an entry says stands instead of the defaults, also if that is nothing."""
    text = """\
        defaults: {root: /git, git-config: a.b:1, username: ada, password-file: /p}
        repositories:
          - {repo: /a, git-config: c.d:2}
          - {repo: /b, username: "", password-file: }
          - {repo: /c, git-config: []}
        """
    first, second, third = loaded(text).repos
    assert [setting.key for setting in first.git.git_config] == ["c.d"]
    assert [setting.key for setting in second.git.git_config] == ["a.b"]
    assert third.git.git_config == ()
    assert (first.auth.username, second.auth.username, second.auth.password_file) == ("ada", None, None)


@pytest.mark.parametrize(("argv", "environ"), [((), {"GITSYNC_ROOT": "/data"}), (("--root=/data",), {})])
def test_root_of_the_image(argv: tuple[str, ...], environ: dict[str, str]) -> None:
    """The root, which the image sets, counts for all that have none of their own."""
    repositories = "repositories: [{repo: /a}, {repo: /b, root: /git}]"
    assert [repo.root for repo in loaded(repositories, *argv, **environ).repos] == [Path("/data"), Path("/git")]
    in_defaults = loaded(f"defaults: {{root: /srv}}\n{repositories}", *argv, **environ)
    assert [repo.root for repo in in_defaults.repos] == [Path("/srv"), Path("/git")]


def test_root_of_an_older_manifest() -> None:
    """Of two names of the root the older one counts, and that is told once."""
    config = loaded("repositories: [{repo: /a}, {repo: /b}]", GITSYNC_ROOT="/git", GIT_SYNC_ROOT="/data")
    assert {repo.root for repo in config.repos} == {Path("/data")}
    assert len(config.warnings) == 1


def test_process_options_in_either_place() -> None:
    """Those of the process may be flags, variables or in the file, and in two places if they say the same."""
    config = loaded("log-format: json\n" + TWO, "--verbose=1", GITSYNC_HTTP_BIND=":1234")
    assert (config.log.log_format, config.log.verbose, config.http.bind) == ("json", 1, Bind("", 1234))


def test_secret_of_the_process_stays_in_a_variable() -> None:
    """The receiver's secret is none of a repository."""
    assert loaded(TWO, GITSYNC_RECEIVER_SECRET="correct-horse").receiver.secret


def test_shown() -> None:
    """The log of the start has all that is given, each for its repository, without secrets."""
    text = TWO + "    git-config: http.extraHeader:X\n"
    text = text.replace("https://example.test/docs", "https://ann:Tr0ub4dor@example.test/docs")
    shown = loaded(text, GITSYNC_ROOT="/srv").shown
    assert shown["config"] == "/etc/gitsync.yaml"
    assert (shown["http_bind"], shown["site.period"], shown["handbook.period"]) == (":1234", "30s", "1m")
    assert shown["handbook.repo"] == f"https://{MASK}@example.test/docs.git"
    assert shown["handbook.git_config"] == MASK
    assert "root" not in shown


def test_default_port_in_a_pod() -> None:
    """Where probes may be meant, the default port must work, unless all end after their first pass."""
    once = "repositories: [{repo: /a, one-time: true}, {repo: /b, one-time: true}]"
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "GITSYNC_ROOT": "/git"}
    assert loaded(once.replace("true", "false"), **environ).http.bind == Bind("", 9484, required=True)
    assert loaded(once, **environ).http.bind == Bind("", 9484, required=False)


def test_no_hook_sees_what_is_a_secret_of_another() -> None:
    """A login in the URL of one repository is not in the environment of another one's hooks."""
    text = """\
        repositories:
          - {repo: /a}
          - {repo: "https://ann:Tr0ub4dor-4711@example.test/b"}
        """
    first, second = loaded(text, GITSYNC_ROOT="/git", COPY="Tr0ub4dor-4711", OTHER="x").repos
    for repo in (first, second):
        assert (repo.hooks.environment.get("OTHER"), repo.hooks.environment.get("COPY")) == ("x", None)
    assert (first.auth.of_urls, len(second.auth.of_urls)) == ((), 1)


def test_relative_repository_and_name() -> None:
    """A name follows from the link, as it does for one repository."""
    (repo,) = loaded("repositories: [{repo: '.', link: a/b.c}]", GITSYNC_ROOT="/git").repos
    assert (repo.name, repo.work) == ("b.c", Path("/git/.repositories/b.c"))


def test_read_from_the_file(tmp_path: Path) -> None:
    """Without its text the file is read, through whatever links lead there, with a byte order mark or without."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text(f"\ufeff{TWO}")
    link.symlink_to(file)
    config = load([f"--config={link}"], {})
    assert config == replace(loaded(TWO), several=config.several, shown={**config.shown})
    assert config.several.config == link


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory; name a file that this user may read"),
        (b"\xff\xfe\xff", "it holds no text; write it in UTF-8"),
        (b"a\0b", "a NUL character; name a file in YAML"),
        (b"#" * (1024 * 1024 + 1), "it is larger than 1048576 bytes; name a file in YAML"),
    ],
    ids=["missing", "bytes", "nul", "size"],
)
def test_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, told: str) -> None:
    """It is named, with all that is wrong elsewhere."""
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load([f"--config={file}", "--perod=1"], {})
    assert caught.value.problems == (
        "--perod: there is no such option; did you mean --period?",
        f"--config={file}: {told}",
    )


def test_directory_is_no_file(tmp_path: Path) -> None:
    """A directory is refused as such."""
    with pytest.raises(ConfigError, match=r"Is a directory|no regular file"):
        load([f"--config={tmp_path}"], {})
