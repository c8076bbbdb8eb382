"""Times of files: what changes behind the link is newer than what was there, whichever tree it comes from."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.integration.test_submodules import link
from tests.support.origin import Origin


def look(bench: Workbench) -> dict[Path, tuple[bytes, int]]:
    """Return content and time of every file behind the link."""
    tree = bench.repo.link.resolve()
    files = (path for path in tree.rglob("*") if path.is_file() and ".git" not in path.name)
    return {path.relative_to(tree): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def assert_newer(before: dict[Path, tuple[bytes, int]], after: dict[Path, tuple[bytes, int]]) -> None:
    """Fail for a file that has another content and is not newer."""
    changed = [path for path in before.keys() & after.keys() if before[path][0] != after[path][0]]
    assert changed
    assert [path for path in changed if after[path][1] <= before[path][1]] == []


@pytest.mark.parametrize("keep", ["0s", "1h"])
def test_reverted_file_is_newer(make_workbench: MakeWorkbench, origin: Origin, keep: str) -> None:
    """From a standby that had it so all the time, and from a tree that is still there; and nothing is damaged."""
    bench = make_workbench(origin.url, stale_worktree_timeout=keep, max_trees=9)
    good = origin.commit({"a.txt": "good\n", "b.txt": "same\n"})
    bench.run()
    first = look(bench)
    for number in range(3):
        origin.commit({"n": str(number)})
        bench.run()
    origin.commit({"a.txt": "bad\n"})
    bench.run()
    before = look(bench)
    if keep == "1h":
        origin.rewind(good)
    else:
        origin.commit({"a.txt": "good\n"})
    bench.run()
    after = look(bench)
    assert_newer(before, after)
    assert keep == "0s" or after[Path("b.txt")] == first[Path("b.txt")], "what has not changed was touched"
    assert not bench.sync.heal(deadline=soon())


def test_file_that_attributes_change_is_newer(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Its blob is the same, its content is not."""
    bench = make_workbench(origin.url, stale_worktree_timeout="1h")
    unix = origin.commit({"a.txt": "one\n", ".gitattributes": "* text eol=lf\n"})
    bench.run()
    origin.commit({".gitattributes": "* text eol=crlf\n"})
    bench.run()
    before = look(bench)
    origin.rewind(unix)
    bench.run()
    assert_newer(before, look(bench))


def test_file_of_a_submodule_is_newer(
    make_workbench: MakeWorkbench, make_origin: Callable[..., Origin], origin: Origin
) -> None:
    """When the submodule goes back, and when it becomes one of another remote and back."""
    libraries = [make_origin(f"library-{number}.git") for number in range(2)]
    good, _ = (library.commit({"lib.txt": f"{number}\n"}) for number, library in enumerate(libraries))
    bad = libraries[0].commit({"lib.txt": "bad\n"})
    bench = make_workbench(origin.url)
    states = [(0, good), (0, good), (0, bad), (0, good), (1, libraries[1].head), (0, good)]
    before: dict[Path, tuple[bytes, int]] = {}
    for step, (number, commit) in enumerate(states):
        link(origin, {"lib": (f"../library-{number}.git", commit)}, extra={"n": str(step)})
        assert bench.run().failure is None
        after = look(bench)
        if step:
            assert_newer(before, after)
        before = after


def test_repaired_file_is_newer_than_the_damaged_one(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Whoever has seen the damage sees that it is gone."""
    bench = make_workbench(origin.url)
    for number in range(3):
        origin.commit({"n": str(number)})
        bench.run()
    path = bench.repo.link.resolve() / "index.html"
    path.write_text("damaged")
    os.utime(path)
    before = look(bench)
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert_newer(before, look(bench))
