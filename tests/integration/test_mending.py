"""What is put right when a step fails on a store, and what is left alone as the fault is somebody else's."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.volume.store import PRIVATE_REF
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.git import git, run_git
from tests.support.origin import Gitlink, Origin
from tests.support.tree import assert_published, assert_tree

MakeOrigin = Callable[..., Origin]


def to_directory(path: Path) -> None:
    """Put a directory, which is not empty, where a file should be."""
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "x").write_text("x")


def in_trees(name: str, damage: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return what damages a file of the metadata of every tree."""

    def act(store: Path) -> None:
        for metadata in (store / "worktrees").iterdir():
            damage(metadata / name)

    return act


def tear_packed_refs(store: Path) -> None:
    """Leave a list of refs that ends in the middle of one."""
    run_git(store, "pack-refs", "--all")
    (store / "packed-refs").write_text((store / "packed-refs").read_text()[:-20])


def to_file(path: Path) -> None:
    """Put a file where a directory should be."""
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("x")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "packed-refs torn": tear_packed_refs,
    "packed-refs a directory": lambda store: to_directory(store / "packed-refs"),
    "config a directory": lambda store: to_directory(store / "config"),
    "shallow a directory": lambda store: to_directory(store / "shallow"),
    "ref a directory": lambda store: to_directory(store / PRIVATE_REF),
    "refs a file": lambda store: to_file(store / "refs"),
    "packs a file": lambda store: to_file(store / "objects" / "pack"),
    "worktrees a file": lambda store: to_file(store / "worktrees"),
    "store a file": to_file,
    "commondir empty": in_trees("commondir", lambda path: path.write_text("")),
    "commondir too long a name": in_trees("commondir", lambda path: path.write_text("x" * 300)),
    "HEAD of no text": in_trees("HEAD", lambda path: path.write_bytes(b"\0\xff\n")),
    "commondir a directory": in_trees("commondir", to_directory),
    "gitdir a directory": in_trees("gitdir", to_directory),
    "index a directory": in_trees("index", to_directory),
    "HEAD a directory": in_trees("HEAD", to_directory),
    "place a directory": in_trees("gitsync-place", to_directory),
    "lock that is a directory": lambda store: to_directory(store / "shallow.lock"),
}


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_metadata_is_put_right(
    make_workbench: MakeWorkbench, origin: Origin, damage: Callable[[Path], object], restarted: bool
) -> None:
    """Whatever becomes of a file of the store, the next commit is there after three passes at most."""
    bench = make_workbench(origin.url)
    bench.run()
    origin.commit({"index.html": "second\n"})
    bench.run()
    if restarted:
        bench.close()
    damage(bench.stores.current.path)
    if restarted:
        bench = make_workbench(origin.url)
        bench.sync.adopt()
    commit = origin.commit({"index.html": "third\n"})
    failures = [bench.run().failure for _ in range(3)]
    assert failures[-1] is None, failures
    assert bench.published() == commit
    assert_published(origin.path, bench.repo.link)


def renewed(bench: Workbench) -> list[str]:
    """Return the stores on the volume that are no first ones."""
    return [path.name for path in bench.stores.all() if not path.name.endswith("-1")]


def with_submodule(origin: Origin, library: Origin) -> str:
    """Commit the newest commit of a library as a submodule."""
    modules = '[submodule "lib"]\n\tpath = lib\n\turl = ../library.git\n'
    return origin.commit({".gitmodules": modules, "lib": Gitlink(library.head)})


@pytest.fixture
def library(make_origin: MakeOrigin) -> Origin:
    """A repository that is a submodule of the other."""
    made = make_origin("library.git")
    made.commit({"lib.txt": "one\n", "inner/lib.txt": "one\n"})
    return made


