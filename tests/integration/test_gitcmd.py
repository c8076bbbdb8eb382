"""Running git: deadlines, process groups, what a child sees, and errors that people understand."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.config import GitSetting, render
from gitsync.programs.gitcmd import Git, Place
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.eventually import AT_ONCE, TIMEOUT, eventually
from tests.support.git import git as run
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.stall import SilentServer


def program(path: Path, body: str) -> Path:
    """Write a program that plays git, which is what `--git` is for."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def alive(pid: int) -> bool:
    """Say whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.fixture
def fake(make_workbench: MakeWorkbench, tmp_path: Path) -> Callable[[str], Git]:
    """Return a function that makes a `Git` whose program is a script."""

    def make(body: str) -> Git:
        return make_workbench("/nowhere", git=program(tmp_path / "fake-git", body)).git

    return make


def test_deadline_ends_the_whole_process_group(fake: Callable[[str], Git], tmp_path: Path) -> None:
    """A helper that ignores TERM and holds the pipe is gone a second after the deadline."""
    pids = tmp_path / "pids"
    git = fake(f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >>{pids}; sleep 1000' & echo $$ >>{pids}; sleep 1000")
    started = time.monotonic()
    with pytest.raises(GitTimeout) as caught:
        git.run(["fetch"], deadline=soon(2))
    assert time.monotonic() - started < AT_ONCE
    assert caught.value.reason == "timeout"
    left = [int(pid) for pid in pids.read_text().split()]
    assert len(left) == 2
    eventually(lambda: not any(alive(pid) for pid in left))


def test_deadline_holds_for_a_program_that_keeps_talking(fake: Callable[[str], Git]) -> None:
    """Output that never ends does not keep a command alive."""
    git = fake("while :; do echo x; done")
    with pytest.raises((GitTimeout, GitError)):
        git.run(["fetch"], deadline=soon(0.5))


def test_too_much_output_is_refused(fake: Callable[[str], Git]) -> None:
    """A server cannot fill our memory through git."""
    git = fake("head -c 20000000 /dev/zero")
    with pytest.raises(GitError, match="larger than") as caught:
        git.run(["ls-remote"], deadline=soon())
    assert caught.value.reason == "remote_error"


def test_cancel_ends_a_running_command_and_refuses_new_ones(fake: Callable[[str], Git], tmp_path: Path) -> None:
    """Shutdown does not wait for git's own end."""
    started = tmp_path / "started"
    git = fake(f"touch {started}; sleep 1000")
    errors: list[BaseException] = []

    def command() -> None:
        try:
            git.run(["fetch"], deadline=soon())
        except GitCancelled as error:
            errors.append(error)

    thread = threading.Thread(target=command)
    thread.start()
    eventually(started.exists)
    git.cancel()
    thread.join(TIMEOUT)
    assert len(errors) == 1
    with pytest.raises(GitCancelled):
        git.run(["fetch"], deadline=soon())


def test_missing_program_says_so(make_workbench: MakeWorkbench) -> None:
    """A wrong `--git` is named."""
    with pytest.raises(GitError, match="/no/such/git") as caught:
        make_workbench("/nowhere", git="/no/such/git").git.run(["version"], deadline=soon())
    assert caught.value.reason == "git_missing"


def test_child_sees_our_configuration_only(fake: Callable[[str], Git], monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a command leads to private files, asks nobody, and allows few transports."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/somebody/elses")
    git = fake("env")
    seen = dict(line.split("=", 1) for line in git.run(["x"], deadline=soon()).stdout.splitlines() if "=" in line)
    assert seen["GIT_CONFIG_GLOBAL"] == f"{seen['HOME']}/gitconfig"
    assert seen["GIT_TERMINAL_PROMPT"] == "0"
    assert seen["LC_ALL"] == "C"
    assert seen["GIT_ALLOW_PROTOCOL"] == "https:http:ssh:git:file"


@pytest.mark.parametrize(("options", "seconds"), [({}, "20"), ({"git_config": "http.lowSpeedTime:60"}, "60")])
def test_silence_is_bounded(make_workbench: MakeWorkbench, options: dict[str, str], seconds: str) -> None:
    """A connection without a byte is given up after a while, which users may choose."""
    git = make_workbench("https://host/a", **options).git
    found = [git.run(["config", f"http.{key}"], deadline=soon()).stdout for key in ("lowSpeedLimit", "lowSpeedTime")]
    assert found == ["1\n", f"{seconds}\n"]


