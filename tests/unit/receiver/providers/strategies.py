"""What Hypothesis makes up: headers and payloads that are anything, and often nearly something."""

import json
from typing import Any

from hypothesis import strategies as st

NAMES = [
    "content-type",
    "authorization",
    "x-github-event",
    "x-github-delivery",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-gitea-event",
    "x-gitea-signature",
    "x-forgejo-event",
    "x-forgejo-signature",
    "x-gogs-event",
    "x-gogs-signature",
    "x-gitlab-event",
    "x-gitlab-token",
    "x-gitlab-event-uuid",
    "x-event-key",
    "x-hook-uuid",
    "x-request-id",
    "x-vss-activityid",
    "x-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
]
# Beside anything, what may be taken for a value that counts.
VALUES = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda start, rest: start + rest,
        st.sampled_from(
            [b"sha256=", b"sha1=", b"Basic ", b"Bearer ", b"v1,", b"push", b"application/x-www-form-urlencoded"]
        ),
        st.one_of(st.binary(max_size=70), st.from_regex(rb"[0-9a-fA-F]{64}", fullmatch=True)),
    ),
    st.from_regex(rb"[0-9]{1,14}", fullmatch=True),
)
HEADERS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)
SCALARS: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
KEYS = st.sampled_from(
    [
        "ref",
        "ref_type",
        "repository",
        "project",
        "push",
        "changes",
        "new",
        "old",
        "type",
        "name",
        "links",
        "clone",
        "href",
        "html",
        "resource",
        "refUpdates",
        "defaultBranch",
        "default_branch",
        "remoteUrl",
        "object_kind",
        "refId",
        "id",
        "full_name",
        "clone_url",
        "eventType",
        "slug",
        "key",
    ]
)
VALUE: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.sampled_from(["refs/heads/main", "branch", "push", "https://git.example.test/acme/site", "acme/site"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)
BODIES = st.one_of(st.binary(max_size=200), VALUE.map(lambda value: json.dumps(value).encode()))
