"""What is asked for by hand: who may, what is begun, and which outcome has which status."""

import threading
import time
from typing import Any, cast

import pytest

from gitsync.base.errors import CredentialError
from gitsync.base.redact import Secret
from gitsync.receiver.door import Door
from gitsync.receiver.secret import Secrets
from gitsync.server.controlling import Controlled, Controlling
from gitsync.server.pages import Pages
from gitsync.server.routes import Site as Served
from gitsync.sync.pausing import Pausing
from gitsync.telling.events import SyncResult
from gitsync.triggers.mailbox import Mailbox
from gitsync.volume.pausefile import PauseFile
from tests.support.eventually import TIMEOUT
from tests.support.webhook import bearer, signed
from tests.unit.conftest import Logs
from tests.unit.examples import HASH, NAME, board, commit, failed, finished, result
from tests.unit.server.site import Answer, Site
from tests.unit.sync.test_pausing import FakeFile

SECRET = "correct-horse"
PATHS = ["/sync", "/sync?wait=1s", "/pause", "/resume"]


class Control(Site):
    """A site that can be told by hand, for one repository whose worker does as the test says."""

    def __init__(self, secrets: Secrets = lambda: (Secret("old-horse"), Secret(SECRET))) -> None:
        super().__init__()
        self.board = board(act_by=time.monotonic() + 60)
        self.mailbox, self.file = Mailbox(), FakeFile()
        file = cast(PauseFile, self.file)
        self.pausing = Pausing(NAME, self.mailbox, file, board=self.board, metrics=self.metrics)
        controlled = Controlled(repo=NAME, sync=lambda: self.mailbox.post("sync"), pausing=self.pausing)
        door = Door(secrets, lambda: [], self.metrics.calls)
        pages = Pages(board=self.board, metrics=self.metrics, git_version=lambda: "2.39.5")
        self.app = Served(pages.routes() | Controlling(door, lambda: [controlled], self.board).routes())

    def tell(self, path: str, secret: str = SECRET) -> Answer:
        """Ask for something, with the secret."""
        return self.ask(path, "POST", authorization=f"Bearer {secret}")

    def tell_while(self, path: str, *, worker: Any) -> Answer:
        """Ask for something that waits, and have a worker do something that ends the wait once it has been asked."""
        answers: list[Answer] = []
        thread = threading.Thread(target=lambda: answers.append(self.tell(path)))
        thread.start()
        worker(self.mailbox.wait(TIMEOUT).ticket)
        thread.join(TIMEOUT)
        return answers[0]

    def finish(self, ticket: int, of: SyncResult) -> None:
        """Have a pass end as the worker would."""
        self.board.notify(finished(of, ticket=ticket))


@pytest.fixture
def control() -> Control:
    """A site that can be told by hand."""
    return Control()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [{}, bearer("wrong-Tr0ub4dor"), bearer(""), signed(b"", SECRET), {"Authorization": f"Basic {SECRET}"}],
    ids=["none", "wrong", "empty", "signed", "basic"],
)
def test_only_with_the_secret(control: Control, logs: Logs, path: str, headers: dict[str, str]) -> None:
    """Who does not send the secret itself is refused, as one with the copy of a signed delivery is."""
    assert control.ask(path, "POST", body=b"", **headers).status == 401
    assert not control.mailbox.pending
    assert control.received() == {("control", "unauthorized"): 1}
    assert "Tr0ub4dor" not in logs.stream.getvalue()


@pytest.mark.parametrize("path", PATHS)
def test_any_secret_will_do(control: Control, path: str) -> None:
    """While a secret is changed, both count."""
    control.board.close()
    assert {control.tell(path, secret).status for secret in ("old-horse", SECRET)} <= {200, 202, 503}
    assert control.received() == {("control", "accepted"): 2}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_method(control: Control, path: str, method: str) -> None:
    """Nothing is done for a request that a browser or a crawler may send."""
    answer = control.ask(path, method, authorization=f"Bearer {SECRET}")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert not control.mailbox.pending


@pytest.mark.parametrize("path", PATHS)
def test_secret_that_cannot_be_read(path: str) -> None:
    """Without a secret nobody is let in."""

    def unreadable() -> tuple[Secret, ...]:
        raise CredentialError("--receiver-secret-file=/run/secret: No such file or directory")

    answer = Control(unreadable).tell(path)
    assert (answer.status, answer.body) == (503, b"the secret cannot be read\n")


def test_sync(control: Control) -> None:
    """A pass is asked for, and nobody waits for it."""
    answer = control.tell("/sync")
    assert (answer.status, answer.json) == (202, {"done": False, "message": "a pass begins"})
    assert control.mailbox.wait(0).sources == ("sync",)


@pytest.mark.parametrize("outcome", ["updated", "unchanged", "repaired"])
def test_outcome(control: Control, outcome: str) -> None:
    """The answer comes with the end of the pass, and says what came of it."""
    done = result(outcome=outcome, commit=commit(), ref="refs/heads/main", duration=1.23456)
    answer = control.tell_while("/sync?wait=1m", worker=lambda ticket: control.finish(ticket, done))
    assert answer.status == 200
    assert answer.json == {
        "done": True,
        "message": "done",
        "repos": [
            {
                "repo": NAME,
                "outcome": outcome,
                "paused": None,
                "hash": HASH,
                "ref": "refs/heads/main",
                "duration": 1.235,
                "error": None,
            }
        ],
    }


