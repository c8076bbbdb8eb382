"""Series that are about a repository: each has the label `repo`, and all of one go when it is not followed any more."""

from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

REPO: Final = "repo"
Series = TypeVar("Series", Counter, Gauge, Histogram, Summary)


class Labelled:
    """Makes such series in a registry. Used by the main thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._made: list[Counter | Gauge | Histogram | Summary] = []

    def make(
        self, kind: type[Series], name: str, documentation: str, labels: tuple[str, ...] = (), **options: Any
    ) -> Series:
        """Return new series that have these labels after `repo`, in the registry unless `options` say otherwise."""
        made = kind(name, documentation, (REPO, *labels), **{"registry": self.registry, **options})
        self._made.append(made)
        return made

    def forget(self, repo: str) -> None:
        """Remove all series of a repository; those that hear of it later would come back, so nobody may tell of it."""
        for made in self._made:
            made.remove_by_labels({REPO: repo})
