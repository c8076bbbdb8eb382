"""The form for consumers that cannot follow a link: a directory that takes the place of another."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base import swap
from gitsync.base.errors import PublishError
from gitsync.volume.linkplace import LinkPlace
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.integration.test_submodules import link as link_submodules
from tests.support.git import git
from tests.support.git_sync import write_root
from tests.support.origin import Origin
from tests.support.tree import assert_exchanged, assert_tree

Make = Callable[..., Workbench]


@pytest.fixture
def make(make_workbench: MakeWorkbench, origin: Origin) -> Make:
    """Return a function that builds the parts of a repository that is published in this form."""
    return lambda **options: make_workbench(origin.url, **{"publish": "exchange", **options})


@pytest.fixture
def bench(make: Make) -> Workbench:
    """The parts, with the first commit published."""
    made = make()
    assert made.run().outcome == "updated"
    return made


def trees(bench: Workbench) -> list[str]:
    """Return what there is beside the tree that is published."""
    return sorted(path.name for path in (bench.repo.root / ".worktrees").iterdir())


def again(bench: Workbench, make: Make, **options: object) -> Workbench:
    """Return the parts of a process that comes after this one, as its first pass finds them."""
    bench.close()
    made = make(**options)
    made.publisher.check()
    made.sync.adopt()
    return made


def test_updates(bench: Workbench, origin: Origin) -> None:
    """Each commit stands there as a directory, made of the tree before the last one; nothing piles up."""
    for number in range(4):
        assert assert_exchanged(origin.path, bench.repo.link) == origin.head
        assert not bench.sync.heal(deadline=soon())
        assert bench.run().outcome == "unchanged"
        origin.commit({"index.html": f"{number}\n"})
        assert bench.run().outcome == "updated"
        bench.do_chores()
    assert len(trees(bench)) == 1
    assert len(list((bench.repo.root / ".gitsync" / "exchanged").iterdir())) == 2
    assert sorted(path.name for path in bench.repo.root.iterdir()) == [".gitsync", ".worktrees", "site.git"]


def test_readers_keep_what_they_have_open(make: Make, origin: Origin) -> None:
    """Who has the old directory open reads on in it, and it is found, with git, where it has gone."""
    bench = make(stale_worktree_timeout="1h")
    bench.run()
    before = origin.head
    held = os.open(bench.repo.link, os.O_RDONLY | os.O_DIRECTORY)
    origin.commit({"index.html": "second\n"})
    bench.run()
    assert Path(f"/proc/self/fd/{held}/index.html").read_text() == "first\n"
    os.close(held)
    old = bench.repo.root / ".worktrees" / before
    assert_tree(origin.path, old, before)
    assert git(old, "rev-parse", "HEAD") == before
    assert trees(bench) == [before]


def test_commit_that_comes_back(make: Make, origin: Origin) -> None:
    """A tree that consumers have left is none that they may be sent to again while it has its time."""
    bench = make(stale_worktree_timeout="1h", max_trees=9)
    bench.run()
    first = origin.head
    origin.commit({"index.html": "second\n"})
    bench.run()
    origin.rewind(first)
    assert bench.run().outcome == "updated"
    assert assert_exchanged(origin.path, bench.repo.link) == first
    assert len(trees(bench)) == 2


def test_submodules_move_with_it(make: Make, origin: Origin, make_origin: Callable[..., Origin]) -> None:
    """git works in a submodule of the directory, and in that of the one which has left."""
    library = make_origin("library.git")
    library.commit({"lib.txt": "one\n"})
    before = link_submodules(origin, {"deep/lib": ("../library.git", library.head)})
    bench = make(stale_worktree_timeout="1h")
    assert bench.run().failure is None
    origin.commit({"index.html": "second\n"})
    assert bench.run().failure is None
    for tree in (bench.repo.link, bench.repo.root / ".worktrees" / before):
        assert git(tree / "deep" / "lib", "rev-parse", "HEAD") == library.head
        assert library.head in git(tree, "submodule", "status")
        assert git(tree, "status", "--porcelain") == ""
    assert not bench.sync.heal(deadline=soon())


def test_restart(bench: Workbench, make: Make, origin: Origin) -> None:
    """What an earlier process has published counts at once, and stays as it is."""
    inode = bench.repo.link.stat().st_ino
    published_at = bench.publisher.published_at()
    later = again(bench, make)
    assert later.sync.published
    assert later.sync.published.hash == origin.head
    assert later.publisher.leads_to_tree()
    assert later.publisher.published_at() == published_at
    assert later.run().outcome == "unchanged"
    assert bench.repo.link.stat().st_ino == inode


DAMAGE: dict[str, Callable[[Path], object]] = {
    "file": lambda link: (link / "index.html").write_text("changed"),
    "no .git": lambda link: (link / ".git").unlink(),
    ".git of another": lambda link: (link / ".git").write_text("gitdir: /elsewhere\n"),
    "moved away": lambda link: link.rename(link.with_name("kept")),
    "removed": shutil.rmtree,
    "a link": lambda link: link.rename(link.with_name("kept")).with_name("site.git").symlink_to("kept"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("restart", [False, True], ids=["", "restart"])
def test_damage_is_repaired(
    bench: Workbench, make: Make, origin: Origin, damage: Callable[[Path], object], restart: bool
) -> None:
    """Whatever happens to what is published, a clean directory takes its place."""
    damage(bench.repo.link)
    if restart:
        bench = again(bench, make)
    assert bench.run().failure is None
    bench.sync.heal(deadline=soon())
    assert bench.run().failure is None
    assert assert_exchanged(origin.path, bench.repo.link) == origin.head
    assert not bench.sync.heal(deadline=soon())
    kept = bench.repo.root / "kept"
    assert not kept.exists() or (kept / "index.html").exists()


# What somebody puts in the place of the directory, which he has moved to the second path, or removed.
FOREIGN: dict[str, Callable[[Path, Path], object]] = {
    "directory": lambda link, kept: (link / "mine").mkdir(parents=True),
    "empty directory": lambda link, kept: link.mkdir(),
    "copy": lambda link, kept: shutil.copytree(kept, link),
    "file": lambda link, kept: link.write_text("mine"),
}


@pytest.mark.parametrize("put", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("form", ["exchange", "symlink"])
def test_what_is_not_ours_stays(
    bench: Workbench, make: Make, origin: Origin, put: Callable[[Path, Path], object], form: str
) -> None:
    """Somebody's directory, even a copy of ours, stops us, and is not touched."""
    link = bench.repo.link
    kept = link.rename(link.with_name("kept"))
    put(link, kept)
    identity = swap.identity(link)
    bench.close()
    bench = make(publish=form)
    origin.commit({"index.html": "second\n"})
    for _ in range(2):
        result = bench.run()
        assert result.failure
        assert result.failure.reason == "link_blocked"
        assert "move it away" in (result.failure.hint or "")
    with pytest.raises(PublishError, match=r"site\.git"):
        bench.publisher.check()
    assert not bench.publisher.leads_to_tree()
    assert bench.publisher.current() is None
    assert swap.identity(link) == identity
    link.rename(link.with_name("away"))
    assert bench.run().failure is None
    assert_tree(origin.path, link.resolve(), origin.head)


