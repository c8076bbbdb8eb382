"""The series of the process that follows several repositories: of its file, and of who waits in it."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from gitsync.telling.status import FileStatus


class SeveralMetrics:
    """Whether the file of --config is right, and when that was last so; how many repositories wait for their turn."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._waiting = Gauge(
            "gitsync_repositories_waiting", "Repositories that wait for one of --parallel places.", registry=registry
        )
        self._file: tuple[Gauge, Gauge] | None = None

    def wait_in(self, waiting: Callable[[], int]) -> None:
        """Show how many repositories wait for their turn, as this says at each scrape. Called by the main thread."""
        self._waiting.set_function(waiting)

    def read(self, status: FileStatus) -> None:
        """Show how the file is; where there is none, there are no such series. Called by the main thread."""
        valid, loaded = self._file = self._file or self._of_file()
        valid.set(not status.problems)
        loaded.set(status.loaded_at)

    def _of_file(self) -> tuple[Gauge, Gauge]:
        valid = "Whether the file of --config is right: 1 if it is."
        loaded = "When the file of --config was last taken over."
        return (
            Gauge("gitsync_config_valid", valid, registry=self._registry),
            Gauge("gitsync_config_last_reload_success_timestamp_seconds", loaded, registry=self._registry),
        )
