"""Bitbucket Cloud, and Bitbucket Data Center (or Server), which has little in common with it. Pure functions.

https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
"""

from typing import Final

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers.payload import at, entries, full_name, label, parse, refs, repositories, text
from gitsync.receiver.providers.proof import basic, one_of, signature
from gitsync.receiver.providers.provider import Provider, has
from gitsync.receiver.request import Request

# It has the name of GitHub's for SHA-1, and is none.
_SIGNATURE: Final = "X-Hub-Signature"
_CHANGES: Final = {"repo:refs_changed", "mirror:repo_synchronized"}


def _read_cloud(request: Request) -> Delivery:
    payload = parse(request)
    return Delivery(
        provider="bitbucket",
        event=label(request.header("X-Event-Key")),
        id=label(request.header("X-Request-UUID")),
        refs=refs(_changed(change) for change in entries(payload, "push", "changes")),
        repositories=repositories(
            [text(payload, "repository", "links", "html", "href"), text(payload, "repository", "full_name")]
        ),
    )


def _changed(change: object) -> str | None:
    """Return the ref of a change: of one that is deleted there is only what it was."""
    ref = at(change, "new") or at(change, "old")
    return full_name(text(ref, "type"), text(ref, "name"))


def _read_server(request: Request) -> Delivery:
    event, payload = label(request.header("X-Event-Key")), parse(request)
    whole = event in _CHANGES and at(payload, "refLimitExceeded") is not True
    key, slug = text(payload, "repository", "project", "key"), text(payload, "repository", "slug")
    return Delivery(
        provider="bitbucket-server",
        event=event,
        id=label(request.header("X-Request-Id")),
        is_ping=event == "diagnostics:ping",
        refs=refs(_ref(change) for change in entries(payload, "changes")) if whole else None,
        repositories=repositories(
            [
                *(text(link, "href") for link in entries(payload, "repository", "links", "clone")),
                f"{key}/{slug}" if key and slug else None,
            ]
        ),
    )


def _ref(change: object) -> str | None:
    return text(change, "ref", "id") or text(change, "refId")


CLOUD: Final = Provider(
    name="bitbucket",
    sends=has("X-Hook-UUID"),
    verify=one_of(
        signature(_SIGNATURE),
        missing=f"the request has no {_SIGNATURE}: enter the secret in the settings of the webhook",
    ),
    read=_read_cloud,
)
SERVER: Final = Provider(
    name="bitbucket-server",
    sends=has("X-Event-Key"),
    verify=one_of(
        signature(_SIGNATURE),
        basic,
        missing=f"the request has neither {_SIGNATURE} nor a password: enter the secret in the settings of the "
        "webhook, as its secret or as the password",
    ),
    read=_read_server,
)