def test_foreign_directory_in_a_running_process(bench: Workbench, origin: Origin) -> None:
    """It is not taken for damage of ours, even if it has the inode of the one that was removed."""
    link = bench.repo.link
    shutil.rmtree(link)
    link.mkdir()
    (link / "mine").touch()
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "link_blocked"
    assert [path.name for path in link.iterdir()] == ["mine"]


def test_copied_volume(bench: Workbench, make: Make, origin: Origin) -> None:
    """A root that was restored from a backup has other directories: what consumers see stays, until it is moved."""
    bench.close()
    root, backup = bench.repo.root, bench.repo.root.with_name("backup")
    root.rename(backup)
    shutil.copytree(backup, root, symlinks=True)
    restored = make()
    result = restored.run()
    assert result.failure
    assert (result.failure.reason, "from a backup" in (result.failure.hint or "")) == ("link_blocked", True)
    assert_tree(origin.path, restored.repo.link, origin.head)
    restored.repo.link.rename(root / "old")
    assert restored.run().failure is None
    assert assert_exchanged(origin.path, restored.repo.link) == origin.head


LOSSES: dict[str, Callable[[Path], object]] = {
    "store": lambda metadata: shutil.rmtree(metadata.parent.parent),
    "metadata": shutil.rmtree,
    "place": lambda metadata: (metadata / "gitsync-place").unlink(),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES.keys())
def test_proof_outlives_the_store(bench: Workbench, make: Make, origin: Origin, lose: Callable[[Path], object]) -> None:
    """A directory that nothing else is known of is still ours, and makes way for the next one."""
    bench.close()
    (metadata,) = (bench.stores.current.path / "worktrees").iterdir()
    lose(metadata)
    later = again(bench, make)
    assert later.run().failure is None
    assert assert_exchanged(origin.path, later.repo.link) == origin.head
    later.sync.tidy()
    later.do_chores()
    assert [name for name in trees(later) if not name.startswith(".tree-")] == []


def test_change_of_form(make: Make, origin: Origin) -> None:
    """From link to directory and back, with the remote gone; what a reader of the link has got stays where it is."""
    first = make(publish="symlink", stale_worktree_timeout="1h")
    first.run()
    link, tree = first.repo.link, first.repo.link.resolve()
    origin.path.rename(origin.path.with_name("gone"))
    second = again(first, make, stale_worktree_timeout="1h")
    assert second.publisher.leads_to_tree()
    result = second.run()
    assert result.failure
    assert result.failure.reason == "not_found"
    assert assert_exchanged(origin.path.with_name("gone"), link) == tree.name
    assert_tree(origin.path.with_name("gone"), tree, tree.name)
    third = again(second, make, publish="symlink", stale_worktree_timeout="1h")
    assert third.publisher.leads_to_tree()
    assert third.sync.published
    assert third.run().failure
    assert link.is_symlink()
    assert_tree(origin.path.with_name("gone"), link.resolve(), tree.name)
    assert git(link.resolve(), "status", "--porcelain") == ""
    origin.path.with_name("gone").rename(origin.path)
    origin.commit({"index.html": "second\n"})
    assert third.run().outcome == "updated"