def test_damaged_submodule_is_the_only_one_to_be_fetched_again(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin
) -> None:
    """The store of the repository itself is left alone."""
    with_submodule(origin, library)
    bench = make_workbench(origin.url)
    assert bench.run().failure is None
    (store,) = [path for path in bench.stores.all() if path != bench.stores.current.path]
    for path in store.glob("objects/??/*"):
        path.chmod(0o644)
        path.write_text("")
    library.commit({"lib.txt": "two\n"})
    commit = with_submodule(origin, library)
    failures = [bench.run().failure for _ in range(3)]
    assert failures[-1] is None, failures
    assert bench.published() == commit
    assert_tree(library.path, bench.repo.link.resolve() / "lib", library.head)
    assert [name.rpartition("-")[0] for name in renewed(bench)] == [store.name.rpartition("-")[0]]


DAMAGED_TREES = {"HEAD": b"\0\xff\n", "commondir": b"x" * 300, "gitdir": b"\0\n", "gitsync-index": b"x" * 300}


@pytest.mark.parametrize(("name", "content"), DAMAGED_TREES.items(), ids=DAMAGED_TREES.keys())
def test_metadata_of_submodules_is_put_right(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, name: str, content: bytes
) -> None:
    """git looks into a submodule when it works on its parent, and stumbles there."""
    with_submodule(origin, library)
    bench = make_workbench(origin.url)
    bench.run()
    origin.commit({"index.html": "second\n"})
    bench.run()
    for metadata in bench.repo.root.glob(".gitsync/*/worktrees/sub-*"):
        (metadata / name).unlink(missing_ok=True)
        (metadata / name).write_bytes(content)
    library.commit({"lib.txt": "two\n"})
    commit = with_submodule(origin, library)
    failures = [bench.run().failure for _ in range(3)]
    assert failures[-1] is None, failures
    assert bench.published() == commit
    assert_tree(library.path, bench.repo.link.resolve() / "lib", library.head)


def plant_half(store: Path, origin: Origin, commit: str) -> None:
    """Leave in a store what a fetch has that is killed between a commit and its files."""
    text = run_git(origin.path, "cat-file", "commit", commit)
    run_git(store, "hash-object", "-t", "commit", "-w", "--stdin", stdin=text)


def test_half_a_commit_of_a_submodule_is_fetched_again(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin
) -> None:
    """That an object is there does not say that all is there that it refers to."""
    with_submodule(origin, library)
    bench = make_workbench(origin.url)
    bench.run()
    (store,) = [path for path in bench.stores.all() if path != bench.stores.current.path]
    plant_half(store, library, library.commit({"inner/lib.txt": "two\n"}))
    with_submodule(origin, library)
    assert bench.run().failure is None
    assert_tree(library.path, bench.repo.link.resolve() / "lib", library.head)
    assert renewed(bench) == []


