"""From arguments to an exit code."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync import __version__, cli, daemon
from gitsync.base.errors import GitSyncError
from gitsync.base.log import get_logger
from gitsync.config import Config, manual
from gitsync.telling.ending import End
from gitsync.telling.events import Failure
from tests.unit.examples import REQUIRED

Output = pytest.CaptureFixture[str]


class FakeDaemon:
    """Stands in for the daemon: remembers its configuration, ends as it is told."""

    config: Config | None = None
    code = 0
    error: Exception | None = None
    failures: tuple[Failure, ...] = ()

    def __init__(self, config: Config, read: Callable[[], Config]) -> None:
        type(self).config = config
        # What the file of --config says later is read with the same arguments and variables.
        assert read() == config

    def run(self) -> End:
        if self.error:
            raise self.error
        get_logger().info("at_five", v=5)
        return End(self.code, self.failures)


@pytest.fixture
def fake_daemon(monkeypatch: pytest.MonkeyPatch) -> type[FakeDaemon]:
    """A class of its own in the place of the daemon's."""
    fake = type("Fake", (FakeDaemon,), {})
    monkeypatch.setattr(daemon, "Daemon", fake)
    return fake


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--help", manual.help_text()),
        ("-h", manual.help_text()),
        ("-?", manual.help_text()),
        ("--man", manual.man_text()),
        ("--version", f"gitsync {__version__}\n"),
    ],
)
def test_prints(capsys: Output, flag: str, text: str) -> None:
    """What is asked for is printed, and that is a success."""
    assert cli.main([flag], {}) == 0
    assert capsys.readouterr() == (text, "")


def test_sub_command(fake_daemon: type[FakeDaemon], capsys: Output) -> None:
    """The first argument may name a sub-command, which has a help of its own; elsewhere such a word is none."""
    assert cli.main(["trigger", "--help"], {}) == 0
    assert capsys.readouterr().out.startswith("Usage: gitsync trigger [OPTIONS] [URL]\n")
    assert cli.main([*REQUIRED, "trigger"], {}) == 1
    assert capsys.readouterr().err == "gitsync: 'trigger': only options are taken; remove it\n"
    assert fake_daemon.config is None


@pytest.mark.parametrize("word", ["https://example.test/site.git", "sync", "triggers", ""])
def test_repository_is_no_sub_command(capsys: Output, word: str) -> None:
    """Any other word is refused: a repository is named with --repo."""
    assert cli.main([word, *REQUIRED], {}) == 1
    assert capsys.readouterr().err == f"gitsync: {word!r}: only options are taken; remove it\n"


def test_prints_whatever_else_is_there(capsys: Output) -> None:
    """Help is given also to those whose other options are wrong."""
    assert cli.main(["--perod=1s", "--help"], {"GITSYNC_NONSENSE": "x"}) == 0
    assert capsys.readouterr() == (manual.help_text(), "")


def test_problems(capsys: Output) -> None:
    """What is wrong stands on stderr, a line for each problem, and that is a failure."""
    assert cli.main(["--perod=1s", "--depth=x"], {"GITSYNC_ROOT": "/srv"}) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "gitsync: --perod: there is no such option; did you mean --period?",
        "gitsync: --depth=x: use a whole number",
        "gitsync: --repo: it must be given; use the option or the environment variable GITSYNC_REPO",
    ]


def test_problems_without_secrets(capsys: Output) -> None:
    """Problems are told without passwords."""
    environ = {"GITSYNC_RECEIVER_SECRET": "correct-horse", "GITSYNC_RECEIVER_SECRET_FILE": "/x"}
    assert cli.main(["--repo=foo://ann:Tr0ub4dor@h/x", "--root=/srv", "--ref=correct-horse..Tr0ub4dor"], environ) == 1
    err = capsys.readouterr().err
    assert err.count("gitsync: ") == 3
    assert "correct-horse" not in err
    assert "Tr0ub4dor@" not in err


@pytest.mark.parametrize("code", [0, 1])
def test_code(fake_daemon: type[FakeDaemon], code: int) -> None:
    """The process ends with the daemon's code."""
    fake_daemon.code = code
    assert cli.main(REQUIRED, {}) == code


def test_configuration(fake_daemon: type[FakeDaemon]) -> None:
    """The daemon gets what arguments and environment say."""
    cli.main(["--depth=7"], {"GIT_REPO": "https://h/x", "GITSYNC_ROOT": "/srv"})
    assert fake_daemon.config is not None
    assert fake_daemon.config.repos[0].content.depth == 7


@pytest.mark.parametrize(("verbose", "lines"), [("4", 0), ("5", 1)])
def test_logging(fake_daemon: type[FakeDaemon], capsys: Output, verbose: str, lines: int) -> None:
    """The log goes to stderr with the verbosity and in the form that were asked for."""
    assert cli.main([*REQUIRED, "-v", verbose, "--log-format=json"], {}) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["at_five"] * lines


def test_warnings(fake_daemon: type[FakeDaemon], capsys: Output) -> None:
    """What is odd in the configuration is told in the log, and the daemon runs."""
    environ = {"GITSYNC_NONSENSE": "x", "GITSYNC_PERIOD": "5s", "GIT_SYNC_PERIOD": "6s"}
    assert cli.main([*REQUIRED, "--log-format=json"], environ) == 0
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {(event["event"], event["level"]) for event in events} == {("config_warning", "warning")}
    assert [event["message"].partition(":")[0] for event in events] == [
        "there are no such environment variables, so they have no effect",
        "GITSYNC_PERIOD=5s",
    ]


