"""The routes, called as a WSGI server calls them."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gitsync import __version__
from gitsync.base.errors import CredentialError
from gitsync.base.redact import MASK, Secret
from gitsync.server.app import Application
from gitsync.telling.events import Failure
from gitsync.telling.metrics import Metrics
from gitsync.triggers.mailbox import Mailbox
from tests.support.webhook import bearer, signed
from tests.unit.conftest import Logs
from tests.unit.examples import HASH, REPO, board, commit

SECRET = "correct-horse"
READING = ["/", "/healthz", "/readyz", "/metrics", "/status"]


@dataclass
class Answer:
    """What the application answered."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)


class Site:
    """An application, with what it reads from."""

    def __init__(self, *, secret: Callable[[], Secret] | None = None, mailboxes: int = 1, **status: Any) -> None:
        self.metrics = Metrics()
        self.mailboxes = {f"site-{number}": Mailbox() for number in range(mailboxes)}
        self.app = Application(
            board=board(**{"act_by": time.monotonic() + 60, **status}),
            metrics=self.metrics,
            mailboxes=self.mailboxes,
            secret=secret,
            git_version=lambda: "2.39.5",
        )

    def ask(self, path: str, method: str = "GET", *, body: bytes = b"", **headers: str) -> Answer:
        """Send a request and return the answer."""
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        }
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        parts = self.app(environ, lambda status, headers: begun.append((status, headers)))
        ((status, fields),) = begun
        assert len({name for name, _ in fields}) == len(fields)
        return Answer(int(status[:3]), status[4:], dict(fields), b"".join(parts))

    def hook(self, headers: dict[str, str], body: bytes = b"") -> Answer:
        """Send a request to the webhook."""
        return self.ask("/webhook", "POST", body=body, **headers)

    def received(self) -> dict[tuple[str, str], float]:
        """Return the requests that were counted, by provider and outcome."""
        families = text_string_to_metric_families(self.ask("/metrics").body.decode())
        samples = [sample for family in families for sample in family.samples]
        return {
            (sample.labels["provider"], sample.labels["outcome"]): sample.value
            for sample in samples
            if sample.name == "gitsync_receiver_requests_total"
        }


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """A link that leads to a tree."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "www").symlink_to("tree")
    return tmp_path / "www"


@pytest.fixture
def receiver() -> Site:
    """A site with a receiver."""
    return Site(secret=lambda: Secret(SECRET))


def test_root() -> None:
    """The root answers 503 until something is published and 200 from then on, as git-sync does."""
    assert Site().ask("/").status == 503
    assert Site(commit=commit()).ask("/").status == 200


def test_alive() -> None:
    """Liveness follows the worker's own announcement."""
    now = time.monotonic()
    assert Site(act_by=now).ask("/healthz").json == {"alive": True, "late": []}
    late = Site(act_by=now - 31).ask("/healthz")
    assert (late.status, late.reason, late.json) == (503, "Service Unavailable", {"alive": False, "late": [REPO]})


def test_alive_without_a_publication() -> None:
    """A worker that has not published anything yet is alive."""
    assert Site().ask("/healthz").status == 200


def test_ready(link: Path) -> None:
    """Readiness needs a publication and a link that leads to a directory now."""
    site = Site(commit=commit(), link=str(link))
    assert site.ask("/readyz").status == 200
    link.resolve().rmdir()
    assert site.ask("/readyz").status == 503
    link.unlink()
    assert site.ask("/readyz").status == 503


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?repo=www", 200),
        (f"?repo={REPO}", 200),
        ("?repo=https%3A%2F%2Fexample.test%2Fsite.git", 200),
        ("?other=x", 200),
        ("?repo=ww", 404),
        ("?repo=", 404),
        ("?repo=www&repo=other", 404),
    ],
)
def test_probe_that_names_a_repository(link: Path, path: str, query: str, status: int) -> None:
    """A probe may name the link or the URL that it is about, and whoever else has the port says that it is not here."""
    assert Site(commit=commit(), link=str(link)).ask(path + query).status == status


def test_not_ready_without_a_publication(link: Path) -> None:
    """A link that somebody else has made does not make us ready."""
    answer = Site(link=str(link)).ask("/readyz")
    assert (answer.status, answer.json["ready"]) == (503, False)