def test_half_a_pinned_commit_is_fetched_again(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A pin is fetched, unless its commit is there with all of its files."""
    bench = make_workbench(origin.url)
    bench.run()
    bench.close()
    commit = origin.commit({"index.html": "second\n"})
    plant_half(bench.stores.current.path, origin, commit)
    pinned = make_workbench(origin.url, ref=commit)
    assert pinned.run().failure is None
    assert_published(origin.path, pinned.repo.link)
    assert renewed(pinned) == []


def test_fault_of_the_remote_is_no_fault_of_the_store(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A remote that has lost an object has a reason of its own, and nothing is fetched anew because of it."""
    bench = make_workbench(origin.url)
    bench.run()
    origin.commit({"index.html": "second\n"})
    blob = git(origin.path, "rev-parse", "HEAD:index.html")
    (origin.path / "objects" / blob[:2] / blob[2:]).unlink()
    failures = [bench.run().failure for _ in range(2)]
    assert [failure and failure.reason for failure in failures] == ["bad_answer", "bad_answer"]
    assert renewed(bench) == []


ODD_GIT = """#!/bin/sh
case " $* " in
    *" fetch "*) test -e {flag} && {{ echo "fatal: nobody has seen this before" >&2; exit 128; }} ;;
esac
exec git "$@"
"""


def test_failure_of_an_unknown_kind_is_tried_in_another_store_once(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """If that does not help, we go back to the store that there was, and leave it at that."""
    program, flag = tmp_path / "odd-git", tmp_path / "flag"
    program.write_text(ODD_GIT.format(flag=flag))
    program.chmod(0o755)
    bench = make_workbench(origin.url, git=program)
    bench.run()
    before = bench.stores.current.path
    commit = origin.commit({"index.html": "second\n"})
    flag.touch()
    failures = [bench.run().failure for _ in range(3)]
    assert [failure and failure.reason for failure in failures] == ["git"] * 3
    assert bench.stores.current.path == before
    flag.unlink()
    assert bench.run().failure is None
    assert bench.published() == commit
    assert renewed(bench) == []


HUNGRY_GIT = """#!/bin/sh
case " $* " in
    *" fetch "*) test -e "$GIT_DIR/refs/gitsync/head" && kill -9 $$ ;;
esac
exec git "$@"
"""


def test_fetch_without_memory_is_tried_without_what_there_is(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """A difference to a large file needs more memory than the file, which a new store is sent."""
    program = tmp_path / "hungry-git"
    program.write_text(HUNGRY_GIT)
    program.chmod(0o755)
    bench = make_workbench(origin.url, git=program)
    bench.run()
    commit = origin.commit({"index.html": "second\n"})
    assert bench.run().failure is None
    assert bench.published() == commit


def test_fetch_that_never_has_enough_memory_is_tried_once(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """The limit is named, the store stays, and what does not help is not done again."""
    program, flag = tmp_path / "hungry-git", tmp_path / "flag"
    program.write_text(HUNGRY_GIT.replace('"$GIT_DIR/refs/gitsync/head"', str(flag)))
    program.chmod(0o755)
    bench = make_workbench(origin.url, git=program)
    bench.run()
    before = bench.stores.current.path
    origin.commit({"index.html": "second\n"})
    flag.touch()
    failures = [bench.run().failure for _ in range(3)]
    assert [failure and failure.reason for failure in failures] == ["out_of_memory"] * 3
    assert failures[0]
    assert "memory limit" in (failures[0].hint or "")
    assert bench.stores.current.path == before


CUT_OFF_GIT = """#!/bin/sh
case " $* " in
    *" fetch "*)
        echo x >> {count}
        touch "$GIT_DIR/objects/pack/tmp_pack_x"
        echo "fatal: fetch-pack: invalid index-pack output" >&2
        exit 128
        ;;
esac
exec git "$@"
"""


def test_pack_that_is_spoilt_on_its_way_is_fetched_again_later(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """What a failed fetch leaves is no reason to fetch at once, again and again."""
    before = make_workbench(origin.url)
    before.run()
    before.close()
    origin.commit({"index.html": "second\n"})
    program, count = tmp_path / "cut-off-git", tmp_path / "count"
    program.write_text(CUT_OFF_GIT.format(count=count))
    program.chmod(0o755)
    bench = make_workbench(origin.url, git=program)
    failures = [bench.run().failure for _ in range(3)]
    assert [failure and failure.reason for failure in failures] == ["bad_answer"] * 3
    assert len(count.read_text().splitlines()) <= 4
    assert renewed(bench) == []


def test_store_whose_garbage_cannot_be_collected_is_replaced(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would grow for ever, as updates need little of what there is."""
    bench = make_workbench(origin.url)
    bench.run()
    monkeypatch.setattr("gitsync.volume.garbage._MANY_LOOSE", 0)
    store = bench.stores.current.path
    blob = store / "objects" / git(store, "rev-parse", f"{PRIVATE_REF}:index.html")[:2]
    (victim,) = blob.iterdir()
    victim.chmod(0o644)
    victim.write_bytes(b"")
    bench.do_chores()
    commit = origin.commit({"index.html": "second\n"})
    assert bench.run().failure is None
    assert bench.published() == commit
    assert bench.stores.current.path != store
