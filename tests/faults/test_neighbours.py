"""What others do on the volume: what lies beside what is ours, and what they hold in what is published."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gitsync.telling.events import Undeletable
from tests.faults.catalogue import fault
from tests.faults.reading import Sight
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.commits import Commits
from tests.support.origin import Origin
from tests.support.unprivileged import bound_by_modes
from tests.support.volumes import closed, let_go, mount

FORMS = ("symlink", "exchange", "inplace")


@fault(
    area="disk",
    what="a `lost+found` that gitsync may not look into lies in the root, and in the directory that it publishes into",
    then="it stays as it is, and nothing fails",
)
@pytest.mark.parametrize("form", FORMS)
def test_lost_and_found(make_workbench: MakeWorkbench, origin: Origin, root: Path, form: str) -> None:
    """Given such directories, when commits are published and compared, then nobody minds them."""
    bench = make_workbench(origin.url, publish=form)
    link = bench.repo.link
    theirs = [root / "lost+found", *([link / "lost+found"] if form == "inplace" else [])]
    with ExitStack() as stack:
        for path in theirs:
            path.mkdir(parents=True)
            (path / "#1234").write_text("found\n")
            stack.enter_context(closed(path, 0o000))
        inside = stack.enter_context(bound_by_modes())
        for number in range(3):
            origin.commit({"index.html": f"{number}\n"})
            assert inside.submit(bench.run).result().failure is None
            assert (link / "index.html").read_text() == f"{number}\n"
            inside.submit(bench.do_chores).result()
            assert not inside.submit(bench.sync.heal, deadline=soon()).result()
    assert [(path / "#1234").read_text() for path in theirs] == ["found\n"] * len(theirs)


@pytest.fixture
def hold(root: Path) -> Iterator[Callable[[Path], None]]:
    """Return a function that makes a directory which nobody can remove, and which moves along with its tree."""
    yield mount
    let_go(root)


@fault(
    area="disk",
    what="consumers hold, in what is published, what nobody can remove",
    then="updates go on; a tree that cannot go whole is put aside, and counted",
)
@pytest.mark.parametrize("form", FORMS)
def test_held(
    make_workbench: MakeWorkbench, origin: Origin, root: Path, form: str, hold: Callable[[Path], None]
) -> None:
    """Given a directory that is held in each tree that is published, when commits come, then they are published."""
    bench = make_workbench(origin.url, publish=form)
    sight = Sight(bench.repo.link, Commits([origin.path]), form=form)
    for number in range(4):
        commit = origin.commit({"index.html": f"{number}\n", f"part-{number}/a": "a\n", f"part-{number - 1}/a": None})
        assert bench.run().failure is None
        bench.do_chores()
        if form != "inplace" or not number:
            assert sight.look().commits == {commit}
        hold(bench.repo.link.resolve() / f"part-{number}" / "held")
    told = [event.count for event in bench.recorder.events if isinstance(event, Undeletable)]
    # In place no tree is ever held: what consumers hold stays where it is, and is theirs.
    assert bool(told) == (form != "inplace"), told
    assert len(list((root / ".worktrees").iterdir())) <= 6
    assert (bench.repo.link / "index.html").read_text() == "3\n"
