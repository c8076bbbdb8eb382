"""A counter whose name is as git-sync has it, also where the client library would add a suffix."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class ExactCounter(Collector):
    """A count by status, under a name that does not end in `_total`, as the client library's own counters would."""

    def __init__(self, name: str, documentation: str) -> None:
        self._name = name
        self._documentation = documentation
        self._counts = {"success": 0, "error": 0}

    def count(self, *, success: bool) -> None:
        """Count one. Called by one thread only."""
        self._counts["success" if success else "error"] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield the series; called by HTTP threads."""
        metric = Metric(self._name, self._documentation, "unknown")
        for status, count in self._counts.items():
            metric.add_sample(self._name, {"status": status}, count)
        yield metric