def test_ready_while_the_remote_is_gone(link: Path) -> None:
    """A failing remote shows in the body and leaves what is published ready."""
    failure = Failure(reason="dns", message="no such host")
    answer = Site(commit=commit(), link=str(link), failure=failure, last_success=1000.0).ask("/readyz")
    assert answer.status == 200
    assert answer.json == {
        "ready": True,
        "repos": [
            {
                "repo": REPO,
                "ready": True,
                "stale": True,
                "last_success": "1970-01-01T00:16:40.000+00:00",
                "reason": "dns",
                "error": {"reason": "dns", "message": "no such host", "hint": None},
            }
        ],
    }


def test_status(link: Path) -> None:
    """The status tells everything about every repository."""
    site = Site(
        commit=commit(),
        link=str(link),
        resolved_ref="refs/heads/main",
        published_at=1060.0,
        last_attempt=1500.0,
        last_success=time.time(),
        next_pass=2010.5,
        failures=2,
        failure=Failure(reason="tls", message="bad certificate", hint="check it"),
    )
    answer = site.ask("/status").json
    (repo,) = answer.pop("repos")
    assert answer == {"version": __version__, "git_version": "2.39.5"}
    assert repo.pop("last_success").startswith("20")
    assert repo == {
        "repo": REPO,
        "ref": "HEAD",
        "resolved_ref": "refs/heads/main",
        "link": str(link),
        "hash": HASH,
        "author_date": "2026-01-02T03:04:05+00:00",
        "published_at": "1970-01-01T00:17:40.000+00:00",
        "last_attempt": "1970-01-01T00:25:00.000+00:00",
        "consecutive_failures": 2,
        "error": {"reason": "tls", "message": "bad certificate", "hint": "check it"},
        "next_pass": "1970-01-01T00:33:30.500+00:00",
        "ready": True,
        "stale": False,
    }


def test_status_at_the_start() -> None:
    """Before the first pass the status has the same fields, most of them empty."""
    (repo,) = Site().ask("/status").json["repos"]
    filled = {name for name, value in repo.items() if value is not None}
    assert filled == {"repo", "ref", "link", "consecutive_failures", "ready", "stale"}
    assert (repo["ready"], repo["stale"]) == (False, True)


