"""What `gitsync trigger` asks for, what it says of the answer, and how it ends."""

import json

import pytest

from gitsync.base.errors import FetchError
from gitsync.base.fetchurl import Answer
from gitsync.commands import NAMES
from gitsync.commands.group import group, run
from gitsync.config import manual
from tests.unit.commands.answers import ENVIRON, Answers, Output

DONE = {"repo": "https://h/site", "outcome": "updated", "hash": "8a5c", "ref": "refs/heads/main", "duration": 1.25}
FAILURE = {"reason": "auth", "message": "git ls-remote: 403", "hint": "check the credentials"}


@pytest.mark.parametrize(
    ("argv", "url", "timeout"),
    [
        ([], "http://127.0.0.1:9484/sync", 10.0),
        (["--wait=1m30s"], "http://127.0.0.1:9484/sync?wait=90s", 100.0),
        (["--wait", "250ms", "http://pod:1"], "http://pod:1/sync?wait=0.25s", 10.25),
    ],
)
def test_question(answers: Answers, argv: list[str], url: str, timeout: float) -> None:
    """It asks at once, and gives the server some time beside what it is asked to wait."""
    assert run(["trigger", *argv], ENVIRON) == 0
    assert answers.asked == [(url, timeout)]


@pytest.mark.parametrize(
    ("status", "repo", "code", "told"),
    [
        (200, DONE, 0, "https://h/site: updated, refs/heads/main at 8a5c, 1.25s"),
        (202, None, 0, None),
        (424, DONE | {"error": FAILURE}, 1, "https://h/site: auth: git ls-remote: 403; check the credentials"),
        (504, {"repo": "https://h/site", "outcome": None}, 4, "https://h/site: not done"),
        (409, None, 4, None),
        (503, None, 4, None),
        (400, None, 2, None),
        (401, None, 3, None),
        (404, None, 3, None),
    ],
)
def test_answer(
    answers: Answers, capsys: Output, status: int, repo: dict[str, object] | None, code: int, told: str | None
) -> None:
    """The outcome is told in words, on stdout if all is well, and by the exit code."""
    content = {"message": "in a few words", "repos": [repo] if repo else []}
    answers.answer = Answer(status, json.dumps(content).encode())
    assert run(["trigger", "--wait=1s"], ENVIRON) == code
    texts = capsys.readouterr()
    said, other = (texts.out, texts.err) if code == 0 else (texts.err, texts.out)
    assert said.splitlines() == ["in a few words", *([told] if told else [])]
    assert other == ""


@pytest.mark.parametrize(
    "body", [b"<html>", b"\xff", b"[]", b"1", b"{}", b'{"message": "x", "repos": [1]}', b"[" * 9**5]
)
def test_answer_of_others(answers: Answers, capsys: Output, body: bytes) -> None:
    """What is no answer of ours is told by its status."""
    answers.answer = Answer(401, body, " (through the proxy http://proxy)")
    assert run(["trigger"], ENVIRON) == 3
    assert capsys.readouterr().err == "the server answered with 401 (through the proxy http://proxy)\n"


def test_nobody_answers(answers: Answers, capsys: Output) -> None:
    """Where there is no answer it is told why, and what to look at."""
    answers.answer = FetchError("http://127.0.0.1:9484/sync: Connection refused", reason="connect")
    assert run(["trigger"], ENVIRON) == 3
    assert capsys.readouterr().err.startswith("gitsync: http://127.0.0.1:9484/sync: Connection refused\ngitsync: check")


@pytest.mark.parametrize(
    ("argv", "environ", "told"),
    [
        (["--wait=5"], ENVIRON, "use a duration with a unit"),
        (["--wait"], ENVIRON, "requires an argument"),
        (["--weit=5s"], ENVIRON, "No such option"),
        (["http://pod:1", "http://pod:2"], ENVIRON, "unexpected extra argument"),
        ([], {}, "there is no secret"),
    ],
)
def test_usage(answers: Answers, capsys: Output, argv: list[str], environ: dict[str, str], told: str) -> None:
    """What is wrong with the arguments is told before anybody is asked."""
    assert run(["trigger", *argv], environ) == 2
    assert told in capsys.readouterr().err
    assert not answers.asked


def test_every_command_is_in_the_manual() -> None:
    """All sub-commands that there are, and no others, are known and told of."""
    assert tuple(group.commands) == NAMES
    for name in NAMES:
        assert all(f"\n  gitsync {name} " in text for text in (manual.help_text(), manual.man_text()))
