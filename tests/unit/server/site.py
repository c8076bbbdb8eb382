"""A site of the server, called as a WSGI server calls it."""

import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gitsync.base.redact import Secret
from gitsync.receiver.delivery import Delivery
from gitsync.receiver.door import Door, Followed
from gitsync.receiver.relevance import Relevance, relevance
from gitsync.server.page import Page
from gitsync.server.pages import Pages
from gitsync.server.receiving import Receiving
from gitsync.server.routes import STEP_ASIDE
from gitsync.server.routes import Site as Served
from gitsync.telling.metrics import Metrics
from gitsync.triggers.mailbox import Mailbox
from tests.unit.examples import board, watched


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

    def __init__(
        self,
        *,
        secrets: Callable[[], tuple[Secret, ...]] | None = None,
        mailboxes: int = 1,
        only: str = "auto",
        pages: Mapping[str, bool] | None = None,
        page: Page | None = None,
        **status: Any,
    ) -> None:
        self.metrics = Metrics()
        self.metrics.follow(watched())
        self.mailboxes = {f"site-{number}": Mailbox() for number in range(mailboxes)}
        shown = board(**{"act_by": time.monotonic() + 60, **status})
        routes = Pages(
            board=shown,
            metrics=self.metrics,
            git_version=lambda: "2.39.5",
            page=page,
        ).routes(**(pages or {}))
        if secrets:
            followed = [_followed(name, mailbox) for name, mailbox in self.mailboxes.items()]
            routes |= Receiving(Door(secrets, lambda: followed, self.metrics.calls, only=only), shown).routes()
        self.app = Served(routes)
        # What the server says to a request that is about to wait.
        self.may_wait = True

    def ask(self, path: str, method: str = "GET", *, body: bytes = b"", **headers: str) -> Answer:
        """Send a request and return the answer."""
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "CONTENT_TYPE": headers.pop("content_type", ""),
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "wsgi.input": io.BytesIO(body),
            STEP_ASIDE: lambda: self.may_wait,
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


def _followed(name: str, mailbox: Mailbox) -> Followed:
    """Return a repository called site-0 or so, of which the branch main is followed."""

    def judge(delivery: Delivery) -> Relevance:
        return relevance(delivery, repo=f"https://git.example.test/acme/{name}", ref="main", resolved=None)

    return Followed(repo=name, judge=judge, wake=lambda: mailbox.post("webhook"))