@pytest.mark.parametrize("path", ["/status", "/readyz", "/healthz"])
def test_json_without_secrets(path: str) -> None:
    """No secret gets into an answer, wherever it was before."""
    Secret("Tr0ub4dor")
    failure = Failure(reason="Tr0ub4dor", message="https://u:pw12@h Tr0ub4dor", hint="Authorization: Bearer Tr0ub4dor")
    body = Site(failure=failure, ref="Tr0ub4dor", act_by=0.0, link="/Tr0ub4dor").ask(path).body.decode()
    assert "Tr0ub4dor" not in body
    assert "pw12" not in body
    assert (MASK in body) is (path != "/healthz")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html, */*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0"),
    ],
    ids=["none", "browser", "prometheus"],
)
def test_metrics(accept: str, content_type: str) -> None:
    """Metrics come in the form that the scraper asks for."""
    answer = Site().ask("/metrics", accept=accept)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(content_type)
    assert b"\ngit_sync_count_total{" in answer.body
    assert answer.body.endswith(b"# EOF\n") is content_type.startswith("application/openmetrics")


@pytest.mark.parametrize("path", READING)
def test_head(path: str) -> None:
    """HEAD is answered like GET, without the body."""
    site = Site(commit=commit())
    got, head = site.ask(path), site.ask(path, "HEAD")
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers.keys() == got.headers.keys()
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", READING)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE"])
def test_other_methods(path: str, method: str) -> None:
    """Other methods are refused with those that are allowed."""
    answer = Site().ask(path, method)
    assert (answer.status, answer.reason) == (405, "Method Not Allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/nothing", "/status/", "//", "", "/metrics/x", "/../status", "/é", "/webhook"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_not_found(path: str, method: str) -> None:
    """Any other path is not found, and without a secret the webhook is one of them."""
    answer = Site().ask(path, method)
    assert (answer.status, answer.reason) == (404, "Not Found")
    assert "Allow" not in answer.headers


@pytest.mark.parametrize("path", [*READING, "/nothing"])
def test_headers(path: str) -> None:
    """Every answer has its length and type, and is not to be stored or guessed at."""
    answer = Site().ask(path)
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"]


@pytest.mark.parametrize(
    ("headers", "body", "provider"),
    [
        (signed(b'{"ref": "x"}', SECRET), b'{"ref": "x"}', "github"),
        (signed(b"", SECRET), b"", "github"),
        (bearer(SECRET), b"not json \xff", "bearer"),
    ],
    ids=["signed", "empty", "bearer"],
)
def test_webhook(receiver: Site, headers: dict[str, str], body: bytes, provider: str) -> None:
    """A proven request is accepted at once and leaves a trigger, whatever it says."""
    answer = receiver.hook(headers, body)
    assert (answer.status, answer.reason) == (202, "Accepted")
    assert receiver.mailboxes["site-0"].wait(0) == ("webhook",)
    assert receiver.received() == {(provider, "accepted"): 1}


def test_webhook_wakes_every_repository() -> None:
    """A request is for all repositories."""
    site = Site(secret=lambda: Secret(SECRET), mailboxes=3)
    site.hook(bearer(SECRET))
    assert [mailbox.wait(0) for mailbox in site.mailboxes.values()] == [("webhook",)] * 3


@pytest.mark.parametrize(
    ("headers", "provider"),
    [
        (signed(b"other", SECRET), "github"),
        (signed(b"{}", "wrong"), "github"),
        ({"X-Hub-Signature-256": "sha256=é"}, "github"),
        (bearer("wrong-Tr0ub4dor"), "bearer"),
        ({"X-Hub-Signature-256": ""}, "unknown"),
        ({}, "unknown"),
    ],
    ids=["body", "secret", "letters", "token", "empty", "none"],
)
def test_webhook_refused(receiver: Site, logs: Logs, headers: dict[str, str], provider: str) -> None:
    """An unproven request is refused, counted and logged, starts nothing, and repeats nothing that was sent."""
    answer = receiver.hook(headers, b"{}")
    assert (answer.status, answer.reason) == (401, "Unauthorized")
    assert receiver.mailboxes["site-0"].wait(0) == ()
    assert receiver.received() == {(provider, "unauthorized"): 1}
    (event,) = logs.events("webhook_rejected")
    assert (event["provider"], event["outcome"], event["level"]) == (provider, "unauthorized", "warning")
    for secret in (SECRET, "Tr0ub4dor"):
        assert secret not in logs.stream.getvalue() + answer.body.decode()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_webhook_method(receiver: Site, method: str) -> None:
    """The webhook takes nothing but POST, even with the secret."""
    answer = receiver.ask("/webhook", method, authorization=f"Bearer {SECRET}")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert receiver.mailboxes["site-0"].wait(0) == ()


def _unreadable() -> Secret:
    raise CredentialError("--receiver-secret-file=/run/secret: No such file or directory")


@pytest.mark.parametrize("secret", [_unreadable, lambda: Secret("")], ids=["unreadable", "empty"])
@pytest.mark.parametrize("headers", [bearer(""), signed(b"", ""), bearer(SECRET), {}], ids=range(4))
def test_webhook_without_a_secret(secret: Callable[[], Secret], headers: dict[str, str]) -> None:
    """While the secret cannot be had, nothing is accepted, and the sender is asked to come again."""
    site = Site(secret=secret)
    assert site.hook(headers).status == 503
    assert site.mailboxes["site-0"].wait(0) == ()
    assert [outcome for _, outcome in site.received()] == ["no_secret"]


def test_webhook_reads_the_secret_each_time() -> None:
    """A secret that was replaced counts from the next request on."""
    secrets = iter(["old-secret", "new-secret", "new-secret"])
    site = Site(secret=lambda: Secret(next(secrets)))
    assert [site.hook(bearer(token)).status for token in ("old-secret", "old-secret", "new-secret")] == [202, 401, 202]


def test_webhook_reads_no_more_than_announced(receiver: Site) -> None:
    """The body ends where the request says, so that a connection that stays open holds nothing up."""
    body = b"{}"
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhook",
        "CONTENT_LENGTH": "2",
        "HTTP_X_HUB_SIGNATURE_256": signed(body, SECRET)["X-Hub-Signature-256"],
        "wsgi.input": io.BytesIO(body + b"the next request"),
    }
    statuses: list[str] = []
    receiver.app(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["202 Accepted"]


def test_metrics_can_be_off() -> None:
    """Without metrics there is no such path."""
    site = Site()
    site.app = replace(site.app, shows_metrics=False)
    assert site.ask("/metrics").status == 404


def test_stacks() -> None:
    """The stacks of all threads are shown where that is asked for, and only there."""
    site = Site()
    assert site.ask("/debug/pprof/").status == 404
    site.app = replace(site.app, shows_stacks=True)
    answer = site.ask("/debug/pprof/")
    assert answer.status == 200
    assert "MainThread" in answer.body.decode()
    assert "in test_stacks" in answer.body.decode()
