"""GitLab. Pure functions.

https://docs.gitlab.com/user/project/integrations/webhooks/
https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from typing import Final

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers.payload import entries, label, parse, refs, repositories, text
from gitsync.receiver.providers.proof import one_of, token
from gitsync.receiver.providers.provider import Provider, has
from gitsync.receiver.providers.standard import standard
from gitsync.receiver.request import Request

_NAMES: Final = (
    ("project", "git_http_url"),
    ("project", "git_ssh_url"),
    ("project", "web_url"),
    ("project", "path_with_namespace"),
    ("repository", "git_http_url"),
    ("repository", "git_ssh_url"),
)
_PUSHES: Final = {"push", "tag_push"}


def _read(request: Request) -> Delivery:
    payload = parse(request)
    return Delivery(
        provider="gitlab",
        event=label(request.header("X-Gitlab-Event")),
        id=label(request.header("X-Gitlab-Event-UUID")),
        refs=_refs(payload),
        default_branch=text(payload, "project", "default_branch"),
        repositories=repositories(text(payload, *path) for path in _NAMES),
    )


def _refs(payload: object) -> tuple[str, ...] | None:
    """Return what a push is about; events of the whole system have no `object_kind`, and one of them several refs."""
    event = text(payload, "object_kind") or text(payload, "event_name")
    if event in _PUSHES:
        return refs([text(payload, "ref")])
    if event == "repository_update":
        return refs(text(change, "ref") for change in entries(payload, "changes"))
    return None


GITLAB: Final = Provider(
    name="gitlab",
    sends=has("X-Gitlab-Event", "X-Gitlab-Token"),
    verify=one_of(
        standard,
        token("X-Gitlab-Token"),
        missing="the request has neither webhook-signature nor X-Gitlab-Token: enter a signing token or the secret "
        "token in the settings of the webhook",
    ),
    read=_read,
)
