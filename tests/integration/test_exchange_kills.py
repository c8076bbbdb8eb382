"""A kill before any step of a publication: consumers see the old commit or the new one, and the next start goes on."""

import os
import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.kills import killed_before
from tests.support.origin import Origin
from tests.support.tree import assert_exchanged, tree_matches

# More steps than a publication has.
MANY = 60
FORMS = {
    "update": ("exchange", "exchange", True),
    "to a directory": ("symlink", "exchange", False),
    "to a link": ("exchange", "symlink", False),
}


@pytest.mark.parametrize(("before", "after", "news"), FORMS.values(), ids=FORMS.keys())
def test_kill_before_each_step(
    make_workbench: MakeWorkbench, origin: Origin, before: str, after: str, news: bool
) -> None:
    """Whatever is published in whatever form; nothing is left behind in the end."""
    for step in range(1, MANY):
        run(make_workbench(origin.url, publish=before))
        old = origin.head
        new = origin.commit({"index.html": f"{step}\n", f"only-in/{step}": ""}) if news else old
        with killed_before(step) as countdown:
            bench = make_workbench(origin.url, publish=after)
            run(bench)
        bench.close()
        seen = bench.repo.link.resolve()
        assert any(tree_matches(origin.path, seen, commit) for commit in (old, new)), f"step {step}"
        check(run(make_workbench(origin.url, publish=after)), origin)
        if not countdown.over:
            break
    print(f"{step - 1} steps")
    assert 5 < step < MANY - 1


def test_kill_before_each_step_of_the_first(make_workbench: MakeWorkbench, origin: Origin, root: Path) -> None:
    """There is nothing there, or the whole."""
    for step in range(1, MANY):
        with killed_before(step) as countdown:
            bench = make_workbench(origin.url, publish="exchange")
            run(bench)
        bench.close()
        if bench.repo.link.exists():
            assert tree_matches(origin.path, bench.repo.link, origin.head)
        check(run(make_workbench(origin.url, publish="exchange")), origin)
        shutil.rmtree(root)
        if not countdown.over:
            break
    assert 5 < step < MANY - 1


def run(bench: Workbench) -> Workbench:
    """Do what a process does that is to run once."""
    bench.publisher.check()
    bench.sync.adopt()
    assert bench.run().failure is None
    bench.do_chores()
    bench.close()
    return bench


def check(bench: Workbench, origin: Origin) -> None:
    """The newest commit is published in this form, and nothing else is left."""
    link, root = bench.repo.link, bench.repo.root
    if bench.repo.content.publish == "exchange":
        assert assert_exchanged(origin.path, link) == origin.head
    else:
        assert os.readlink(link).endswith(origin.head)
        assert tree_matches(origin.path, link.resolve(), origin.head)
    assert sorted(path.name for path in root.iterdir()) == [".gitsync", ".worktrees", "site.git"]
    assert len(list((root / ".worktrees").iterdir())) <= 2
    marks = root / ".gitsync" / "exchanged"
    assert not marks.exists() or len(list(marks.iterdir())) <= 2
