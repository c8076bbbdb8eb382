"""Azure DevOps, which signs nothing, and sends a password instead. Pure functions.

https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks
https://learn.microsoft.com/en-us/azure/devops/service-hooks/events
"""

from typing import Final

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers.payload import entries, label, parse, refs, repositories, text
from gitsync.receiver.providers.proof import basic, one_of
from gitsync.receiver.providers.provider import Provider, has
from gitsync.receiver.request import Request


def _read(request: Request) -> Delivery:
    """Read an event; how much of the resource is in it is set with the webhook, and may be nothing."""
    payload = parse(request)
    default = text(payload, "resource", "repository", "defaultBranch")
    return Delivery(
        provider="azure",
        event=label(text(payload, "eventType")),
        id=label(text(payload, "id")),
        refs=refs(text(update, "name") for update in entries(payload, "resource", "refUpdates")),
        default_branch=default and (default.removeprefix("refs/heads/") or None),
        repositories=repositories([text(payload, "resource", "repository", "remoteUrl")]),
    )


AZURE: Final = Provider(
    name="azure",
    sends=has("X-Vss-Activityid"),
    verify=one_of(
        basic,
        missing="the request has no basic authentication: enter the secret as the password of the service hook, with "
        "any user name",
    ),
    read=_read,
)
