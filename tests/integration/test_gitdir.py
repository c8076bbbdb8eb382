"""Who may write to the volume decides nothing about programs, and leads no writing of git elsewhere."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.git import run_git
from tests.support.origin import Origin

Plant = Callable[[Workbench, Path], None]


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A directory of hooks, and other programs, each of which leaves a file named `ran` if it is run."""
    directory = tmp_path / "programs"
    directory.mkdir()
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "monitor", "filter"):
        program = directory / name
        program.write_text(f"#!/bin/sh\ntouch {directory}/ran\n")
        program.chmod(0o755)
    return directory


def settings(witness: Path) -> str:
    """Return a configuration that names programs in every way that git has for what we run."""
    return (
        f"[core]\n\thooksPath = {witness}\n\tfsmonitor = {witness}/monitor\n\tsshCommand = {witness}/monitor\n"
        f"\tattributesFile = {witness}/attributes\n\talternateRefsCommand = {witness}/monitor\n"
        f'[filter "evil"]\n\tsmudge = {witness}/filter\n\tclean = {witness}/filter\n\tprocess = {witness}/filter\n'
        f"\trequired = true\n[extensions]\n\tworktreeConfig = true\n"
    )


def in_the_store(bench: Workbench, witness: Path) -> None:
    """Add to the store's own configuration."""
    with (bench.stores.current.path / "config").open("a") as file:
        file.write(settings(witness))


def in_a_worktree(bench: Workbench, witness: Path) -> None:
    """Give every tree a configuration of its own."""
    in_the_store(bench, witness)
    for metadata in (bench.stores.current.path / "worktrees").iterdir():
        (metadata / "config.worktree").write_text(settings(witness))


def in_another_store(bench: Workbench, witness: Path) -> None:
    """Lead every tree to a copy of the store with another configuration."""
    copy = witness / "copy"
    shutil.copytree(bench.stores.current.path, copy)
    with (copy / "config").open("a") as file:
        file.write(settings(witness))
    for metadata in (bench.stores.current.path / "worktrees").iterdir():
        (metadata / "commondir").write_text(f"{copy}\n")


def in_hooks(bench: Workbench, witness: Path) -> None:
    """Put hooks where git looks for them, and a filter on all files."""
    shutil.copytree(witness, bench.stores.current.path / "hooks")
    (bench.stores.current.path / "info").mkdir(exist_ok=True)
    (bench.stores.current.path / "info" / "attributes").write_text("* filter=evil\n")
    in_the_store(bench, witness)


@pytest.mark.parametrize("plant", [in_the_store, in_a_worktree, in_another_store, in_hooks])
def test_no_program_of_the_volume_runs(
    make_workbench: MakeWorkbench, origin: Origin, witness: Path, plant: Plant
) -> None:
    """Whatever is planted, comparisons, updates from a standby, fresh trees and chores run git alone."""
    bench = make_workbench(origin.url, git_gc="aggressive")
    bench.run()
    origin.commit({"a": "2", ".gitattributes": "* filter=evil\n"})
    bench.run()
    bench.do_chores()
    plant(bench, witness)
    bench.sync.heal(deadline=soon())
    for content in ("3", "4", "5"):
        commit = origin.commit({"a": content})
        assert bench.run().failure is None
        bench.do_chores()
        assert bench.published() == commit
        assert not bench.sync.heal(deadline=soon())
    assert not (witness / "ran").exists()


def test_consumers_use_git_in_what_is_published(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The store on the volume is whole: git works in the published tree with nothing of ours."""
    bench = make_workbench(origin.url, git_gc="aggressive")
    for content in ("1", "2", "3"):
        commit = origin.commit({"a": content})
        bench.run()
        bench.do_chores()
    assert run_git(bench.repo.link, "log", "-1", "--format=%H").strip() == commit.encode()
    assert run_git(bench.repo.link, "status", "--porcelain") == b""
    run_git(bench.stores.current.path, "fsck", "--strict")


def test_store_that_is_not_shallow_any_more(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What git removes in our directory is removed on the volume as well."""
    origin.commit({"a": "2"})
    first = make_workbench(origin.url, depth=1)
    first.run()
    assert (first.stores.current.path / "shallow").exists()
    first.close()
    origin.commit({"a": "3"})
    second = make_workbench(origin.url, depth=0)
    second.run()
    assert not (second.stores.current.path / "shallow").exists()


@pytest.mark.parametrize("name", ["objects/pack", "refs/gitsync", "refs/heads", "worktrees", "packed-refs", "shallow"])
def test_git_writes_through_no_link(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, name: str) -> None:
    """Where a part of the store has become a link, nothing is written to its target, and the next store is right."""
    bench = make_workbench(origin.url, git_gc="aggressive")
    bench.run()
    elsewhere = tmp_path / "elsewhere"
    place = bench.stores.current.path / name
    if place.is_dir():
        shutil.copytree(place, elsewhere)
        shutil.rmtree(place)
    else:
        elsewhere.write_bytes(place.read_bytes() if place.exists() else b"")
        place.unlink(missing_ok=True)
    place.symlink_to(elsewhere)
    before = contents(elsewhere)
    for content in ("2", "3"):
        commit = origin.commit({"a": content})
        bench.run()
        bench.do_chores()
    assert bench.published() == commit
    assert contents(elsewhere) == before


def contents(path: Path) -> list[tuple[str, bytes]]:
    """Return all files below a path, or the file itself."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(str(file), file.read_bytes()) for file in files if file.is_file()]


def test_store_of_an_earlier_process_is_configured_as_it_was(make_workbench: MakeWorkbench, tmp_path: Path) -> None:
    """Without a fetch, too, git knows a store's object format; nothing else of its configuration counts."""
    path = tmp_path / "sha256"
    run_git(None, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", str(path))
    (path / "a").write_text("1")
    run_git(path, "add", "a")
    run_git(path, "commit", "--quiet", "--message=First")
    first = make_workbench(str(path))
    first.run()
    first.close()
    second = make_workbench(str(path))
    assert second.sync.adopt()
    assert second.run().outcome == "unchanged"
    assert not second.sync.heal(deadline=soon())
    (second.repo.link / "a").write_text("damaged")
    assert second.sync.heal(deadline=soon())
    assert second.run().outcome == "repaired"