def test_start_failure(fake_daemon: type[FakeDaemon], capsys: Output) -> None:
    """What keeps the daemon from starting is one line of the log, with reason and hint."""
    fake_daemon.error = GitSyncError("https://u:Tr0ub4dor@h is odd", reason="git_missing")
    assert cli.main([*REQUIRED, "--log-format=json"], {}) == 1
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["reason"]) == ("start_failed", "error", "git_missing")
    assert event["hint"] == "install git or name the program with --git"
    assert "Tr0ub4dor" not in line


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in the place of the system's one for temporary files."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def test_blocked_link(capsys: Output, tmp_path: Path, temporary: Path) -> None:
    """A file in the place of the link is refused at the start, and no login stays on the disk."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "site.git").write_text("mine")
    argv = ["--repo=https://ann:Tr0ub4dor@h/site.git", f"--root={root}", "--log-format=json", "--http-bind=off"]
    assert cli.main(argv, {}) == 1
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["reason"]) == ("start_failed", "link_blocked")
    assert str(root / "site.git") in event["message"]
    assert list(temporary.iterdir()) == []
    assert (root / "site.git").read_text() == "mine"


def test_root_in_a_file(capsys: Output, tmp_path: Path, temporary: Path) -> None:
    """A root that cannot be made is a failure with the path in it."""
    (tmp_path / "file").touch()
    assert cli.main(["--repo=https://h/x", f"--root={tmp_path}/file/root", "--log-format=json"], {}) == 1
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["reason"]) == ("start_failed", "filesystem")
    assert f"--root={tmp_path}/file/root" in event["message"]
    assert list(temporary.iterdir()) == []


def test_no_directory_for_private_files(
    capsys: Output, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system refuses at the start is a failure with a reason and a remedy, not a traceback."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert cli.main(["--repo=https://h/x", f"--root={tmp_path}/root", "--log-format=json"], {}) == 1
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["reason"]) == ("start_failed", "no_tmp")
    assert str(tmp_path / "nowhere") in event["message"]
    assert "TMPDIR" in event["hint"]


@pytest.fixture
def termination_log(tmp_path: Path) -> Path:
    """A file as the kubelet mounts one, with the words of another container in it."""
    path = tmp_path / "termination-log"
    path.write_text("x" * 10_000)
    return path


def test_message_of_refused_options(capsys: Output, termination_log: Path) -> None:
    """Whatever else is wrong, all of it is left where the kubelet reads it, without secrets."""
    argv = ["--perod=1s", "--repo=foo://ann:Tr0ub4dor@h/x", f"--termination-log={termination_log}"]
    assert cli.main(argv, {"GITSYNC_ROOT": "/srv"}) == 1
    left = termination_log.read_text()
    told = [line.removeprefix("gitsync: ") for line in capsys.readouterr().err.splitlines()]
    assert len(told) == 2
    assert left == "".join(f"config: {line}\n" for line in told)
    assert "Tr0ub4dor@" not in left


@pytest.mark.parametrize("argv", [["--repo"], ["--depth=x"]], ids=["broken", "wrong"])
def test_message_by_the_variable(capsys: Output, termination_log: Path, argv: list[str]) -> None:
    """The place counts also where the arguments cannot be read at all."""
    assert cli.main(argv, {"GITSYNC_TERMINATION_LOG": str(termination_log)}) == 1
    assert termination_log.read_text().startswith(
        f"config: {argv[0].partition('=')[0]}" if "=" in argv[0] else "config: "
    )


def test_message_of_a_start_that_fails(fake_daemon: type[FakeDaemon], capsys: Output, termination_log: Path) -> None:
    """Reason, message and hint of what keeps the daemon from starting are left there."""
    fake_daemon.error = GitSyncError("https://u:Tr0ub4dor@h is odd", reason="git_missing")
    assert cli.main([*REQUIRED, f"--termination-log={termination_log}"], {}) == 1
    assert termination_log.read_text() == (
        "git_missing: https://***@h is odd\nWhat to do: install git or name the program with --git\n"
    )


def test_message_of_an_end(fake_daemon: type[FakeDaemon], termination_log: Path) -> None:
    """So are those of what a run has ended with."""
    fake_daemon.code, fake_daemon.failures = 1, (Failure(reason="auth", message="403", hint="look"),)
    assert cli.main([*REQUIRED, f"--termination-log={termination_log}"], {}) == 1
    assert termination_log.read_text() == "auth: 403\nWhat to do: look\n"


def test_no_message_of_a_success(fake_daemon: type[FakeDaemon], termination_log: Path) -> None:
    """An end in order leaves nothing."""
    assert cli.main([*REQUIRED, f"--termination-log={termination_log}"], {}) == 0
    assert termination_log.read_text() == "x" * 10_000


def test_message_that_cannot_be_left(fake_daemon: type[FakeDaemon], capsys: Output, tmp_path: Path) -> None:
    """A place that was asked for and cannot be written is told of; the exit code is the same."""
    missing = tmp_path / "missing"
    assert cli.main(["--depth=x", *REQUIRED, f"--termination-log={missing}"], {}) == 1
    assert capsys.readouterr().err.endswith(f"gitsync: --termination-log={missing}: No such file or directory\n")
    fake_daemon.error = GitSyncError("odd", reason="git")
    assert cli.main([*REQUIRED, "--log-format=json", f"--termination-log={missing}"], {}) == 1
    event = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (event["event"], event["level"]) == ("termination_log_failed", "warning")
    assert not missing.exists()
