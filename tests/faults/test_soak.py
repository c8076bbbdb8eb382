"""Promise: whatever happens in whatever order, each repository of a file is published, whole, when it is over."""

from pathlib import Path

from tests.faults.catalogue import fault
from tests.soak.__main__ import Soak
from tests.soak.field import Field


@fault(
    area="processes",
    what="pushes, faults and restarts by chance, with five repositories in one process",
    then="each is published again, and whole, within seconds of the end of the faults",
)
def test_a_short_soak(tmp_path: Path) -> None:
    """Given five repositories in all forms, when pushes and faults come by chance for a while, then all holds."""
    with Field(tmp_path) as field:
        soak = Soak(field, seed=7)
        soak.run(8.0)
    assert soak.story.faults
    assert soak.story.recoveries
