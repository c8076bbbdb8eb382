"""What `gitsync status` asks for, says, and ends with."""

import json
from typing import Any

import pytest

from gitsync.base.errors import FetchError
from gitsync.base.fetchurl import Answer
from gitsync.commands import status
from gitsync.commands.group import run
from tests.unit.commands.answers import Output

REPO: dict[str, Any] = {
    "repo": "site",
    "url": "https://h/site",
    "state": "up to date, as the server has said 5 s ago",
    "ref": "HEAD",
    "resolved_ref": "refs/heads/main",
    "hash": "8a5c",
    "author": "Ada",
    "author_date": "2026-01-02T03:04:05+00:00",
    "subject": "Correct the notes",
    "published_at": "2001-09-09T01:46:40.000+00:00",
    "consecutive_failures": 0,
    "error": None,
    "next_pass": None,
    "fetch": None,
    "paused": None,
    "ready": True,
}
NOW = 1_000_000_000.0
Asked = list[tuple[str, float]]


class Server:
    """Stands in for the way to the server: what it is asked for, and what it answers."""

    def __init__(self) -> None:
        self.asked: Asked = []
        self.answer: Answer | FetchError = Answer(200, json.dumps({"repos": [REPO]}).encode())

    def fetch(self, url: str, *, timeout: float) -> Answer:
        self.asked.append((url, timeout))
        if isinstance(self.answer, FetchError):
            raise self.answer
        return self.answer

    def has(self, **changes: Any) -> None:
        """Answer with this status of a repository."""
        self.answer = Answer(200, json.dumps({"version": "1", "repos": [REPO | changes]}).encode())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that serves one commit, published an hour ago."""
    made = Server()
    monkeypatch.setattr(status, "fetch", made.fetch)
    monkeypatch.setattr("time.time", lambda: NOW + 3600)
    return made


@pytest.mark.parametrize(
    ("argv", "environ", "url"),
    [
        ([], {}, "http://127.0.0.1:9484/status"),
        ([], {"GITSYNC_HTTP_BIND": ":1234", "GITSYNC_RECEIVER_BIND": ":5678"}, "http://127.0.0.1:1234/status"),
        (["https://sync.test/a/"], {"GITSYNC_HTTP_BIND": "off"}, "https://sync.test/a/status"),
        (["http://pod:9484/status"], {}, "http://pod:9484/status"),
    ],
)
def test_question(server: Server, argv: list[str], environ: dict[str, str], url: str) -> None:
    """It asks where the pages are, without a secret."""
    assert run(["status", *argv], environ) == 0
    assert server.asked == [(url, 10.0)]


def test_up_to_date(server: Server, capsys: Output) -> None:
    """What is served, since when, and what comes next."""
    server.has(next_pass="2001-09-09T02:46:50.000+00:00")
    assert run(["status"], {}) == 0
    assert capsys.readouterr().out.splitlines() == [
        "site: up to date, as the server has said 5 s ago",
        "  url      https://h/site",
        "  serving  refs/heads/main at 8a5c, since 2001-09-09T01:46:40.000+00:00 (60 min)",
        "           Correct the notes (Ada, 2026-01-02T03:04:05+00:00)",
        "  next     pass at 2001-09-09T02:46:50.000+00:00 (in 10 s)",
    ]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"error": {"reason": "auth", "message": "403", "hint": "check it"}, "consecutive_failures": 3},
            ["  failing  3 passes in a row: auth: 403", "           -> check it"],
        ),
        (
            {"error": {"reason": "git", "message": "odd", "hint": None}, "consecutive_failures": 1},
            ["  failing  git: odd"],
        ),
        (
            {"paused": {"since": "2001-09-09T02:46:30.000+00:00", "reason": "a look"}},
            ["  paused   since 2001-09-09T02:46:30.000+00:00 (10 s): a look"],
        ),
        (
            {"fetch": {"remote": "https://h/site", "phase": "receiving", "objects": 5, "percent": 50}},
            ["  fetching https://h/site: receiving 5 objects, 50%"],
        ),
        ({"next_pass": "2001-09-09T02:46:00.000+00:00"}, ["  next     pass at 2001-09-09T02:46:00.000+00:00 (now)"]),
    ],
)
def test_more(server: Server, capsys: Output, changes: dict[str, Any], lines: list[str]) -> None:
    """What else there is to tell."""
    server.has(**changes)
    assert run(["status"], {}) == 0
    assert capsys.readouterr().out.splitlines()[4:] == lines


def test_not_ready(server: Server, capsys: Output) -> None:
    """Before anything is published it ends with 1."""
    nothing = dict.fromkeys(("hash", "published_at", "author", "author_date", "subject", "resolved_ref"))
    server.has(state="nothing is published yet", ready=False, **nothing)
    assert run(["status"], {}) == 1
    assert capsys.readouterr().out == "site: nothing is published yet\n  url      https://h/site\n"


def test_json(server: Server, capsys: Output) -> None:
    """As JSON it is all of the answer, and the exit code is the same."""
    server.has(ready=False)
    assert run(["status", "--json"], {}) == 1
    assert json.loads(capsys.readouterr().out) == {"version": "1", "repos": [REPO | {"ready": False}]}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b"no"),
        Answer(503, json.dumps({"repos": [REPO]}).encode()),
        Answer(200, b"<html>"),
        Answer(200, b"\xff"),
        Answer(200, b"[]"),
        Answer(200, b'{"repos": [1]}'),
        Answer(200, b'{"repos": [{}]}'),
        Answer(200, b"[" * 9**5),
        Answer(200, json.dumps({"repos": [REPO | {"next_pass": "soon"}]}).encode()),
        Answer(200, json.dumps({"repos": [REPO | {"error": 1}]}).encode()),
    ],
)
def test_answer_of_others(server: Server, capsys: Output, answer: Answer) -> None:
    """What is no answer of ours is told by its status, and ends with 3."""
    server.answer = answer
    assert run(["status"], {}) == 3
    shown = capsys.readouterr()
    assert shown.err == f"the server answered with {answer.status}, and as no gitsync does\n"
    assert not shown.out


def test_texts_of_others(server: Server, capsys: Output) -> None:
    """What a terminal would act upon is escaped, in either form."""
    server.has(subject="a\x1b[31mb\x9b")
    for form in ([], ["--json"]):
        assert run(["status", *form], {}) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert "\x9b" not in shown


def test_nobody_there(server: Server, capsys: Output) -> None:
    """Where nobody answers it ends with 3, and with 2 where it cannot be known whom to ask."""
    server.answer = FetchError("http://127.0.0.1:9484/status: Connection refused", reason="connect")
    assert run(["status"], {}) == 3
    assert "Connection refused" in capsys.readouterr().err
    assert run(["status"], {"GITSYNC_HTTP_BIND": "off"}) == 2
    assert run(["status", "pod:9484"], {}) == 2
