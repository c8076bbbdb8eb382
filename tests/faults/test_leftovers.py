"""Locks and files that a killed git, or an earlier process, has left: none of them stops an update, and none stays."""

from pathlib import Path

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.invariants import Watch
from tests.support.origin import Origin

# What git calls its locks and what is unfinished, in a store; {tree} is a tree's metadata.
# https://git-scm.com/docs/gitrepository-layout
IN_A_STORE = (
    *("shallow.lock", "config.lock", "HEAD.lock", "index.lock", "packed-refs.lock", "packed-refs.new", "gc.pid"),
    *("refs/gitsync/head.lock", "refs/heads/main.lock", "refs/tags/v1/deep/one.lock"),
    *("objects/pack/tmp_pack_a1b2c3", "objects/pack/tmp_idx_a1b2c3", "objects/pack/.tmp-123-pack-a1b2.pack"),
    *("objects/pack/pack-0123456789012345678901234567890123456789.keep", "objects/ab/tmp_obj_x1y2z3"),
    *("objects/tmp_objdir-incoming-a1b2c3/ab/file", "objects/info/commit-graphs/commit-graph-chain.lock"),
    *("{tree}/index.lock", "{tree}/HEAD.lock", "{tree}/gitsync-index.lock", "{tree}/locked"),
)


def plant(root: Path) -> list[Path]:
    """Put all of these into the store of a root; return where they are."""
    (store,) = (path for path in (root / ".gitsync").iterdir() if (path / "objects").is_dir())
    planted = []
    for name in IN_A_STORE:
        for tree in (store / "worktrees").iterdir() if "{tree}" in name else [store]:
            path = store / name.format(tree=tree.relative_to(store))
            path.parent.mkdir(parents=True, exist_ok=True)
            # Of a host and a process that live on, as git would believe.
            path.write_text("1 another-host\n")
            planted.append(path)
    return planted


@fault(
    area="leftovers",
    what="every lock and temporary file of git is there at the start, as after a kill",
    then="all are removed before the first command of git, and the update is published",
)
def test_locks_before_a_start(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a root with all of them, when gitsync starts, then it updates in its first pass, and none is left."""
    link = root / "site.git"
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    planted, new = plant(root), origin.commit({"index.html": "second\n"})
    with Watch(origin, link, root) as watch:
        daemon = watch.follow(start_daemon(origin.url, root, period="1h"))
        daemon.wait_published(new)
        assert not daemon.logs("sync_finished", outcome="failed")
    locked = [path for path in planted if path.name != "locked" and path.exists()]
    assert not locked
