"""Locks and files that a killed git, or an earlier process, has left: none of them stops an update, and none stays."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.figures import RecordProperty
from tests.faults.invariants import Watch
from tests.faults.remains import Bounds
from tests.support.origin import Content, Gitlink, Origin

# What git calls its locks and what is unfinished, in a store; {tree} is a tree's metadata.
# https://git-scm.com/docs/gitrepository-layout
IN_A_STORE = (
    *("shallow.lock", "config.lock", "HEAD.lock", "index.lock", "packed-refs.lock", "packed-refs.new", "gc.pid"),
    *("gc.pid.lock", "refs/gitsync/head.lock", "refs/heads/main.lock", "refs/tags/v1/deep/one.lock"),
    *("objects/pack/tmp_pack_a1b2c3", "objects/pack/tmp_idx_a1b2c3", "objects/pack/.tmp-123-pack-a1b2.pack"),
    *("objects/pack/pack-0123456789012345678901234567890123456789.keep", "objects/ab/tmp_obj_x1y2z3"),
    *("objects/tmp_objdir-incoming-a1b2c3/ab/file", "objects/info/commit-graphs/commit-graph-chain.lock"),
    *("objects/info/commit-graph.lock", ".config.0123456789ab.gitsync-tmp"),
    *("{tree}/index.lock", "{tree}/HEAD.lock", "{tree}/gitsync-index.lock", "{tree}/locked"),
    "{tree}/.gitsync-place.0123456789ab.gitsync-tmp",
)
# What is ours, and was not finished: links, trees, what was put aside, in a root.
LINKS = (".site.git.0123456789ab.gitsync-tmp",)
TREES = (".worktrees/.tree-0123456789ab", ".worktrees/.gone-0123456789ab", ".worktrees/" + "0a" * 20)
FAST: dict[str, Any] = {"period": "200ms", "max_backoff": "200ms", "stale_worktree_timeout": "0s"}
Leave = Callable[[Path, Path], object]


def exclusively(path: Path) -> None:
    """Take a lock as git does, in the name of a host and a process that live on, as git would believe."""
    with path.open("x") as file:
        file.write("1 another-host\n")


KINDS: dict[str, Leave] = {
    "file": lambda path, precious: exclusively(path),
    "directory": lambda path, precious: (path / "x").mkdir(parents=True),
    "link": lambda path, precious: path.symlink_to(precious),
}


def plant(root: Path, kind: str) -> list[Path]:
    """Put all of these into a root and its stores; return where they are. What links lead to is beside the root."""
    precious = root.with_name("precious")
    precious.mkdir(exist_ok=True)
    (precious / "file").write_text("precious\n")
    links, trees = ([root / name for name in names] for names in (LINKS, TREES))
    for link in links:
        link.symlink_to(precious)
    for tree in trees:
        half = root.with_name("half")
        (half / "docs").mkdir(parents=True)
        (half / "docs" / "guide.txt").write_text("half of it")
        # Who runs may remove it at once.
        half.rename(tree)
    planted = []
    for store in (path for path in (root / ".gitsync").iterdir() if (path / "objects").is_dir()):
        for name in IN_A_STORE:
            places = list((store / "worktrees").iterdir()) if "{tree}" in name else [store]
            planted += [store / name.format(tree=place.relative_to(store)) for place in places]
    for path in planted:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A git of the one that runs may have it just now, or remove where it is; what it has is left alone.
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            KINDS[kind](path, precious)
    return [*links, *trees, *planted]


class Site:
    """A repository with a submodule, so that there are two stores, both of which each update needs."""

    def __init__(self, origin: Origin, library: Origin, root: Path) -> None:
        self.origin, self._library = origin, library
        self.root = root
        self.push(0)

    def push(self, number: int) -> str:
        """Commit to both."""
        self._library.commit({"code": f"{number}\n", f"deep/{number}": "x\n"})
        modules = '[submodule "lib"]\n\tpath = lib\n\turl = ../library.git\n'
        files: dict[str, Content] = {
            ".gitmodules": modules,
            "lib": Gitlink(self._library.head),
            "index.html": f"{number}\n",
        }
        return self.origin.commit(files)

    def watch(self) -> Watch:
        """Return the checker."""
        modules = {"lib": self._library}
        return Watch(self.origin, self.root / "site.git", self.root, submodules=modules, bounds=Bounds(stores=2))

    def check(self) -> None:
        """Nothing was touched that is not below the root."""
        precious = self.root.with_name("precious")
        assert {path.name: path.read_text() for path in precious.iterdir()} == {"file": "precious\n"}


@pytest.fixture
def site(origin: Origin, make_origin: Callable[..., Origin], root: Path) -> Site:
    """A repository with a submodule."""
    return Site(origin, make_origin("library.git"), root)


@fault(
    area="leftovers",
    what="every lock and temporary file of git, or a directory or a link of its name, and all that we leave "
    "unfinished, is there at the start, as after a kill",
    then="all are removed before the first command of git, and the update is published",
)
@pytest.mark.parametrize("kind", KINDS)
def test_locks_before_a_start(
    start_daemon: StartDaemon, site: Site, root: Path, kind: str, record_property: RecordProperty
) -> None:
    """Given a root with all of them, when gitsync starts, then it updates in its first pass, and none is left."""
    assert start_daemon(site.origin.url, root, one_time=True).wait_exit() == 0
    planted, new = plant(root, kind), site.push(1)
    record_property("faults", len(planted))
    with site.watch() as watch:
        daemon = watch.follow(start_daemon(site.origin.url, root, **FAST))
        daemon.wait_published(new)
        daemon.until(lambda: not [path for path in planted if path.name != "locked" and os.path.lexists(path)])
        assert not daemon.logs("sync_finished", outcome="failed")
    site.check()


@fault(
    area="leftovers",
    what="the same while gitsync runs, as another git in its store would leave it",
    then="the pass that stumbles over one of them removes all, and publishes",
)
@pytest.mark.parametrize("kind", KINDS)
def test_locks_during_a_run(
    start_daemon: StartDaemon, site: Site, root: Path, kind: str, record_property: RecordProperty
) -> None:
    """Given a daemon that is up to date, when all of them come, then the next commit is published, and none is left."""
    with site.watch() as watch:
        daemon = watch.follow(start_daemon(site.origin.url, root, **FAST))
        daemon.wait_published(site.origin.head)
        record_property("faults", len(plant(root, kind)))
        daemon.wait_published(site.push(1))
        assert not daemon.logs("sync_finished", outcome="failed")
        # Where nothing of ours has stumbled over one, the next start removes them.
        daemon.signal(signal.SIGTERM)
        assert daemon.wait_exit() == 0
        watch.follow(start_daemon(site.origin.url, root, **FAST)).wait_ready()
    site.check()


def lose_tree(root: Path, tree: Path) -> None:
    """Remove the directory of a tree."""
    shutil.rmtree(tree)


def lose_metadata(root: Path, tree: Path) -> None:
    """Remove what the store has of a tree."""
    shutil.rmtree(metadata(root, tree))


def other_commit(root: Path, tree: Path) -> None:
    """Have the metadata name a commit that nobody has."""
    (metadata(root, tree) / "HEAD").write_text("0123456789" * 4 + "\n")


def other_branch(root: Path, tree: Path) -> None:
    """Have the metadata name a branch, as `git checkout` of a consumer does."""
    (metadata(root, tree) / "HEAD").write_text("ref: refs/heads/somebody\n")


def wrong_gitdir(root: Path, tree: Path) -> None:
    """Have the metadata lead elsewhere."""
    (metadata(root, tree) / "gitdir").write_text("/elsewhere/.git\n")


def no_index(root: Path, tree: Path) -> None:
    """Empty the index."""
    for name in ("index", "gitsync-index"):
        (metadata(root, tree) / name).write_bytes(b"")


def short_index(root: Path, tree: Path) -> None:
    """Cut the index short, as a power loss does."""
    index = metadata(root, tree) / "gitsync-index"
    index.write_bytes(index.read_bytes()[:60])


def pointer_elsewhere(root: Path, tree: Path) -> None:
    """Have the tree's `.git` lead elsewhere."""
    (tree / ".git").write_text("gitdir: /elsewhere\n")


