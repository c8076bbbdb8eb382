"""A root that git-sync has written is taken over: the link is continuous, and only what is git-sync's goes."""

from pathlib import Path

import pytest

from gitsync.volume.takeover import leftovers
from tests.integration.conftest import MakeWorkbench
from tests.support.git import run_git
from tests.support.git_sync import TREES, write_root
from tests.support.origin import Origin
from tests.support.tree import assert_published, assert_tree


@pytest.mark.parametrize("form", TREES.values(), ids=TREES.keys())
def test_root_is_taken_over(make_workbench: MakeWorkbench, origin: Origin, root: Path, form: str) -> None:
    """The same commit is published anew beside; the old repository and trees go when the link has left them."""
    tree = write_root(root, origin, form)
    (root / "cache").write_text("a consumer's")
    bench = make_workbench(origin.url, stale_worktree_timeout="1h")
    assert not bench.sync.adopt()
    assert_tree(origin.path, bench.repo.link.resolve(), origin.head)
    assert bench.run().outcome == "updated"
    assert_published(origin.path, bench.repo.link)
    assert bench.repo.link.resolve() != tree
    assert_tree(origin.path, tree, origin.head)
    bench.close()
    again = make_workbench(origin.url)
    again.run()
    assert not tree.exists()
    assert not (root / ".git").exists()
    assert (root / "cache").exists()
    assert_published(origin.path, again.repo.link)


def test_unreachable_remote_leaves_the_old_tree_alone(
    make_workbench: MakeWorkbench, origin: Origin, root: Path
) -> None:
    """Nothing of git-sync's is touched before we have something better."""
    tree = write_root(root, origin, TREES["v4"])
    bench = make_workbench("/gone", link="site.git")
    for _ in range(2):
        assert bench.run().failure
    assert_tree(origin.path, tree, origin.head)
    assert bench.repo.link.resolve() == tree


def test_repository_of_somebody_is_not_git_syncs(make_workbench: MakeWorkbench, origin: Origin, root: Path) -> None:
    """A root that is a repository with files of its own stays one."""
    run_git(None, "clone", "--quiet", str(origin.path), str(root))
    run_git(root, "worktree", "add", "--quiet", "--detach", str(root / "rev-x"), origin.head)
    assert leftovers(root) == []
    bench = make_workbench(origin.url, link="published")
    assert bench.run().failure is None
    assert run_git(root, "status", "--porcelain", "--", "index.html") == b""
    assert (root / "rev-x").is_dir()
