"""What an event goes through: whose it is, whether its sender proves it, what it is about, and then a pass.

Called by the HTTP server's threads. The payload decides about nothing but *now*.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from gitsync.base.errors import CredentialError, WebhookRejected
from gitsync.base.log import get_logger
from gitsync.base.printable import printable_name
from gitsync.base.seldom import Seldom
from gitsync.receiver.delivery import Delivery
from gitsync.receiver.peers import Peers
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.providers.generic import verify_bearer
from gitsync.receiver.providers.provider import Provider
from gitsync.receiver.relevance import Relevance
from gitsync.receiver.request import Request
from gitsync.receiver.secret import Secrets, revealed
from gitsync.telling.metrics.calls import CallMetrics

# What a delivery may have in the log; the rest of its refs is told by their number.
_SHOWN_REFS: Final = 5


@dataclass(frozen=True)
class Verdict:
    """What an event has come to: an HTTP status, a word for the metric, and what its sender is told."""

    status: int
    outcome: str
    message: str


# The label of what is no webhook.
_BY_HAND: Final = "control"
_VERDICTS: Final[Mapping[Relevance, Verdict]] = {
    "accepted": Verdict(202, "accepted", "accepted"),
    "ping": Verdict(200, "ping", "this gitsync hears you"),
    "other_ref": Verdict(200, "other_ref", "nothing to do: the event is not about the ref that is followed here"),
    "other_repository": Verdict(
        200, "other_repository", "nothing to do: the event is not about the repository that is followed here"
    ),
}

# Where the request itself says which repository it is for.
_UNKNOWN: Final = Verdict(404, "unknown_repository", "no such repository here, or it is just being started anew")


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A repository that events may be about: what says whether one is, and what has a pass run."""

    repo: str
    judge: Callable[[Delivery], Relevance]
    wake: Callable[[], object]


class Door:
    """Lets events of one set of secrets in."""

    def __init__(
        self,
        secrets: Secrets,
        followed: Callable[[], Sequence[Followed]],
        metrics: CallMetrics,
        *,
        only: str = "auto",
        peers: Peers | None = None,
    ) -> None:
        """Let in those of all providers, or `only` those of the one that is named, and in any case those of peers.

        Where one is named everything is taken for its, whatever headers there are. `followed` returns those that are
        followed now.
        """
        self._secrets = secrets
        self._followed = followed
        self._metrics = metrics
        self._peers = peers
        named = [replace(provider, sends=lambda request: True) for provider in PROVIDERS if provider.name == only]
        self._providers = [*([peers.provider] if peers else []), *(PROVIDERS if only == "auto" else named)]
        self._log = get_logger()
        self._seldom = Seldom()

    def receive(self, request: Request, *, only: Collection[str] | None = None) -> Verdict:
        """Judge a request and have passes run, `only` of the repositories with these names; raises nothing."""
        provider = next((provider for provider in self._providers if provider.sends(request)), None)
        name = provider.name if provider else "unknown"
        try:
            delivery = self._verified(provider, request)
        except WebhookRejected as error:
            return self._rejected(name, error)
        verdict = self._judge(delivery, only)
        self._metrics.received(name, verdict.outcome)
        self._log.info(
            "webhook_accepted",
            v=1,
            provider=name,
            outcome=verdict.outcome,
            event_name=printable_name(delivery.event),
            delivery=printable_name(delivery.id),
            refs=[printable_name(ref) for ref in (delivery.refs or ())[:_SHOWN_REFS]],
            count=len(delivery.refs or ()),
        )
        return verdict

    def admit(self, request: Request) -> Verdict | None:
        """Let in who has a secret as a token, and return None; else say why not. For what is asked for by hand.

        A delivery that was signed, and that somebody has copied, opens nothing here.
        """
        try:
            verify_bearer(request, self._known())
        except WebhookRejected as error:
            return self._rejected(_BY_HAND, error)
        self._metrics.received(_BY_HAND, "accepted")
        return None

    def _rejected(self, provider: str, error: WebhookRejected) -> Verdict:
        self._metrics.received(provider, error.reason)
        self._tell_refused(provider, error)
        return Verdict(error.status, error.reason, str(error))

    def _known(self) -> list[bytes]:
        """Return the secrets; raise `WebhookRejected` if they cannot be had."""
        try:
            return revealed(self._secrets)
        except CredentialError as error:
            # The path is nobody else's business.
            if (unseen := self._seldom.ask("secret")) is not None:
                self._log.warning("receiver_secret_missing", message=str(error), hint=error.hint, unseen=unseen)
            raise WebhookRejected("the secret cannot be read", status=503, outcome="no_secret") from None

    def _verified(self, provider: Provider | None, request: Request) -> Delivery:
        """Return what the request brings; raise `WebhookRejected` unless its sender knows a secret."""
        secrets = self._known()
        if provider is None:
            told = "it has no signature or token of a provider that is let in here"
            raise WebhookRejected(told, status=401, outcome="unauthorized")
        provider.verify(request, secrets, time.time())
        return provider.read(request)

    def _judge(self, delivery: Delivery, only: Collection[str] | None) -> Verdict:
        """Have passes run for those that an event may be about; it is about others only if all of them say so."""
        followed = self._followed()
        limits = [names for names in (only, delivery.only) if names is not None]
        asked = [each for each in followed if all(each.repo in names for names in limits)]
        if not asked:
            return _UNKNOWN if only is not None else _VERDICTS["other_repository"]
        found = [(each.judge(delivery), each) for each in asked]
        accepting = [each for relevance, each in found if relevance == "accepted"]
        for each in accepting:
            each.wake()
        told = {relevance for relevance, _ in found}
        outcome = next(outcome for outcome in _VERDICTS if outcome in told)
        if self._peers and outcome == "accepted":
            # What is for all of them needs no names, which other replicas may have others of.
            names = None if len(accepting) == len(followed) else tuple(each.repo for each in accepting)
            self._peers.tell(replace(delivery, only=names))
        return _VERDICTS[outcome]

    def _tell_refused(self, provider: str, error: WebhookRejected) -> None:
        """Log it, but for those that come in quick succession."""
        if error.status < HTTPStatus.BAD_REQUEST:
            self._log.info("webhook_ignored", v=1, provider=provider, outcome=error.reason, message=str(error))
            return
        if (unseen := self._seldom.ask(error.reason)) is not None:
            told = {"provider": provider, "outcome": error.reason, "message": str(error), "unseen": unseen}
            self._log.warning("webhook_rejected", **told)
