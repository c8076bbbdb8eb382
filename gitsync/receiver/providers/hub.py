"""GitHub, and those who have taken its events over: Gitea, Forgejo, Gogs. Pure functions.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
https://docs.gitea.com/usage/webhooks
https://forgejo.org/docs/latest/user/webhooks/
https://github.com/gogs/gogs/blob/main/internal/database/webhook.go
"""

from collections.abc import Callable
from typing import Final

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers.payload import document, full_name, label, parse, refs, repositories, text
from gitsync.receiver.providers.proof import one_of, sha1_only, signature
from gitsync.receiver.providers.provider import Provider, has
from gitsync.receiver.request import Request

_NAMES: Final = ("clone_url", "ssh_url", "git_url", "html_url", "full_name")
_ADVICE: Final = "enter the secret in the settings of the webhook"


def _reader(provider: str) -> Callable[[Request], Delivery]:
    """Return what reads the events of a provider, whose headers are called after it."""

    def read(request: Request) -> Delivery:
        event, payload = label(request.header(f"X-{provider}-Event")), parse(request)
        return Delivery(
            provider=provider,
            event=event,
            id=label(request.header(f"X-{provider}-Delivery")),
            is_ping=event == "ping",
            refs=_refs(event, payload),
            default_branch=text(payload, "repository", "default_branch"),
            repositories=repositories(text(payload, "repository", name) for name in _NAMES),
        )

    return read


def _refs(event: str, payload: object) -> tuple[str, ...] | None:
    """Return what an event is about; what comes with a push that makes or removes a ref has a short name in it."""
    if event == "push":
        return refs([text(payload, "ref")])
    if event in {"create", "delete"}:
        return refs([full_name(text(payload, "ref_type"), text(payload, "ref"))])
    return None


def _of_its_own(provider: str) -> Provider:
    """Return one of those who sign the JSON with a header of their own, also where they send it in a form."""
    header = f"X-{provider.capitalize()}-Signature"
    return Provider(
        name=provider,
        # All of them send GitHub's headers as well.
        sends=has(f"X-{provider}-Event"),
        verify=one_of(signature(header, prefix="", signed=document), missing=f"the request has no {header}: {_ADVICE}"),
        read=_reader(provider),
    )


GITHUB: Final = Provider(
    name="github",
    sends=has("X-GitHub-Event", "X-Hub-Signature-256"),
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    verify=one_of(
        signature("X-Hub-Signature-256"),
        sha1_only("X-Hub-Signature"),
        missing=f"the request has no X-Hub-Signature-256: {_ADVICE}",
    ),
    read=_reader("github"),
)
GITEA: Final = _of_its_own("gitea")
FORGEJO: Final = _of_its_own("forgejo")
GOGS: Final = _of_its_own("gogs")
