"""A counter whose name is as git-sync has it, also where the client library would add a suffix."""

from collections.abc import Iterator

from prometheus_client import Counter
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Exact(Collector):
    """Shows a counter, which is in no registry itself, under a name that does not end in `_total`."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def collect(self) -> Iterator[Metric]:
        """Yield the series; called by HTTP threads."""
        for counted in self._counter.collect():
            metric = Metric(counted.name, counted.documentation, "unknown")
            for sample in counted.samples:
                metric.add_sample(counted.name, sample.labels, sample.value)
            yield metric
