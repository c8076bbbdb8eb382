"""Whatever comes to the webhook's door, it has one of the few answers that are written down."""

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitsync.base.redact import Secret
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.samples import push
from tests.unit.receiver.providers.signatures import SIGNED, digest
from tests.unit.receiver.providers.strategies import BODIES, HEADERS
from tests.unit.server.site import Site

SECRET = "correct-horse"
NAMES = [provider.name for provider in PROVIDERS]


def test_anybody() -> None:
    """Who knows no secret is refused, whatever is sent, and starts nothing."""
    site = Site(secrets=lambda: (Secret(SECRET), Secret("whsec_")))

    @given(headers=HEADERS, body=st.binary(max_size=200))
    def refused(headers: dict[str, bytes], body: bytes) -> None:
        answer = site.hook({name: value.decode("latin-1") for name, value in headers.items()}, body)
        assert answer.status == 401
        assert len(answer.body) < 300

    refused()
    assert site.mailboxes["site-0"].wait(0).sources == ()
    assert {outcome for _, outcome in site.received()} == {"unauthorized"}


def test_who_knows_the_secret() -> None:
    """Who knows it is let in with anything that is proved, and is told in a few words what has come of it."""
    site = Site(secrets=lambda: (Secret(SECRET),))

    @given(name=st.sampled_from(NAMES), body=BODIES)
    def let_in(name: str, body: bytes) -> None:
        sample = push(name, secret=SECRET.encode(), now=time.time(), ref="refs/heads/main")
        headers: dict[str, Any] = {header: value.decode() for header, value in sample.headers.items()}
        if name in SIGNED and name != "generic":
            header, prefix = SIGNED[name]
            headers[header.lower()] = prefix + digest(body, SECRET.encode())
        answer = site.hook(headers, body)
        assert answer.status in {200, 202}
        assert len(answer.body) < 300

    let_in()
    assert {outcome for _, outcome in site.received()} <= {"accepted", "other_ref", "other_repository"}
