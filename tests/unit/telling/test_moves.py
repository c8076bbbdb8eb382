"""Another ref, or an older commit, shows in the series."""

import re

import pytest

from gitsync.telling.metrics import Metrics
from tests.unit.examples import commit, failed, finished, published, result, watched


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of a repository with which nothing has happened yet."""
    made = Metrics()
    made.follow(watched())
    return made


def rendered(metrics: Metrics) -> str:
    """Return what a scraper gets."""
    return metrics.render("")[0].decode()


def test_ref_that_is_another_one(metrics: Metrics) -> None:
    """A pass that has succeeded shows the ref that leads to what is published; one that failed does not."""
    metrics.notify(published(ref="refs/tags/v1"))
    for outcome, shown in ((result(ref="refs/tags/v2", commit=commit()), "v2"), (failed(ref="refs/tags/v3"), "v2")):
        metrics.notify(finished(outcome))
        found = re.findall(r'^gitsync_published_info\{.*ref="([^"]*)"', rendered(metrics), re.MULTILINE)
        assert found == [f"refs/tags/{shown}"]


def test_moves(metrics: Metrics) -> None:
    """Steps back, and rewritten histories, are counted apart."""
    for moved in ("back", None, "rewritten", "back"):
        metrics.notify(finished(result(moved=moved)))
    for kind, count in (("back", 2), ("rewritten", 1)):
        assert f'gitsync_ref_moves_total{{kind="{kind}",repo="site.git"}} {count}.0\n' in rendered(metrics)
