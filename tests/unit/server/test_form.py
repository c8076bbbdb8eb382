"""The form of the page: who has typed the secret in has a pass run, and nobody else by it."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsync.base.redact import Secret
from gitsync.telling.status import Pause
from tests.support.webhook import signed
from tests.unit.conftest import Logs
from tests.unit.examples import NAME
from tests.unit.server.site import Answer
from tests.unit.server.test_controlling import SECRET, Control

FORM = "application/x-www-form-urlencoded"
OURS = {"host": "pod:9484", "origin": "http://pod:9484"}


@pytest.fixture
def control() -> Control:
    """A site that can be told by hand."""
    return Control()


def send(control: Control, fields: dict[str, str], *, path: str = "/sync", kind: str = FORM, **headers: str) -> Answer:
    """Send a form as a browser does that shows the page."""
    body = urlencode(fields).encode()
    return control.ask(path, "POST", body=body, content_type=kind, **{**OURS, **headers})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://pod:9484"},
        {"host": "Site.example.test", "origin": "https://site.example.test"},
        {"host": "[::1]:9484", "origin": "http://[::1]:9484"},
    ],
    ids=["plain", "TLS ends elsewhere", "ingress", "IPv6"],
)
def test_pass_by_the_form(control: Control, headers: dict[str, str]) -> None:
    """Who has typed the secret in has a pass run, and is led back to the page, which shows what has come of it."""
    answer = send(control, {"token": SECRET}, **headers)
    assert (answer.status, answer.reason, answer.body) == (303, "See Other", b"")
    assert answer.headers["Location"] == "./"
    assert control.mailbox.wait(0).sources == ("sync",)
    assert control.received() == {("control", "accepted"): 1}


def test_secret_of_any_characters() -> None:
    """What a form writes in its own way comes out as it was typed."""
    control = Control(lambda: (Secret("pä ss&=+%"),))
    assert send(control, {"token": "pä ss&=+%"}).status == 303
    assert send(control, {"token": "pä ss&=+%"}, kind=f"{FORM.upper()}; charset=UTF-8").status == 303


@pytest.mark.parametrize("fields", [{}, {"token": ""}, {"token": "wrong-Tr0ub4dor"}, {"secret": SECRET}])
def test_wrong_secret(control: Control, logs: Logs, fields: dict[str, str]) -> None:
    """Who does not know it is refused, as without a form, and what was typed is told to nobody."""
    answer = send(control, fields)
    assert answer.status == 401
    assert b"Tr0ub4dor" not in answer.body
    assert not control.mailbox.pending
    assert control.received() == {("control", "unauthorized"): 1}
    assert "Tr0ub4dor" not in logs.stream.getvalue()


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://evil.example.test",
        "http://pod:9485",
        "http://pod",
        "pod:9484",
        "http://[",
        "http://pod:9484@x",
    ],
)
def test_form_of_another_site(control: Control, origin: str) -> None:
    """No other site has a visitor's browser send a secret here, not even the right one."""
    assert send(control, {"token": SECRET}, origin=origin).status == 401
    assert not control.mailbox.pending


def test_without_a_host(control: Control) -> None:
    """Two names that are missing are not the same."""
    assert send(control, {"token": SECRET}, host="", origin="").status == 401


@pytest.mark.parametrize("path", ["/pause", "/resume"])
def test_only_a_pass(control: Control, path: str) -> None:
    """What changes more than a pass does needs the header."""
    assert send(control, {"token": SECRET}, path=path).status == 401
    assert control.board.all()[0].paused is None


def test_large_body(control: Control) -> None:
    """What is longer than any form of ours is not looked at."""
    assert send(control, {"token": SECRET, "x": "y" * 5000}).status == 401


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "text/plain"])
def test_other_bodies(control: Control, kind: str) -> None:
    """The secret in a body of another form is none."""
    assert send(control, {"token": SECRET}, kind=kind).status == 401


def test_signed_delivery(control: Control) -> None:
    """A webhook in the form of a form opens nothing here."""
    body = urlencode({"payload": "{}"}).encode()
    headers = {name: value for name, value in signed(body, SECRET).items() if name != "Content-Type"}
    assert control.ask("/sync", "POST", body=body, content_type=FORM, **OURS, **headers).status == 401


def test_header_of_a_client_that_sends_forms(control: Control) -> None:
    """curl calls any body a form; who proves himself by the header is answered as ever."""
    answer = send(control, {}, authorization=f"Bearer {SECRET}")
    assert (answer.status, answer.json["message"]) == (202, "a pass begins")


def test_answers_that_are_not_on_the_page(control: Control) -> None:
    """That one cannot wait now is said at once; that it is paused stands on the page."""
    control.may_wait = False
    assert send(control, {"token": SECRET}, path="/sync?wait=1s").status == 503
    control.may_wait = True
    control.board.pause(NAME, Pause(since=1.0))
    assert send(control, {"token": SECRET}, path="/sync?wait=1s").status == 303


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_anything(body: bytes, origin: bytes) -> None:
    """Whatever comes is refused, and raises nothing."""
    control, headers = Control(), {**OURS, "origin": origin.decode("latin-1")}
    assert control.ask("/sync", "POST", body=body, content_type=FORM, **OURS).status == 401
    assert control.ask("/sync", "POST", body=b"token=x", content_type=FORM, **headers).status == 401
