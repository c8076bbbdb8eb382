"""What others plant in the store and in trees' metadata: links that git follows, pipes that it waits for."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.origin import Content, Gitlink, Origin
from tests.support.tree import assert_published

MODULES = '[submodule "lib"]\n\tpath = lib\n\turl = ../library.git\n'
Plant = Callable[[Path, Path], None]


@pytest.fixture
def bench(make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """A repository with a standby, the garbage of which is collected whenever there is any."""
    monkeypatch.setattr("gitsync.volume.garbage._MANY_LOOSE", 0)
    made = make_workbench(origin.url, git_gc="aggressive")
    for content in ("0", "1"):
        origin.commit({"a": content})
        assert made.run().failure is None
        made.do_chores()
    return made


@pytest.fixture
def foreign(tmp_path: Path, bench: Workbench) -> Path:
    """A directory of somebody else, with a ref, a journal, and a file in it."""
    directory = tmp_path / "foreign"
    directory.mkdir()
    for name in ("main", "dir"):
        (directory / name).write_text(f"{bench.published()}\n")
    (directory / "journal").write_text("precious\n")
    return directory


def contents(directory: Path) -> dict[str, str]:
    """Return all files below a directory."""
    return {str(path): path.read_text() for path in directory.rglob("*") if path.is_file()}


def refs(store: Path, foreign: Path) -> None:
    """A directory of refs, which git packs, and removes then."""
    (store / "refs" / "foreign").symlink_to(foreign)


def deep_refs(store: Path, foreign: Path) -> None:
    """The same further down."""
    (store / "refs" / "heads" / "a" / "b").mkdir(parents=True)
    (store / "refs" / "heads" / "a" / "b" / "c").symlink_to(foreign)


def commit_graph(store: Path, foreign: Path) -> None:
    """A file that git writes where its name leads to."""
    graph = store / "objects" / "info" / "commit-graph"
    graph.unlink(missing_ok=True)
    graph.symlink_to(foreign / "journal")


def journal(store: Path, foreign: Path) -> None:
    """A journal of a ref, to which git adds lines."""
    for metadata in (store / "worktrees").iterdir():
        (metadata / "logs").mkdir()
        (metadata / "logs" / "HEAD").symlink_to(foreign / "journal")


def journals(store: Path, foreign: Path) -> None:
    """The same in a directory that is a link."""
    (foreign / "HEAD").write_text("precious\n")
    for metadata in (store / "worktrees").iterdir():
        (metadata / "logs").symlink_to(foreign)


def head(store: Path, foreign: Path) -> None:
    """A tree that follows a branch, the name of which leads elsewhere."""
    (store / "refs" / "heads" / "way").symlink_to(foreign)
    for metadata in (store / "worktrees").iterdir():
        (metadata / "HEAD").write_text("ref: refs/heads/way/new\n")


@pytest.mark.parametrize("plant", [refs, deep_refs, commit_graph, journal, journals, head])
def test_git_follows_no_link(bench: Workbench, origin: Origin, foreign: Path, plant: Plant) -> None:
    """Nothing is written, added or removed where it leads to, and updates go on."""
    before = contents(foreign)
    plant(bench.stores.current.path, foreign)
    before = {**contents(foreign), **before}
    for content in ("2", "3", "4"):
        origin.commit({"a": content})
        assert bench.run().failure is None
        bench.do_chores()
        assert_published(origin.path, bench.repo.link)
    assert contents(foreign) == before


@pytest.mark.parametrize(
    "name",
    [
        "packed-refs",
        "shallow",
        "refs/gitsync/head",
        "refs/pipe",
        "objects/info/commit-graph",
        "objects/pack/pack-1.idx",
        "worktrees/*/HEAD",
        "worktrees/*/gitsync-index",
        "worktrees/*/gitsync-nested",
    ],
)
def test_git_waits_for_no_pipe(bench: Workbench, origin: Origin, name: str) -> None:
    """A pipe in the place of a file is removed: nobody would ever write into it."""
    store = bench.stores.current.path
    for parent in store.glob(name.rpartition("/")[0]) if "*" in name else [(store / name).parent]:
        path = parent / name.rpartition("/")[2]
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    for content in ("2", "3"):
        origin.commit({"a": content})
        assert bench.run(seconds=20).failure is None
        bench.do_chores()
        assert_published(origin.path, bench.repo.link)


def test_git_waits_for_no_pipe_among_objects(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """They are removed whenever they have come, and the store is mended."""
    bench = make_workbench(origin.url, git_gc="off")
    assert bench.run().failure is None
    for content in ("2", "3"):
        objects = [*bench.stores.current.path.glob("objects/??/*")]
        assert objects
        for path in objects:
            path.unlink()
            os.mkfifo(path)
        bench.sync.heal(deadline=soon(20))
        origin.commit({"a": content})
        assert bench.run(seconds=20).failure is None
        bench.do_chores()
        assert_published(origin.path, bench.repo.link)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        *(("symlink", name) for name in (".gitattributes", "lib/.gitattributes", ".gitignore")),
        *((form, ".gitmodules") for form in ("symlink", "exchange", "inplace")),
    ],
)
def test_git_waits_for_no_pipe_in_a_tree(
    make_workbench: MakeWorkbench,
    origin: Origin,
    make_origin: Callable[..., Origin],
    root: Path,
    form: str,
    name: str,
) -> None:
    """One in what is published, or in a standby, costs the time of one command at most, and goes."""
    library, bench = make_origin("library.git"), make_workbench(origin.url, publish=form)
    files: dict[str, Content] = {".gitmodules": MODULES, "lib": Gitlink(library.commit({"code": "x"}))}
    for content in ("1", "2"):
        origin.commit({"index.html": content, **files})
        assert bench.run().failure is None
    for tree in {bench.repo.link.resolve(), *(root / ".worktrees").iterdir()}:
        (tree / name).unlink(missing_ok=True)
        os.mkfifo(tree / name)
    bench.sync.heal(deadline=soon(2))
    failures = []
    for content in ("3", "4", "5", "6"):
        commit = origin.commit({"index.html": content})
        failures.append(bench.run(seconds=3).failure)
    assert [failure.reason for failure in failures if failure] in ([], ["timeout"])
    assert failures[-1] is None
    assert (bench.repo.link / "index.html").read_text() == "6"
    assert bench.sync.published
    assert bench.sync.published.hash == commit


def test_ref_in_the_way(bench: Workbench, origin: Origin) -> None:
    """A ref that needs a directory in the place of ours does not keep updates, as another store is made."""
    head = bench.stores.current.path / "refs" / "gitsync" / "head"
    head.unlink(missing_ok=True)
    (head / "x").mkdir(parents=True)
    (head / "x" / "y").write_text(f"{bench.published()}\n")
    origin.commit({"a": "2"})
    assert bench.run().failure is None
    assert_published(origin.path, bench.repo.link)


def test_store_names_no_other_server(
    make_workbench: MakeWorkbench, bench: Workbench, origin: Origin, tmp_path: Path
) -> None:
    """Of a configuration on the volume only that counts which says how the store is made."""
    config = bench.stores.current.path / "config"
    planted = '[extensions]\n\tpartialClone = "elsewhere:repository"\n[core]\n\trepositoryFormatVersion = "1"\n'
    config.write_text(config.read_text() + planted)
    bench.close()
    again = make_workbench(origin.url)
    assert again.sync.adopt()
    assert not again.run().failure
    written = [path.read_text() for path in tmp_path.glob("home-*/stores/*/config")]
    assert len(written) == 2
    assert not any("elsewhere" in text for text in written)
