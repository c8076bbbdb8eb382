"""What users have run or called around a publication, and how the daemon handles all of it for one repository.

The main thread builds and ends it. The gate runs on the worker's thread, which waits for it; the command and the call
after a publication have a thread each, and no pass waits for them.
"""

from collections.abc import Callable

from gitsync.config import RepoConfig
from gitsync.hooks.command import Command
from gitsync.hooks.gate import Gate
from gitsync.hooks.outbound import OutboundCall
from gitsync.hooks.runner import Hook, HookRunner, Pace
from gitsync.telling.events import Failure, Observer
from gitsync.telling.metrics import Metrics


class Hooks:
    """The hooks of one repository. Built and ended by the main thread."""

    def __init__(self, repo: RepoConfig, metrics: Metrics) -> None:
        options, schedule = repo.hooks, repo.schedule
        self._gate: Gate | None = None
        self._runners: list[HookRunner] = []
        if options.gate.command:
            command = Command("pre-publish-exechook", options.gate, options.environment)
            pace = Pace(first=options.gate.backoff, most=schedule.max_backoff)
            self._gate = Gate(command, pace, repo=repo.name, metrics=metrics)
        after: list[tuple[Hook, float]] = []
        if options.exechook.command:
            command = Command("exechook", options.exechook, options.environment)
            after.append((command, options.exechook.backoff))
        if options.webhook.url:
            call = OutboundCall(options.webhook.url, options.webhook, repo.auth.ca_file)
            after.append((call, options.webhook.backoff))
        for hook, first in after:
            pace = Pace(first=first, most=schedule.max_backoff, once=schedule.one_time)
            self._runners.append(HookRunner(hook, pace, repo=repo.name, metrics=metrics))

    @property
    def observers(self) -> list[Observer]:
        """What has to hear of the worker's events; the gate first, before anybody acts on what it refuses."""
        return [*([self._gate] if self._gate else []), *self._runners]

    @property
    def bodies(self) -> list[tuple[str, Callable[[], int]]]:
        """The names and bodies of the threads that are needed; a body returns what the process may end with."""
        return [(runner.name, runner.run) for runner in self._runners]

    @property
    def failures(self) -> list[Failure]:
        """Why those after a publication have failed last, if they have."""
        return [runner.failure for runner in self._runners if runner.failure]

    def cancel(self) -> None:
        """Ask all hooks to end, and wait for none."""
        if self._gate:
            self._gate.cancel()
        for runner in self._runners:
            runner.stop()

    def kill(self) -> None:
        """End the hooks that still run, at once."""
        if self._gate:
            self._gate.kill()
        for runner in self._runners:
            runner.kill()
