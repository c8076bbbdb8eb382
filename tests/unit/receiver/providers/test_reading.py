"""What the events of each provider say of themselves."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.request import Request
from tests.unit.receiver.providers import payloads
from tests.unit.receiver.providers.payloads import Payload
from tests.unit.receiver.providers.signatures import provider

HUBS = ("github", "gitea", "forgejo", "gogs")
MAIN, OLD, TAG = ("refs/heads/main",), ("refs/heads/old",), ("refs/tags/v1.2.0",)
URL = payloads.ORG


def sent(payload: Payload, headers: Mapping[str, str], *, form: bool = False) -> Request:
    """Return an event as it is sent."""
    written = json.dumps(payload, ensure_ascii=False)
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    told = {"Content-Type": kind, **headers}
    body = urlencode({"payload": written}) if form else written
    return Request(headers={name.lower(): value.encode() for name, value in told.items()}, body=body.encode())


def hub(name: str, event: str, payload: Payload, *, form: bool = False) -> Delivery:
    """Return what is read of an event of GitHub or of one of those that are like it."""
    return provider(name).read(sent(payload, {f"X-{name}-Event": event, f"X-{name}-Delivery": "42-a"}, form=form))


@pytest.mark.parametrize("name", HUBS)
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_hub(name: str, form: bool) -> None:
    """A push names its ref, the default branch, and the repository in every way; in a form it says the same."""
    assert hub(name, "push", payloads.hub(), form=form) == Delivery(
        provider=name,
        event="push",
        id="42-a",
        refs=MAIN,
        default_branch="main",
        repositories=(
            f"{URL}.git",
            "git@git.example.test:acme/site.git",
            "git://git.example.test/acme/site.git",
            URL,
            "acme/site",
        ),
    )


@pytest.mark.parametrize("name", HUBS)
def test_hub_tags_and_deletions(name: str) -> None:
    """A tag is a ref as well, and one that is gone was one; events of their own have short names."""
    assert hub(name, "push", payloads.hub_tag()).refs == TAG
    assert hub(name, "push", payloads.hub_deleted()).refs == OLD
    assert hub(name, "create", payloads.hub(ref="v1.2.0", ref_type="tag")).refs == TAG
    assert hub(name, "delete", payloads.hub(ref="old", ref_type="branch")).refs == OLD
    assert hub(name, "delete", payloads.hub(ref="refs/heads/old", ref_type="branch")).refs == OLD
    assert hub(name, "create", payloads.hub(ref="x", ref_type="repository")).refs is None


def test_ping_of_github() -> None:
    """The event that comes first asks for nothing."""
    read = hub("github", "ping", payloads.hub_ping())
    assert (read.is_ping, read.event, read.refs) == (True, "ping", None)
    assert not hub("github", "push", payloads.hub()).is_ping


@pytest.mark.parametrize("event", ["issues", "workflow_run", "", "pull_request"])
def test_other_events_of_github(event: str) -> None:
    """An event that is none of a ref does not say what it is about."""
    assert hub("github", event, payloads.hub()).refs is None


def gitlab(event: str, payload: Payload) -> Delivery:
    """Return what is read of an event of GitLab."""
    return provider("gitlab").read(sent(payload, {"X-Gitlab-Event": event, "X-Gitlab-Event-UUID": "13792a34"}))


def test_gitlab() -> None:
    """GitLab has a project with several names."""
    assert gitlab("Push Hook", payloads.gitlab()) == Delivery(
        provider="gitlab",
        event="Push Hook",
        id="13792a34",
        refs=("refs/heads/trunk",),
        default_branch="trunk",
        repositories=(f"{URL}.git", "git@git.example.test:acme/site.git", URL, "acme/site"),
    )


def test_gitlabs_other_pushes() -> None:
    """Tags, branches that go, and hooks of the whole system."""
    assert gitlab("Tag Push Hook", payloads.gitlab_tag()).refs == TAG
    assert gitlab("Push Hook", payloads.gitlab_deleted()).refs == OLD
    system = gitlab("System Hook", payloads.gitlab_system())
    assert (system.refs, system.default_branch) == (("refs/heads/trunk", "refs/tags/v2"), "trunk")
    assert gitlab("System Hook", {**payloads.gitlab(), "object_kind": None}).refs == ("refs/heads/trunk",)
    assert gitlab("Issue Hook", {**payloads.gitlab(), "object_kind": "issue"}).refs is None


def cloud(payload: Payload) -> Delivery:
    """Return what is read of a push of Bitbucket Cloud."""
    headers = {"X-Event-Key": "repo:push", "X-Request-UUID": "1c7e", "X-Hook-UUID": "x", "X-Attempt-Number": "1"}
    return provider("bitbucket").read(sent(payload, headers))


def test_bitbucket_cloud() -> None:
    """A push has all of its changes in it; of one that removes something there is what it was."""
    assert cloud(payloads.bitbucket()) == Delivery(
        provider="bitbucket", event="repo:push", id="1c7e", refs=MAIN, repositories=(URL, "acme/site")
    )
    several = cloud(payloads.bitbucket_several())
    assert several.refs == ("refs/heads/main", "refs/tags/v1", "refs/heads/feature/x")
    odd = payloads.bitbucket((None, {"type": "bookmark", "name": "x"}), (None, {"type": "branch", "name": "main"}))
    assert cloud(odd).refs is None


def datacenter(event: str, payload: Payload) -> Delivery:
    """Return what is read of an event of Bitbucket Data Center."""
    return provider("bitbucket-server").read(sent(payload, {"X-Event-Key": event, "X-Request-Id": "f3-1"}))


def test_bitbucket_data_center() -> None:
    """A push has all of its changes in it, and the URLs to clone from."""
    changes = (
        payloads.server_change("refs/heads/main"),
        payloads.server_change("refs/tags/v1", "ADD"),
        payloads.server_change("refs/heads/old", "DELETE"),
    )
    assert datacenter("repo:refs_changed", payloads.server(*changes)) == Delivery(
        provider="bitbucket-server",
        event="repo:refs_changed",
        id="f3-1",
        refs=("refs/heads/main", "refs/tags/v1", "refs/heads/old"),
        repositories=(
            "ssh://git@bitbucket.example.test:7999/acme/site.git",
            "https://bitbucket.example.test/scm/acme/site.git",
            "ACME/site",
        ),
    )
    older = payloads.server({"refId": "refs/heads/main", "type": "UPDATE"})
    assert datacenter("repo:refs_changed", older).refs == MAIN


def test_bitbucket_data_center_elsewhere() -> None:
    """A mirror may not have told of all refs; its test is a ping."""
    assert datacenter("mirror:repo_synchronized", payloads.server()).refs == MAIN
    assert datacenter("mirror:repo_synchronized", payloads.server(refLimitExceeded=False)).refs == MAIN
    assert datacenter("mirror:repo_synchronized", payloads.server(refLimitExceeded=True)).refs is None
    assert datacenter("pr:merged", payloads.server()).refs is None
    ping = datacenter("diagnostics:ping", {"test": True})
    assert (ping.is_ping, ping.refs, ping.repositories) == (True, None, None)


def azure(payload: Payload) -> Delivery:
    """Return what is read of an event of Azure DevOps."""
    return provider("azure").read(sent(payload, {"X-Vss-Activityid": "1-2"}))


def test_azure() -> None:
    """The event says of itself what others say in headers."""
    assert azure(payloads.azure("refs/heads/main", "refs/tags/v1.2.0")) == Delivery(
        provider="azure",
        event="git.push",
        id="03c164c2-8912-4d5e-8009-3707d5f83734",
        refs=(*MAIN, *TAG),
        default_branch="main",
        repositories=("https://acme@dev.azure.com/acme/Site%20Project/_git/site",),
    )
    minimal = azure(payloads.azure_minimal())
    assert (minimal.refs, minimal.repositories, minimal.default_branch) == (None, None, None)


def generic(body: bytes) -> Delivery:
    """Return what is read of a request of anybody's."""
    return provider("generic").read(Request(headers={"webhook-id": b"msg_1"}, body=body))


def test_generic() -> None:
    """Who has no form of its own may name a ref by its full name, and need not say anything."""
    assert generic(b'{"ref": "refs/heads/main"}') == Delivery(provider="generic", id="msg_1", refs=MAIN)
    for silent in (
        b"",
        b"{}",
        b"ref=refs/heads/main",
        b'{"ref": "main"}',
        b'["refs/heads/main"]',
        b'"refs/heads/main"',
    ):
        assert generic(silent) == Delivery(provider="generic", id="msg_1")
