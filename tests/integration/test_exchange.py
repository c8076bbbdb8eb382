"""The form for consumers that cannot follow a link: a directory that takes the place of another."""

from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.git import git
from tests.support.origin import Origin
from tests.support.tree import assert_tree


def assert_exchanged(bench: Workbench, origin: Origin, commit: str) -> None:
    """A directory, which is the commit, stands at the link's place; git works in it, and nothing is amiss."""
    link = bench.repo.link
    assert not link.is_symlink()
    assert_tree(origin.path, link, commit)
    assert git(link, "rev-parse", "HEAD") == commit
    assert git(link, "status", "--porcelain") == ""
    assert git(link, "rev-parse", "--show-toplevel") == str(link)
    assert not bench.sync.heal(deadline=soon())


def test_updates(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Each commit stands there as a directory, made of the tree before the last one; nothing piles up."""
    bench = make_workbench(origin.url, publish="exchange")
    assert bench.run().outcome == "updated"
    assert_exchanged(bench, origin, origin.head)
    for number in range(4):
        origin.commit({"index.html": f"{number}\n"})
        assert bench.run().outcome == "updated"
        assert_exchanged(bench, origin, origin.head)
        assert bench.run().outcome == "unchanged"
        bench.do_chores()
    assert len(list((bench.repo.root / ".worktrees").iterdir())) == 1
    assert len(list((bench.repo.root / ".gitsync" / "exchanged").iterdir())) == 2
