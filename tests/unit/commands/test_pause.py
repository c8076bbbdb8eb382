"""What `gitsync pause` and `gitsync resume` ask for, and how they end."""

import json

import pytest

from gitsync.base.fetchurl import Answer
from gitsync.commands.group import run
from tests.unit.commands.answers import ENVIRON, Answers, Output


@pytest.mark.parametrize(
    ("argv", "path"),
    [
        (["pause"], "/pause"),
        (["pause", "--reason="], "/pause"),
        (["pause", "--reason", "bad release & more\n"], "/pause?reason=bad+release+%26+more%0A"),
        (["resume"], "/resume"),
    ],
)
def test_question(answers: Answers, argv: list[str], path: str) -> None:
    """The words go along, whatever they hold."""
    answers.answer = Answer(200, b'{"message": "in a few words"}')
    assert run(argv, ENVIRON) == 0
    assert answers.asked == [(f"http://127.0.0.1:9484{path}", 10.0)]


@pytest.mark.parametrize("command", ["pause", "resume"])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 4), (401, 3), (404, 3)])
def test_answer(answers: Answers, capsys: Output, command: str, status: int, code: int) -> None:
    """What was answered is told, without what only machines read."""
    answers.answer = Answer(status, json.dumps({"message": "in a few words", "repos": [{"repo": "x"}]}).encode())
    assert run([command], ENVIRON) == code
    texts = capsys.readouterr()
    assert texts.out + texts.err == "in a few words\n"
