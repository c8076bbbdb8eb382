"""The series of calls, in and out: webhooks that came in, hooks that ran, logins that were asked for."""

from prometheus_client import CollectorRegistry, Counter

from gitsync.telling.events import CredentialAsked, Probed
from gitsync.telling.metrics.exact import ExactCounter


class CallMetrics:
    """Requests to the receiver, runs of hooks, and requests for logins by their source."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._receiver = Counter(
            "gitsync_receiver_requests", "Requests to /webhook.", ["provider", "outcome"], registry=registry
        )
        self._peers = Counter("gitsync_peers_told", "Messages to other replicas.", ["outcome"], registry=registry)
        self._hooks = Counter("git_sync_hook_run_count", "Runs of hooks.", ["name", "status"], registry=registry)
        self._probes = Counter(
            "gitsync_probes",
            "Questions to the remote whether anything is new, by who has asked: we ourselves (http), or git.",
            ["via", "outcome"],
            registry=registry,
        )
        for outcome in ("unchanged", "changed", "failed"):
            self._probes.labels("git", outcome)
        for outcome in ("unchanged", "unsure"):
            self._probes.labels("http", outcome)
        self._credentials = {
            "askpass": ExactCounter("git_sync_askpass_calls", "Calls of the askpass URL."),
            "github_app": ExactCounter("git_sync_refresh_github_app_token_count", "GitHub App tokens asked for."),
        }
        for counter in self._credentials.values():
            registry.register(counter)

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

    def expect_hook(self, name: str) -> None:
        """Have the series of a hook exist from the start, so that rates over them work. Called by the main thread."""
        for status in ("success", "error"):
            self._hooks.labels(name, status)

    def hook_ran(self, name: str, *, success: bool) -> None:
        """Count a run of a hook. Called by the worker's thread for the gate, and by the threads of the other hooks."""
        self._hooks.labels(name, "success" if success else "error").inc()

    def probed(self, event: Probed) -> None:
        """Count a question to the remote. Called by the worker's thread."""
        self._probes.labels(event.via, event.outcome).inc()

    def asked(self, event: CredentialAsked) -> None:
        """Count a request for a login. Called by the worker's thread."""
        self._credentials[event.source].count(success=event.succeeded)