def test_root_of_git_sync(make: Make, origin: Origin, root: Path) -> None:
    """Its link is replaced by a directory, and its tree goes when it has had its time."""
    tree = write_root(root, origin, ".worktrees/{}")
    bench = make(stale_worktree_timeout="1h")
    bench.sync.adopt()
    assert bench.run().outcome == "updated"
    assert assert_exchanged(origin.path, bench.repo.link) == origin.head
    assert_tree(origin.path, tree, origin.head)
    later = again(bench, make)
    later.run()
    later.do_chores()
    assert not tree.exists()


def test_place_of_its_own(make: Make, origin: Origin, tmp_path: Path) -> None:
    """The directory may be anywhere on the volume; what it is in is made."""
    for place in ("deep/er/site", tmp_path / "beside" / "site"):
        bench = make(link=place)
        assert bench.run().failure is None
        assert assert_exchanged(origin.path, bench.repo.link) == origin.head
        assert [path.name for path in bench.repo.link.parent.iterdir()] == ["site"]
        bench.close()


def test_form_and_commit_change_at_once(bench: Workbench, make: Make, origin: Origin) -> None:
    """An update in another form than before goes the same way."""
    for number, form in enumerate(["symlink", "exchange", "symlink"]):
        origin.commit({"index.html": f"{number}\n"})
        bench = again(bench, make, publish=form)
        assert bench.run().failure is None
        assert bench.repo.link.is_symlink() == (form == "symlink")
        assert_tree(origin.path, bench.repo.link.resolve(), origin.head)
        bench.do_chores()
    assert len(trees(bench)) == 2


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.EINVAL, "symlink"), (errno.ENOSYS, "symlink"), (errno.EXDEV, "below --root")]
)
def test_file_system_that_cannot(
    make: Make, origin: Origin, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    """It is tried before anything is fetched, and said what else there is; nothing is left of it."""

    def fail(one: Path, other: Path) -> None:
        raise OSError(number, os.strerror(number), str(one))

    monkeypatch.setattr(swap, "exchange", fail)
    bench = make()
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "no_exchange"
    assert hint in (result.failure.hint or "")
    assert "fetch" not in result.phases
    assert sorted(path.name for path in bench.repo.root.iterdir()) == [".gitsync", ".worktrees"]
    assert trees(bench) == []


def test_link_on_another_file_system(make: Make, origin: Origin, tmp_path: Path) -> None:
    """The real thing: memory is another file system than the disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system")
    place = memory / f"gitsync-test-{os.getpid()}"
    place.mkdir()
    try:
        result = make(link=place / "site").run()
        assert result.failure
        assert result.failure.reason == "no_exchange"
        assert "another volume" in result.failure.message
        assert list(place.iterdir()) == []
    finally:
        shutil.rmtree(place)


def test_mount_point(bench: Workbench, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is mounted there cannot be exchanged, and the old tree stays."""

    def fail(one: Path, other: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(one))

    monkeypatch.setattr(swap, "exchange", fail)
    before = origin.head
    origin.commit({"index.html": "second\n"})
    result = bench.run()
    assert result.failure
    assert (result.failure.reason, "directory above" in (result.failure.hint or "")) == ("link_blocked", True)
    assert assert_exchanged(origin.path, bench.repo.link) == before
    monkeypatch.undo()
    assert bench.run().outcome == "updated"
    assert assert_exchanged(origin.path, bench.repo.link) == origin.head


def test_somebody_is_quicker(bench: Workbench, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that somebody puts there between the last look and the exchange is given back."""
    link, real = bench.repo.link, swap.exchange
    mine = link.with_name("mine")
    mine.mkdir()

    def late(one: Path, other: Path) -> None:
        if mine.exists():
            link.rename(link.with_name("kept"))
            mine.rename(link)
        real(one, other)

    monkeypatch.setattr(swap, "exchange", late)
    origin.commit({"index.html": "second\n"})
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "link_blocked"
    assert list(link.iterdir()) == []


def test_volume_that_cannot_be_read(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the volume is no proof that a directory is not ours: nothing is given up."""

    def fail(self: LinkPlace) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(LinkPlace, "_all", fail)
        assert bench.run().failure
        bench.sync.tidy()
    assert bench.run().outcome == "unchanged"


def test_without_times_of_birth(make: Make, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the inode alone is no proof; with a `.git` file that is right it is."""
    monkeypatch.setattr(swap, "_identity", lambda directory, path: str(path.stat().st_ino))
    bench = make()
    bench.run()
    origin.commit({"index.html": "second\n"})
    assert bench.run().outcome == "updated"
    assert assert_exchanged(origin.path, bench.repo.link) == origin.head
    (bench.repo.link / ".git").unlink()
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "link_blocked"
