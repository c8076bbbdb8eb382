"""Events as providers send them, signed with a secret: what a receiver is tried with. Pure functions.

The payloads have the shape of the providers' own, without most of what nobody reads here; the modules of `providers`
say where that shape is written down.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from gitsync.receiver.providers.standard import PREFIX, sign
from gitsync.receiver.request import Request

_BEFORE: Final = "8a5c1b0b8f5a3c9d7f1e2d3c4b5a69788f9e0d1c"
_AFTER: Final = "0123456789abcdef0123456789abcdef01234567"
# What is told of in the log.
_ID: Final = "gitsync-receiver-check"
_HEADS: Final = "refs/heads/"

_Headers = Mapping[str, str]
_Payload = Mapping[str, Any]


def push(provider: str, *, secret: bytes, now: float, ref: str, repo: str | None = None) -> Request:
    """Return a push to a ref (its full name) of a repository (its URL); without one it does not say of which.

    `now` is when it is signed (Unix seconds). Raises `KeyError` for a provider that there is none of.
    """
    headers, payload, prove = _SENDERS[provider]
    return _signed(headers, payload(ref, repo), prove=prove(secret, now))


def ping(provider: str, *, secret: bytes, now: float) -> Request | None:
    """Return what a provider sends to try a webhook; None for those that send a push, or nothing."""
    if provider not in _PINGS:
        return None
    headers, payload = _PINGS[provider]
    return _signed({**_SENDERS[provider][0], **headers}, payload, prove=_SENDERS[provider][2](secret, now))


def _signed(headers: _Headers, payload: _Payload, *, prove: Callable[[bytes], _Headers]) -> Request:
    body = json.dumps(payload).encode()
    sent = {"Content-Type": "application/json", **headers, **prove(body)}
    return Request(headers={name.lower(): value.encode("latin-1") for name, value in sent.items()}, body=body)


def _path(repo: str) -> tuple[str, str]:
    """Return whose a repository is, and its name."""
    parts = ["", *repo.rstrip("/").removesuffix(".git").replace(":", "/").split("/")]
    return parts[-2] or "example", parts[-1]


def _change(ref: str) -> dict[str, str]:
    return {"ref": ref, "before": _BEFORE, "after": _AFTER}


def _default(ref: str) -> str:
    """Return the default branch of the repository: the one that is pushed to, as who follows HEAD follows that."""
    return ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else "main"


def _hub(ref: str, repo: str | None) -> _Payload:
    commit = {"id": _AFTER, "message": "A change", "added": [], "removed": [], "modified": ["index.html"]}
    push = {**_change(ref), "created": False, "deleted": False, "forced": False, "commits": [commit]}
    named = {"default_branch": _default(ref)}
    if repo:
        owner, name = _path(repo)
        named |= {"name": name, "full_name": f"{owner}/{name}", "clone_url": repo}
    return {**push, "repository": named}


def _gitlab(ref: str, repo: str | None) -> _Payload:
    kind = "push" if ref.startswith(_HEADS) else "tag_push"
    push = {"object_kind": kind, "event_name": kind, **_change(ref), "checkout_sha": _AFTER, "total_commits_count": 1}
    named = {"default_branch": _default(ref)}
    if repo:
        owner, name = _path(repo)
        named |= {"name": name, "path_with_namespace": f"{owner}/{name}", "git_http_url": repo}
    return {**push, "project": named}


def _bitbucket(ref: str, repo: str | None) -> _Payload:
    kind = "branch" if ref.startswith(_HEADS) else "tag"
    old, new = ({"type": kind, "name": _short(ref), "target": {"hash": of}} for of in (_BEFORE, _AFTER))
    push = {"push": {"changes": [{"old": old, "new": new, "created": False, "closed": False, "truncated": False}]}}
    return {**push, "repository": {"full_name": "/".join(_path(repo)), "scm": "git"}} if repo else push


def _bitbucket_server(ref: str, repo: str | None) -> _Payload:
    named = {"id": ref, "displayId": _short(ref), "type": "BRANCH" if ref.startswith(_HEADS) else "TAG"}
    change = {"ref": named, "refId": ref, "fromHash": _BEFORE, "toHash": _AFTER, "type": "UPDATE"}
    push = {"eventKey": "repo:refs_changed", "changes": [change]}
    if repo is None:
        return push
    key, slug = _path(repo)
    links = {"clone": [{"href": repo, "name": "http"}]}
    return {**push, "repository": {"slug": slug, "project": {"key": key.upper()}, "links": links}}


def _short(ref: str) -> str:
    return ref.split("/", 2)[-1]


def _azure(ref: str, repo: str | None) -> _Payload:
    update = {"name": ref, "oldObjectId": _BEFORE, "newObjectId": _AFTER}
    named = {"defaultBranch": _HEADS + _default(ref)}
    if repo:
        named |= {"name": _path(repo)[1], "remoteUrl": repo}
    resource = {"refUpdates": [update], "repository": named}
    return {"eventType": "git.push", "id": _ID, "notificationId": 1, "publisherId": "tfs", "resource": resource}


def _generic(ref: str, repo: str | None) -> _Payload:
    return {"ref": ref}


_Prove = Callable[[bytes, float], Callable[[bytes], _Headers]]


def _digest(header: str, prefix: str = "sha256=") -> _Prove:
    return lambda secret, now: lambda body: {header: prefix + hmac.new(secret, body, "sha256").hexdigest()}


def _basic(secret: bytes, now: float) -> Callable[[bytes], _Headers]:
    return lambda body: {"Authorization": f"Basic {base64.b64encode(b'gitsync:' + secret).decode()}"}


def _signed_or(header: str, before: str = "") -> _Prove:
    """Return how those prove who send a secret as it is, unless it is one to sign with."""

    def prove(secret: bytes, now: float) -> Callable[[bytes], _Headers]:
        if not secret.startswith(PREFIX):
            return lambda body: {header: before + secret.decode("latin-1")}
        stamp = f"{now:.0f}"
        return lambda body: {
            "webhook-id": _ID,
            "webhook-timestamp": stamp,
            "webhook-signature": sign(_ID.encode(), stamp.encode(), body, secret).decode(),
        }

    return prove


def _event(prefix: str, event: str = "push") -> _Headers:
    return {f"{prefix}-Event": event, f"{prefix}-Delivery": _ID}


# By the provider: the headers of a push, its payload, and what proves it.
_SENDERS: Final[Mapping[str, tuple[_Headers, Callable[[str, str | None], _Payload], _Prove]]] = {
    "github": (_event("X-GitHub"), _hub, _digest("X-Hub-Signature-256")),
    "gitlab": ({"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": _ID}, _gitlab, _signed_or("X-Gitlab-Token")),
    "gitea": ({**_event("X-Gitea"), **_event("X-GitHub")}, _hub, _digest("X-Gitea-Signature", "")),
    "forgejo": ({**_event("X-Forgejo"), **_event("X-Gitea")}, _hub, _digest("X-Forgejo-Signature", "")),
    "gogs": ({**_event("X-Gogs"), **_event("X-GitHub")}, _hub, _digest("X-Gogs-Signature", "")),
    "bitbucket": (
        {"X-Event-Key": "repo:push", "X-Request-UUID": _ID, "X-Hook-UUID": _ID},
        _bitbucket,
        _digest("X-Hub-Signature"),
    ),
    "bitbucket-server": (
        {"X-Event-Key": "repo:refs_changed", "X-Request-Id": _ID},
        _bitbucket_server,
        _digest("X-Hub-Signature"),
    ),
    "azure": ({"X-Vss-Activityid": _ID}, _azure, _basic),
    "generic": ({}, _generic, _signed_or("Authorization", "Bearer ")),
}
_PINGS: Final[Mapping[str, tuple[_Headers, _Payload]]] = {
    "github": (_event("X-GitHub", "ping"), {"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {}}),
    "bitbucket-server": ({"X-Event-Key": "diagnostics:ping"}, {"test": True}),
}
