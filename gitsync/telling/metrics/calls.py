"""The series of calls, in and out: webhooks that came in, hooks that ran, logins that were asked for."""

from typing import Final

from prometheus_client import Counter

from gitsync.telling.events import CredentialAsked, Probed
from gitsync.telling.metrics.exact import Exact
from gitsync.telling.metrics.labelled import Labelled

_STATUS: Final = ("success", "error")
_PROBES: Final = {"git": ("unchanged", "changed", "failed"), "http": ("unchanged", "unsure")}


class CallMetrics:
    """Requests to the receiver, which is the process's, runs of hooks, and requests for logins by their source."""

    def __init__(self, labelled: Labelled) -> None:
        registry = labelled.registry
        self._receiver = Counter(
            "gitsync_receiver_requests", "Requests to /webhook.", ["provider", "outcome"], registry=registry
        )
        self._peers = Counter("gitsync_peers_told", "Messages to other replicas.", ["outcome"], registry=registry)
        self._hooks = labelled.make(Counter, "git_sync_hook_run_count", "Runs of hooks.", ("name", "status"))
        self._probes = labelled.make(
            Counter,
            "gitsync_probes",
            "Questions to the remote whether anything is new, by who has asked: we ourselves (http), or git.",
            ("via", "outcome"),
        )
        exact = {
            "askpass": ("git_sync_askpass_calls", "Calls of the askpass URL."),
            "github_app": ("git_sync_refresh_github_app_token_count", "GitHub App tokens asked for."),
        }
        self._credentials = {
            source: labelled.make(Counter, name, documentation, ("status",), registry=None)
            for source, (name, documentation) in exact.items()
        }
        for counter in self._credentials.values():
            registry.register(Exact(counter))

    def follow(self, repo: str) -> None:
        """Have the series of a repository exist from the start, so that rates over them work. Main thread."""
        for via, outcomes in _PROBES.items():
            for outcome in outcomes:
                self._probes.labels(repo, via, outcome)
        for counter in self._credentials.values():
            for status in _STATUS:
                counter.labels(repo, status)

    def received(self, provider: str, outcome: str) -> None:
        """Count a request to the webhook receiver. Called by HTTP threads."""
        self._receiver.labels(provider, outcome).inc()

    def expect_peers(self) -> None:
        """Have the series of messages to replicas exist from the start. Called by the main thread."""
        for outcome in ("told", "refused", "timeout", "unreachable", "unresolved", "no_secret", "no_thread"):
            self._peers.labels(outcome)

    def told_peers(self, outcome: str, count: int) -> None:
        """Count what became of messages to other replicas. Called by the thread that sends them."""
        self._peers.labels(outcome).inc(count)

    def expect_hook(self, repo: str, name: str) -> None:
        """Have the series of a hook exist from the start, so that rates over them work. Called by the main thread."""
        for status in _STATUS:
            self._hooks.labels(repo, name, status)

    def hook_ran(self, repo: str, name: str, *, success: bool) -> None:
        """Count a run of a hook. Called by the worker's thread for the gate, and by the threads of the other hooks."""
        self._hooks.labels(repo, name, _status(success)).inc()

    def probed(self, event: Probed) -> None:
        """Count a question to the remote. Called by the worker's thread."""
        self._probes.labels(event.repo, event.via, event.outcome).inc()

    def asked(self, event: CredentialAsked) -> None:
        """Count a request for a login. Called by the worker's thread."""
        self._credentials[event.source].labels(event.repo, _status(event.succeeded)).inc()


def _status(success: bool) -> str:
    return "success" if success else "error"