def test_failed_pass(control: Control) -> None:
    """A pass that fails has a status of its own, and its reason."""
    of = failed("auth", commit=commit())
    answer = control.tell_while("/sync?wait=1m", worker=lambda ticket: control.finish(ticket, of))
    assert (answer.status, answer.json["done"]) == (424, True)
    (repo,) = answer.json["repos"]
    assert (repo["outcome"], repo["hash"]) == ("failed", HASH)
    assert repo["error"] == {
        "reason": "auth",
        "message": "git ls-remote: fatal: it did not work",
        "hint": "look again",
    }


def test_pass_under_way_is_another_one(control: Control) -> None:
    """The end of a pass that had begun before the request is no answer to it."""
    control.mailbox.post("webhook")
    before = control.mailbox.wait(0).ticket

    def work(ticket: int) -> None:
        control.finish(before, failed())
        control.finish(ticket, result(outcome="updated", commit=commit()))

    answer = control.tell_while("/sync?wait=1m", worker=work)
    assert (answer.status, answer.json["repos"][0]["outcome"]) == (200, "updated")


@pytest.mark.parametrize("wait", ["0s", "10ms"])
def test_not_in_time(control: Control, wait: str) -> None:
    """What has not ended in time is begun all the same."""
    answer = control.tell(f"/sync?wait={wait}")
    assert (answer.status, answer.json["done"]) == (504, False)
    assert answer.json["repos"] == [{"repo": NAME, "outcome": None, "paused": None}]
    assert control.mailbox.wait(0).sources == ("sync",)


@pytest.mark.parametrize("wait", ["5", "", "x", "-1s", "601s", "99999h", "%ff", "1s&wait=x"])
def test_wait_that_cannot_be(control: Control, wait: str) -> None:
    """A time that is none, or too long, is refused before anything begins."""
    answer = control.tell(f"/sync?wait={wait}")
    assert (answer.status, answer.json["done"]) == (400, False)
    assert answer.json["message"].startswith("wait: use ")
    assert not control.mailbox.pending


def test_too_many_wait(control: Control) -> None:
    """Who would have to wait for his turn to wait is asked to come again, and nothing has begun."""
    control.may_wait = False
    answer = control.tell("/sync?wait=1s")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert not control.mailbox.pending
    assert control.tell("/sync").status == 202


def test_end_of_the_process(control: Control) -> None:
    """Who waits when the process ends is told so."""
    answer = control.tell_while("/sync?wait=1m", worker=lambda ticket: control.board.close())
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert (answer.json["done"], answer.json["message"]) == (False, "the process ends")


def test_pause_and_resume(control: Control) -> None:
    """Both tell what is the case from then on, and may be repeated."""
    for _ in range(2):
        answer = control.tell("/pause?reason=bad%20release")
        assert (answer.status, answer.json["survives_restart"]) == (200, True)
        assert answer.json["message"] == "paused; what is published stays"
        (repo,) = answer.json["repos"]
        assert (repo["repo"], repo["paused"]["reason"]) == (NAME, "bad release")
    assert control.mailbox.held
    assert [control.tell("/resume").json["message"] for _ in range(2)] == [
        "resumed; a pass begins",
        "it was not paused",
    ]
    assert control.mailbox.wait(0).sources == ("sync",)


def test_sync_while_paused(control: Control) -> None:
    """A pass that may not begin is remembered, and nobody waits for it."""
    control.tell("/pause?reason=bad%20release")
    answer = control.tell("/sync?wait=1m")
    assert (answer.status, answer.json["done"]) == (409, False)
    assert answer.json["repos"][0]["paused"]["reason"] == "bad release"
    answer = control.tell("/sync")
    assert (answer.status, answer.json["message"]) == (202, "it is paused; a pass begins at POST /resume")
    control.tell("/resume")
    assert control.mailbox.wait(0).sources == ("sync",)


def test_pause_that_ends_a_wait(control: Control) -> None:
    """Who waits for a pass that is held by now is told so."""
    answer = control.tell_while("/sync?wait=1m", worker=lambda ticket: control.tell("/pause"))
    assert answer.status == 409


def test_pause_that_is_not_kept(control: Control) -> None:
    """That a restart ends the pause is part of the answer."""
    control.file.trouble = OSError(28, "No space left on device")
    answer = control.tell("/pause")
    assert (answer.status, answer.json["survives_restart"]) == (200, False)
    assert answer.json["message"].endswith("until a restart of this container")
    answer = control.tell("/resume")
    assert (answer.status, answer.json["reason"]) == (503, "no_space")
    assert control.mailbox.held


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("?reason=", ""),
        ("?reason=a&reason=b", "b"),
        ("?reason=%1b[31mred%0asecond", "\\x1b[31mred\\nsecond"),
        ("?reason=see%20https://ann:Tr0ub4dor@host/x", "see https://***@host/x"),
        ("?reason=it%20is%20correct-horse", "it is ***"),
        ("?reason=%ff%00", "�\\x00"),
        (f"?reason={'x' * 20000}", f"{'x' * 255}…"),
    ],
)
def test_reason(control: Control, logs: Logs, query: str, shown: str) -> None:
    """The words of a pause are short, fit to be shown, and hold no secret, wherever they are told."""
    answer = control.tell(f"/pause{query}")
    assert answer.json["repos"][0]["paused"]["reason"] == shown
    assert control.file.kept is not None
    assert control.file.kept.reason == shown
    assert control.ask("/status").json["repos"][0]["paused"]["reason"] == shown
    assert "Tr0ub4dor" not in logs.stream.getvalue()
