"""What `gitsync check` prints, and how it ends."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitsync.base.errors import GitSyncError
from gitsync.base.redact import Secret
from gitsync.checks import table
from gitsync.checks.check import Check, Found, Subject
from gitsync.commands.group import run
from tests.unit.commands.answers import Output

ARGUMENTS = ["--repo", "https://h.test/x.git", "--root=/srv/git"]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command is made for a process of its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Found | Exception]:
    """What the two checks `root` and `access` that there are find."""
    finds: dict[str, Found | Exception] = {"root": Found(message="ext4"), "access": Found(message="let in")}

    def made(name: str) -> Check:
        def look(subject: Subject, deadline: float) -> Found:
            found = finds[name]
            if isinstance(found, Exception):
                raise found
            return found

        return Check(name=name, run=look, once=name == "access")

    monkeypatch.setattr(table, "CHECKS", tuple(map(made, finds)))
    return finds


@pytest.mark.usefixtures("checks")
def test_all_well(capsys: Output) -> None:
    """A line for each check, and 0; options may stand anywhere, and in variables."""
    assert run(["check", *ARGUMENTS], {"GITSYNC_PERIOD": "1h"}) == 0
    assert capsys.readouterr().out.splitlines() == [
        "options  ok       x.git (https://h.test/x.git)",
        "root     ok       ext4",
        "access   ok       let in",
    ]


def test_warning(capsys: Output, checks: dict[str, Found | Exception]) -> None:
    """A warning says what to do, and is no failure; what is odd in the configuration is one."""
    checks["root"] = Found(message="overlay", cure="mount a volume")
    assert run(["check", *ARGUMENTS], {"GITSYNC_NONSENSE": "1"}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("options  warning  ")
    assert lines[1].startswith("                  -> there are no such environment variables")
    assert lines[2:4] == ["root     warning  overlay", "                  -> mount a volume"]


def test_failure(capsys: Output, checks: dict[str, Found | Exception]) -> None:
    """A failure ends it with 1, after all others were made; no secret, and no escape sequence, is shown."""
    Secret("Tr0ub4dor-and-3")
    checks["root"] = GitSyncError("odd\x1b[31m Tr0ub4dor-and-3", reason="filesystem", hint="see Tr0ub4dor-and-3")
    assert run(["check", *ARGUMENTS], {}) == 1
    shown = capsys.readouterr().out
    assert "root     failed   filesystem: odd\\x1b[31m ***\n" in shown
    assert "-> see ***\n" in shown
    assert "access   ok " in shown


def test_json(capsys: Output, checks: dict[str, Found | Exception]) -> None:
    """As JSON it is the same, for programs."""
    Secret("Tr0ub4dor-and-3")
    checks["access"] = GitSyncError("refused: Tr0ub4dor-and-3", reason="auth", hint="another password")
    assert run(["check", "--json", *ARGUMENTS], {}) == 1
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert [one["check"] for one in told["checks"]] == ["options", "root", "access"]
    seconds = told["checks"][2].pop("seconds")
    assert seconds >= 0
    assert told["checks"][2] == {
        "repo": None,
        "check": "access",
        "outcome": "failed",
        "message": "auth: refused: ***",
        "cure": "another password",
    }


def of_two(tmp_path: Path) -> list[str]:
    """Return the arguments for two repositories."""
    file = tmp_path / "file"
    file.write_text("defaults: {root: /srv/git}\nrepositories: [{repo: /a, name: one}, {repo: /b, name: two}]\n")
    return ["check", f"--config={file}"]


@pytest.mark.usefixtures("checks")
def test_several(capsys: Output, tmp_path: Path) -> None:
    """Each repository of a file has a part of its own; what is about the process is tried once."""
    assert run(of_two(tmp_path), {}) == 0
    assert capsys.readouterr().out.splitlines() == [
        "options  ok       one (/a), two (/b)",
        *("one:", "root     ok       ext4", "access   ok       let in"),
        *("two:", "root     ok       ext4"),
    ]


def test_several_as_json(capsys: Output, tmp_path: Path, checks: dict[str, Found | Exception]) -> None:
    """As JSON each check has the name of its repository; a failure of one is one of all."""
    checks["root"] = GitSyncError("odd", reason="filesystem")
    assert run([*of_two(tmp_path), "--json"], {}) == 1
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    of = [(one["repo"], one["check"]) for one in told["checks"]]
    assert of == [(None, "options"), ("one", "root"), ("one", "access"), ("two", "root")]


@pytest.mark.usefixtures("checks")
def test_options_that_cannot_be_used(capsys: Output) -> None:
    """Each problem is told, and nothing is tried."""
    assert run(["check", "--repo=https://h.test/x.git", "--perriod=1s"], {}) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "options  failed   config: --perriod: there is no such option; did you mean --period?"
    assert any("--root: it must be given" in line for line in lines)
    assert lines[-1] == "access   skipped  not tried, as 'options' has failed"


def test_help(capsys: Output) -> None:
    """Its help is its own."""
    assert run(["check", "--help"], {}) == 0
    assert "Exit status:" in capsys.readouterr().out
