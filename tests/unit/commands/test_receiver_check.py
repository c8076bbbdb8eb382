"""What `gitsync receiver-check` sends, what it says of the answer, and how it ends."""

from collections.abc import Mapping

import pytest

from gitsync.base.errors import FetchError
from gitsync.base.fetchurl import Answer
from gitsync.commands.group import group, run
from gitsync.commands.sidecar import Sidecar
from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.request import Request

SECRET = "s3cret-öf-the-receiver"
ENVIRON = {
    "GITSYNC_RECEIVER_SECRET": SECRET,
    "GITSYNC_REPO": "https://jo:Tr0ub4dor@git.example.test/acme/site.git",
    "GITSYNC_REF": "release",
}
Output = pytest.CaptureFixture[str]


class Receiver:
    """Stands in for the way to the server: what it is sent, and what it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.sent = Request()
        self.answer: Answer | FetchError = Answer(202, b"accepted\n")

    def post(self, sidecar: Sidecar, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.url = f"{sidecar.url}{path}"
        encoded = {name.lower(): value.encode("latin-1") for name, value in headers.items()}
        self.sent = Request(headers=encoded, body=body)
        if isinstance(self.answer, FetchError):
            raise self.answer
        return self.answer

    def read(self, name: str, secret: str = SECRET) -> Delivery:
        """Return what the provider makes of what was sent; raise `WebhookRejected` if it proves nothing."""
        (provider,) = (each for each in PROVIDERS if each.name == name)
        # It was signed just now; only Standard Webhooks would look.
        provider.verify(self.sent, [secret.encode()], 0.0)
        return provider.read(self.sent)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """A server that is none."""
    made = Receiver()

    def post(sidecar: Sidecar, path: str, *, timeout: float, headers: Mapping[str, str], body: bytes) -> Answer:
        return made.post(sidecar, path, headers, body)

    monkeypatch.setattr(Sidecar, "post", post)
    return made


@pytest.mark.parametrize("provider", [provider.name for provider in PROVIDERS])
def test_push(receiver: Receiver, capsys: Output, provider: str) -> None:
    """In the container no more than the provider has to be named: the rest is in the variables of the sidecar."""
    assert run(["receiver-check", provider], ENVIRON) == 0
    assert receiver.url == "http://127.0.0.1:9484/webhook"
    read = receiver.read(provider)
    assert read.refs == ("refs/heads/release",)
    assert (read.id or "gitsync-receiver-check") == "gitsync-receiver-check"
    if provider in {"github", "gitlab", "bitbucket-server", "azure"}:
        assert "https://git.example.test/acme/site.git" in (read.repositories or ())
    out = capsys.readouterr().out.splitlines()
    assert out == [
        f"a push to refs/heads/release, as {provider} sends it, to http://127.0.0.1:9484/webhook",
        "202: let in, and a pass is started (accepted)",
    ]
    assert b"Tr0ub4dor" not in receiver.sent.body


@pytest.mark.parametrize(
    ("followed", "argv", "pushed", "default"),
    [
        (None, [], "refs/heads/main", "main"),
        ("HEAD", [], "refs/heads/main", "main"),
        ("HEAD", ["--ref", "trunk"], "refs/heads/trunk", "trunk"),
        ("release", ["--ref=v1"], "refs/heads/v1", "v1"),
        ("refs/tags/v1", [], "refs/tags/v1", "main"),
        ("8A5C1B0B8F5A3C9D7F1E2D3C4B5A69788F9E0D1C", [], "refs/heads/main", "main"),
    ],
)
def test_ref(receiver: Receiver, followed: str | None, argv: list[str], pushed: str, default: str) -> None:
    """The push is to what is followed, or to what is named; what HEAD is nobody knows here."""
    environ = {"GITSYNC_RECEIVER_SECRET": SECRET, **({"GITSYNC_REF": followed} if followed else {})}
    assert run(["receiver-check", "github", *argv], environ) == 0
    read = receiver.read("github")
    assert (read.refs, read.default_branch, read.repositories) == ((pushed,), default, None)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://sync.example.test", "https://sync.example.test/webhook"),
        ("https://sync.example.test/webhook", "https://sync.example.test/webhook"),
        ("https://sync.example.test/site/webhook/", "https://sync.example.test/site/webhook"),
    ],
)
def test_url(receiver: Receiver, capsys: Output, url: str, asked: str) -> None:
    """The URL may be the one that the provider is given, or that of the server."""
    assert run(["receiver-check", "gitea", url.replace("://", "://jo:Tr0ub4dor@")], ENVIRON) == 0
    assert receiver.url == asked.replace("://", "://jo:Tr0ub4dor@")
    out = capsys.readouterr().out
    assert asked in out
    assert "Tr0ub4dor" not in out


def test_ping(receiver: Receiver, capsys: Output) -> None:
    """A ping is sent to who has one."""
    receiver.answer = Answer(200, b"this gitsync hears you\n")
    assert run(["receiver-check", "github", "--ping"], ENVIRON) == 0
    assert receiver.read("github").is_ping
    assert capsys.readouterr().out.splitlines()[1:] == ["200: let in (this gitsync hears you)"]
    assert run(["receiver-check", "gitlab", "--ping"], ENVIRON) == 2
    assert "gitlab has no ping" in capsys.readouterr().err


def test_one_of_several_refs(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    """Which ref an event is to be about has to be said where a pattern is followed."""
    environ = {**ENVIRON, "GITSYNC_REF_PATTERN": "v*"}
    assert run(["receiver-check", "github"], environ) == 2
    assert "is followed there (--ref-pattern): name one with --ref" in capsys.readouterr().err
    run(["receiver-check", "github", "--ref=refs/tags/v1"], environ)
    assert receiver.read("github").refs == ("refs/tags/v1",)


@pytest.mark.parametrize(
    ("status", "body", "code", "told"),
    [
        (200, b"nothing to do\n", 0, ["200: let in (nothing to do)", "--ref"]),
        (401, b"X does not match the secret\n", 3, ["401: not let in (X does not match the secret)", "the same"]),
        (404, b"not found\n", 3, ["404: there is no receiver (not found)", "--receiver-bind"]),
        (404, b"<html>\n<h1>404 Not Found</h1>", 3, ["404: there is no receiver\n", "Ingress"]),
        (405, b"", 3, ["405: no POST is taken\n", "https"]),
        (413, b"", 3, ["413: the event is too large\n", "Ingress"]),
        (503, b"the secret cannot be read", 3, ["503: not now (the secret cannot be read)", "the log says why"]),
        (301, b"", 3, ["301: not let in\n", "redirect"]),
        (401, f"I know {SECRET}".encode(), 3, ["401: not let in (I know ***)"]),
        (403, b"x" * 1000, 3, ["403: not let in\n", "no answer of gitsync's"]),
        (502, b"\xff\x1b[31m", 3, ["502: not let in (\ufffd\\x1b[31m)", "no answer of gitsync's"]),
    ],
)
def test_answer(receiver: Receiver, capsys: Output, status: int, body: bytes, code: int, told: list[str]) -> None:
    """Each answer is explained, with what to do about it; it is on stdout if the event was let in."""
    receiver.answer = Answer(status, body)
    assert run(["receiver-check", "github"], ENVIRON) == code
    shown = capsys.readouterr()
    for words in told:
        assert words in (shown.out if code == 0 else shown.err)
    assert SECRET not in shown.out + shown.err


@pytest.mark.parametrize(("reason", "told"), [("connect", "does gitsync run there"), ("dns", "the host of the URL")])
def test_nobody_there(receiver: Receiver, capsys: Output, reason: str, told: str) -> None:
    """Where nobody answers it is said what may be the reason."""
    receiver.answer = FetchError("http://127.0.0.1:9484/webhook: Connection refused", reason=reason)
    assert run(["receiver-check", "github"], ENVIRON) == 3
    shown = capsys.readouterr().err
    assert "Connection refused" in shown
    assert told in shown


def test_arguments(capsys: Output) -> None:
    """A provider that there is none of, or none at all, is told with those that there are."""
    assert run(["receiver-check", "sourceforge"], ENVIRON) == 2
    assert "bitbucket-server" in capsys.readouterr().err
    assert run(["receiver-check"], ENVIRON) == 2
    assert run(["receiver-check", "github"], {}) == 2
    assert "there is no secret" in capsys.readouterr().err
    assert set(group.commands) >= {"receiver-check"}