def test_progress_is_no_part_of_an_error(fake: Callable[[str], Git]) -> None:
    """What a server tells of its work does not hide what went wrong."""
    lines = ["remote: Enumerating objects: 30, done.", "remote: Counting objects:  50% (15/30)\\r", "remote: no entry"]
    lines += ["remote: Total 30 (delta 0), reused 0 (delta 0), pack-reused 0", "Receiving objects:  50% (15/30)\\r"]
    lines += ["fatal: it broke"]
    printed = "\\n".join(lines).replace("%", "%%")
    with pytest.raises(GitError) as caught:
        fake(f"printf '{printed}' >&2; exit 128").run(["fetch"], deadline=soon())
    assert str(caught.value).endswith(": remote: no entry | fatal: it broke")


def test_names_of_refs_are_no_reason(fake: Callable[[str], Git]) -> None:
    """What git says of a fetch, with names that others have chosen, says nothing about what went wrong."""
    lines = ["From https://certificate.example.test/corrupt", " * [new ref] certificate -> refs/gitsync/head"]
    lines += [" + 1234567...89abcde corrupt -> refs/gitsync/head  (forced update)", "Resolving deltas: 10% (1/10)\\r"]
    printed = "\\n".join(lines).replace("%", "%%")
    with pytest.raises(GitError) as caught:
        fake(f"printf '{printed}' >&2; exit 7").run(["fetch"], deadline=soon())
    assert caught.value.reason == "git"
    assert str(caught.value).endswith(": exit status 7")


def test_file_transport_is_allowed_for_a_local_repository_only(make_workbench: MakeWorkbench) -> None:
    """A remote repository cannot lead git to files of this machine."""
    git = make_workbench("https://host/a").git
    with pytest.raises(GitError) as caught:
        git.run(["ls-remote", "file:///etc"], deadline=soon())
    assert caught.value.reason == "transport"


def test_command_runs_in_its_place(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A place is the repository that a command works on, whatever surrounds the process."""
    bench = make_workbench(origin.url)
    output = bench.git.run(["rev-parse", "HEAD"], deadline=soon(), place=Place(git_dir=origin.path))
    assert output.stdout.strip() == origin.head


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "auth"), (403, "auth"), (404, "not_found"), (429, "rate_limited"), (500, "remote_error")],
)
def test_answers_of_a_server_have_their_reasons(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, status: int, reason: str
) -> None:
    """The stable reason follows from what git says of the server's answer."""
    git_http.fail_with = status
    bench = make_workbench(f"{git_http.url}/site.git")
    with pytest.raises(GitError) as caught:
        bench.remote.probe(deadline=soon())
    assert caught.value.reason == reason
    assert f"{git_http.url}/site.git" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/a.git", "connect"),
        ("http://host.invalid/a.git", "dns"),
        ("git://127.0.0.1:1/a.git", "connect"),
        ("/no/such/repository", "not_found"),
    ],
)
def test_unreachable_remotes_have_their_reasons(make_workbench: MakeWorkbench, url: str, reason: str) -> None:
    """What stands between us and the remote is told apart."""
    with pytest.raises(GitError) as caught:
        make_workbench(url).remote.probe(deadline=soon())
    assert caught.value.reason == reason


def test_silent_server_is_a_timeout(make_workbench: MakeWorkbench, silent_server: SilentServer) -> None:
    """A server that accepts and says nothing costs no more than the deadline and a second."""
    bench = make_workbench(f"http://127.0.0.1:{silent_server.port}/a.git")
    started = time.monotonic()
    with pytest.raises(GitTimeout):
        bench.remote.probe(deadline=soon(1))
    assert time.monotonic() - started < AT_ONCE


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("http.proxy", "http://proxy:3128"),
        ("http.https://host.example/a path/.extraHeader", 'X-Some: "quoted" \\ back'),
        ('section.sub "quoted" \\.name', "two\nlines\tand a tab"),
        ("user.name", "  blanks around  "),
        ("user.name", "a # comment ; sign"),
        ("user.name", ""),
    ],
)
def test_rendered_settings_are_read_back_by_git(tmp_path: Path, key: str, value: str) -> None:
    """A configuration file that we write means to git what was asked for."""
    file = tmp_path / "config"
    file.write_text(render([GitSetting("first.key", "x"), GitSetting(key, value), GitSetting("last.key", "y")]))
    command: Sequence[str] = ["git", "config", "--file", str(file), "--null", "--get", key]
    result = subprocess.run(command, check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
    assert result.stdout.decode() == f"{value}\0"
    assert run(None, "config", "--file", str(file), "last.key") == "y"