def no_pointer(root: Path, tree: Path) -> None:
    """Remove the tree's `.git`."""
    (tree / ".git").unlink()


def half_tree(root: Path, tree: Path) -> None:
    """Remove half of the files of a tree."""
    shutil.rmtree(tree / "docs")


def metadata(root: Path, tree: Path) -> Path:
    """Return what the store has of a tree."""
    pointer = (tree / ".git").read_text().removeprefix("gitdir: ").strip()
    return (tree / pointer).resolve()


SPOIL: tuple[Callable[[Path, Path], None], ...] = (
    *(lose_tree, lose_metadata, other_commit, other_branch, wrong_gitdir, no_index, short_index),
    *(pointer_elsewhere, no_pointer, half_tree),
)


@pytest.fixture
def two_trees(start_daemon: StartDaemon, origin: Origin, root: Path) -> list[Path]:
    """The published tree, and the standby."""
    for number in range(2):
        origin.commit({"index.html": f"{number}\n"})
        assert start_daemon(origin.url, root, one_time=True, stale_worktree_timeout="0s").wait_exit() == 0
    published = (root / "site.git").resolve()
    (standby,) = (root / ".worktrees").glob(".tree-*")
    return [published, standby]


@fault(
    area="leftovers",
    what="a tree or its metadata is not whole: gone, of another commit, without index, leading elsewhere, half empty",
    then="a published tree is made anew beside it, a standby is made right or replaced; the update is published",
)
@pytest.mark.parametrize("spoil", SPOIL, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("which", [0, 1], ids=["published", "standby"])
def test_trees_that_are_not_whole(
    start_daemon: StartDaemon,
    origin: Origin,
    root: Path,
    two_trees: list[Path],
    which: int,
    spoil: Callable[[Path, Path], None],
) -> None:
    """Given a tree that is spoilt, when gitsync starts, then what is published is whole, and so is the next commit."""
    spoil(root, two_trees[which])
    with Watch(origin, root / "site.git", root) as watch:
        watch.excuse()
        daemon = watch.follow(
            start_daemon(origin.url, root, period="1h", sync_on_signal="HUP", stale_worktree_timeout="0s")
        )
        watch.wait_published(origin.head, daemon)
        daemon.sync_to(origin.commit({"index.html": "next\n"}))
        watch.check(origin.head)
        assert not daemon.logs("sync_finished", outcome="failed")


@fault(
    area="leftovers",
    what="two processes are started on one root",
    then="one works; the other says who has the root, serves what is published, and takes over when the first ends",
)
def test_two_processes(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a daemon, when another one starts on its root, then it waits, touches nothing, and takes over later."""
    with Watch(origin, root / "site.git", root, bounds=Bounds(trees=3)) as watch:
        first = watch.follow(start_daemon(origin.url, root, period="200ms"))
        first.wait_published(origin.head)
        second = watch.follow(start_daemon(origin.url, root, period="200ms", max_backoff="200ms", verbose="1"))
        waiting = second.wait_event("store_locked")
        assert str(first.pid) in waiting["message"]
        second.wait_ready()
        first.wait_published(origin.commit({"index.html": "second\n"}))
        watch.check(origin.head)
        plant(root, "file")
        assert not second.logs("leftover_removed")
        assert first.terminate() == 0
        second.wait_published(origin.commit({"index.html": "third\n"}))


@fault(
    area="leftovers",
    what="the lock of the root is there, and the process that took it is not",
    then="it is no obstacle: the lock belongs to the open file, and not to its name",
)
def test_lock_of_a_process_that_is_gone(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given the lock's file of another host, when gitsync starts, then it works at once."""
    (root / ".gitsync").mkdir(parents=True)
    (root / ".gitsync" / "lock").write_text("1 on another-host\n")
    with Watch(origin, root / "site.git", root) as watch:
        daemon = watch.follow(start_daemon(origin.url, root, period="1h"))
        daemon.wait_published(origin.head)
        assert not daemon.logs("store_locked")
