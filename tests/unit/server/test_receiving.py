"""The webhook's door, as requests come to it over HTTP."""

import io
import time

import pytest

from gitsync.base.errors import CredentialError
from gitsync.base.redact import Secret
from gitsync.receiver.samples import ping, push
from gitsync.telling.events import Source
from tests.support.webhook import bearer, signed
from tests.unit.conftest import Logs
from tests.unit.server.site import Site

SECRET = "correct-horse"


@pytest.fixture
def receiver() -> Site:
    """A site with a receiver."""
    return Site(secrets=lambda: (Secret(SECRET),))


@pytest.mark.parametrize(
    ("headers", "body", "provider"),
    [
        (signed(b'{"ref": "x"}', SECRET), b'{"ref": "x"}', "github"),
        (signed(b"", SECRET), b"", "github"),
        (bearer(SECRET), b"not json \xff", "generic"),
    ],
    ids=["signed", "empty", "bearer"],
)
def test_webhook(receiver: Site, headers: dict[str, str], body: bytes, provider: str) -> None:
    """A proven request is accepted at once and leaves a trigger, whatever it says."""
    answer = receiver.hook(headers, body)
    assert (answer.status, answer.reason) == (202, "Accepted")
    assert receiver.mailboxes["site-0"].wait(0).sources == ("webhook",)
    assert receiver.received() == {(provider, "accepted"): 1}


def test_webhook_wakes_every_repository() -> None:
    """A request is for all repositories."""
    site = Site(secrets=lambda: (Secret(SECRET),), mailboxes=3)
    site.hook(bearer(SECRET))
    assert [mailbox.wait(0).sources for mailbox in site.mailboxes.values()] == [("webhook",)] * 3


@pytest.mark.parametrize(
    ("headers", "provider"),
    [
        (signed(b"other", SECRET), "github"),
        (signed(b"{}", "wrong"), "github"),
        ({"X-Hub-Signature-256": "sha256=é"}, "github"),
        (bearer("wrong-Tr0ub4dor"), "generic"),
        ({"X-Hub-Signature-256": ""}, "unknown"),
        ({}, "unknown"),
    ],
    ids=["body", "secret", "letters", "token", "empty", "none"],
)
def test_webhook_refused(receiver: Site, logs: Logs, headers: dict[str, str], provider: str) -> None:
    """An unproven request is refused, counted and logged, starts nothing, and repeats nothing that was sent."""
    answer = receiver.hook(headers, b"{}")
    assert (answer.status, answer.reason) == (401, "Unauthorized")
    assert receiver.mailboxes["site-0"].wait(0).sources == ()
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
    assert receiver.mailboxes["site-0"].wait(0).sources == ()


def _unreadable() -> tuple[Secret, ...]:
    raise CredentialError("--receiver-secret-file=/run/secret: No such file or directory")


@pytest.mark.parametrize("headers", [bearer(""), signed(b"", ""), bearer(SECRET), {}], ids=range(4))
def test_webhook_without_a_secret(headers: dict[str, str]) -> None:
    """While the secret cannot be had, nothing is accepted, and the sender is asked to come again."""
    site = Site(secrets=_unreadable)
    assert site.hook(headers).status == 503
    assert site.mailboxes["site-0"].wait(0).sources == ()
    assert [outcome for _, outcome in site.received()] == ["no_secret"]


def test_several_secrets_count(receiver: Site) -> None:
    """While a secret is changed, the old one and the new one count, whatever proves them."""
    site = Site(secrets=lambda: (Secret("old-secret"), Secret("new-secret")))
    for secret in ("old-secret", "new-secret"):
        assert site.hook(bearer(secret)).status == 202
        assert site.hook(signed(b"{}", secret), b"{}").status == 202
    assert site.hook(bearer("old-secret\nnew-secret")).status == 401


def sample(provider: str, ref: str, repo: str = "site-0") -> tuple[dict[str, str], bytes]:
    """Return a push to a repository of ours, as it is sent."""
    url = f"https://git.example.test/acme/{repo}.git"
    made = push(provider, secret=SECRET.encode(), now=time.time(), ref=ref, repo=url)
    return {name: value.decode() for name, value in made.headers.items()}, made.body


def triggers(site: Site) -> list[tuple[Source, ...]]:
    """Return what passes are asked for, by repository."""
    return [mailbox.wait(0).sources for mailbox in site.mailboxes.values()]


@pytest.mark.parametrize(
    ("ref", "repo", "status", "outcome"),
    [
        ("refs/heads/main", "site-0", 202, "accepted"),
        ("refs/heads/other", "site-0", 200, "other_ref"),
        ("refs/heads/main", "docs", 200, "other_repository"),
        ("refs/heads/other", "docs", 200, "other_repository"),
    ],
)
@pytest.mark.parametrize("provider", ["github", "gitlab", "bitbucket-server", "azure"])
def test_what_an_event_is_about(receiver: Site, provider: str, ref: str, repo: str, status: int, outcome: str) -> None:
    """An event about something else is acknowledged and counted, and starts nothing."""
    answer = receiver.hook(*sample(provider, ref, repo))
    assert answer.status == status
    assert receiver.received() == {(provider, outcome): 1}
    assert triggers(receiver) == [("webhook",) if outcome == "accepted" else ()]


def test_event_is_for_one_of_several() -> None:
    """Of several repositories the one that an event is about has a pass."""
    site = Site(secrets=lambda: (Secret(SECRET),), mailboxes=2)
    assert site.hook(*sample("github", "refs/heads/main", "site-1")).status == 202
    assert triggers(site) == [(), ("webhook",)]
    assert site.hook(*sample("github", "refs/heads/other", "site-1")).status == 200
    assert site.received() == {("github", "accepted"): 1, ("github", "other_ref"): 1}


def test_ping(receiver: Site, logs: Logs) -> None:
    """A ping is answered when it is proved, starts nothing, and is told of."""
    made = ping("github", secret=SECRET.encode(), now=time.time())
    assert made
    headers = {name: value.decode() for name, value in made.headers.items()}
    assert receiver.hook(headers, made.body).status == 200
    assert receiver.hook(headers, made.body + b" ").status == 401
    assert receiver.received() == {("github", "ping"): 1, ("github", "unauthorized"): 1}
    assert triggers(receiver) == [()]
    (event,) = logs.events("webhook_accepted")
    assert (event["outcome"], event["event_name"]) == ("ping", "ping")


def test_one_provider_alone() -> None:
    """Where a provider is fixed, its proof counts whatever the headers say, and nobody else's does."""
    site = Site(secrets=lambda: (Secret(SECRET),), only="gitlab")
    headers, body = sample("gitlab", "refs/heads/main")
    assert site.hook({**headers, "X-GitHub-Event": "push"}, body).status == 202
    for refused in (signed(b"{}", SECRET), bearer(SECRET), {}):
        assert b"X-Gitlab-Token" in site.hook(refused, b"{}").body
    assert site.received() == {("gitlab", "accepted"): 1, ("gitlab", "unauthorized"): 3}


def test_refusals_do_not_fill_the_log(receiver: Site, logs: Logs) -> None:
    """Whoever tries secrets one after the other is told of once in a while, and counted each time."""
    for number in range(50):
        receiver.hook(bearer(str(number)))
    assert len(logs.events("webhook_rejected")) == 1
    assert receiver.received() == {("generic", "unauthorized"): 50}


def test_webhook_reads_the_secret_each_time() -> None:
    """A secret that was replaced counts from the next request on."""
    secrets = iter(["old-secret", "new-secret", "new-secret"])
    site = Site(secrets=lambda: (Secret(next(secrets)),))
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
