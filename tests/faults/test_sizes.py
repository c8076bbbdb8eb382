"""Volumes of every size, from too small for anything to large enough: wherever the room ends, nothing else does."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.catalogue import fault
from tests.faults.figures import RecordProperty
from tests.faults.reading import Sight
from tests.faults.remains import Bounds, remains
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.commits import Commits
from tests.support.origin import Origin, noise
from tests.support.volumes import mounted, resize

# What mount(8) is told, and what it is told when there is room: in KiB, and in inodes.
SIZES = [f"size={size}k" for size in range(40, 4000, 40)]
INODES = [f"nr_inodes={number}" for number in range(4, 240, 4)]
ROOMY = "size=64m,nr_inodes=9999"
SAMPLE = 4


def problem_of(bench: Workbench, sight: Sight, updates: Sequence[str], origin: Origin) -> str | None:
    """Publish and update on a volume that may be too small, then on a large one; say what goes wrong."""
    before: set[str] = set()
    for commit in updates:
        origin.rewind(commit)
        for _ in range(2):
            failure = bench.run().failure
            seen = sight.look()
            if failure and failure.reason != "no_space":
                return f"{failure}"
            if seen.problem or seen.commits != (before if failure else {commit}):
                return f"{failure}: {seen} instead of {before}"
        before = set(seen.commits)
        bench.do_chores()
    resize(bench.repo.root, ROOMY)
    failures = [bench.run().failure for _ in range(2)]
    bench.do_chores()
    bench.sync.tidy()
    left = remains(bench.repo.root, published={bench.repo.link}, bounds=Bounds(trees=3))
    if failures[-1] or sight.look().commits != {updates[-1]} or left:
        return f"with room: {failures}, {sight.look()}, {left}"
    return None


@fault(
    area="disk",
    what="the volume has any number of bytes, or of inodes, that are too few for the first commit or for an update",
    then="`no_space` is told, what is published stays, and on a larger volume the newest commit is there at once",
)
@pytest.mark.parametrize("share", ["sample", pytest.param("all", marks=pytest.mark.long)])
@pytest.mark.parametrize("form", ["symlink", "exchange", "inplace"])
@pytest.mark.timeout(1200)
def test_any_size(
    make_workbench: MakeWorkbench,
    origin: Origin,
    root: Path,
    form: str,
    share: str,
    record_property: RecordProperty,
) -> None:
    """Given a volume of some size, when commits of several sizes come, then each is there, or is said not to fit."""
    many = {f"many/{number}": noise(9000, seed=number) for number in range(60)}
    updates = [origin.head, origin.commit(many), origin.commit({"large": noise(900_000)})]
    sight, problems = Sight(root / "site.git", Commits([origin.path]), form=form), []
    sizes = [*SIZES, *INODES]
    if share == "sample":
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed {seed}")
        sizes = random.Random(seed).sample(sizes, SAMPLE)  # noqa: S311 (no secrets)
    for size in sizes:
        with mounted(root, size):
            bench = make_workbench(origin.url, publish=form)
            try:
                problem = problem_of(bench, sight, updates, origin)
            finally:
                bench.close()
        if problem:
            problems.append(f"{size}: {problem}")
            print(problems[-1])
    record_property("faults", len(sizes))
    assert not problems
