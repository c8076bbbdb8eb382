"""The comparison of files with what a checkout makes, where git's own idea of a change says something else."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gitsync.base.errors import GitCancelled
from gitsync.programs.gitcmd import Output
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.clones import clone, contents, differences
from tests.support.origin import Content, Origin
from tests.support.tree import assert_published

FILES: dict[str, Content] = {
    ".gitattributes": "*.bat text eol=crlf\n*.txt text=auto\n*.id ident\n*.win working-tree-encoding=UTF-16LE\n",
    "dirty.bat": "one\r\ntwo\r\n",
    "mixed.bat": "one\ntwo\r\n",
    "clean.bat": "one\ntwo\n",
    "unix.txt": "one\ntwo\n",
    "stale.id": "$Id: of another repository $\n",
    "name.id": "$Id$\n",
    "text.win": "one\ntwo\n",
}


@pytest.fixture
def bench(make_workbench: MakeWorkbench, origin: Origin) -> Workbench:
    """A repository whose files never look as git would commit them, published."""
    origin.commit(FILES, replace=True)
    made = make_workbench(origin.url, stale_worktree_timeout="0s")
    assert made.run().failure is None
    return made


def assert_clone(bench: Workbench, origin: Origin, tmp_path: Path) -> None:
    """Fail unless what is published is what a clone has."""
    expected = clone(origin.path, tmp_path)
    assert expected
    assert not differences(expected, contents(bench.repo.link.resolve()))


def test_what_nobody_touched_is_not_damaged(bench: Workbench, origin: Origin, tmp_path: Path) -> None:
    """Neither at once, nor when git has looked at the files again, nor in a tree that was used again."""
    for number in range(4):
        assert_clone(bench, origin, tmp_path)
        assert not bench.sync.heal(deadline=soon())
        tree = bench.repo.link.resolve()
        (found,) = (tree_ for tree_ in bench.trees.catalogue.all(bench.stores.all()) if tree_.path == tree)
        assert not found.comparison(bench.git).differing(deadline=soon(), refresh=True)
        assert not bench.sync.heal(deadline=soon())
        origin.commit({"n": str(number)})
        assert bench.run().outcome == "updated"


def test_encoding_of_one_directory_is_not_that_of_the_next(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """Neither in a fresh tree nor in one that is used again, however many processes the user's settings ask for."""
    bench = make_workbench(origin.url, stale_worktree_timeout="0s", git_config="checkout.workers:2")
    for number in range(4):
        encodings = {f"{name}/.gitattributes": f"*.txt working-tree-encoding={name}\n" for name in ("latin1", "cp1252")}
        origin.commit({**encodings, "latin1/a.txt": f"café {number}", "cp1252/a.txt": f"café {number}", "z/a.txt": "é"})
        assert bench.run().failure is None
        assert (bench.repo.link / "latin1/a.txt").read_bytes() == f"café {number}".encode("latin1")
        assert_clone(bench, origin, tmp_path)


def test_attributes_that_become_a_directory(bench: Workbench, origin: Origin, tmp_path: Path) -> None:
    """They count no more for what is written in the same step."""
    for files in ({".gitattributes": None, ".gitattributes/x": "x"}, {".gitattributes/x": None, **FILES}) * 2:
        origin.commit(files)
        assert bench.run().failure is None
        assert_clone(bench, origin, tmp_path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "dos": lambda tree: (tree / "unix.txt").write_bytes(b"one\r\ntwo\r\n"),
    "unix": lambda tree: (tree / "clean.bat").write_bytes(b"one\ntwo\n"),
    "mixed": lambda tree: (tree / "mixed.bat").write_bytes(b"one\r\ntwo\n"),
    "id": lambda tree: (tree / "name.id").write_bytes(b"$Id$\n"),
    "utf-8": lambda tree: (tree / "text.win").write_bytes(b"one\ntwo\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_another_form_of_the_same_blob_is_damage(
    bench: Workbench, origin: Origin, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """It is found and repaired, and the tree that it was in is right when it is used again."""
    assert not bench.sync.heal(deadline=soon())
    change(bench.repo.link.resolve())
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    for number in range(3):
        assert_clone(bench, origin, tmp_path)
        origin.commit({"n": str(number)})
        assert bench.run().outcome == "updated"


def test_touched_files_are_no_damage(bench: Workbench) -> None:
    """Whatever their times are, the bytes count, and a link on the way to them is not followed."""
    tree = bench.repo.link.resolve()
    for path in tree.iterdir():
        if path.name != ".git":
            path.write_bytes(path.read_bytes())
    assert not bench.sync.heal(deadline=soon())


def test_directory_behind_a_link_is_damage(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path) -> None:
    """The same files elsewhere are not those of the tree."""
    bench = make_workbench(origin.url)
    bench.run()
    tree = bench.repo.link.resolve()
    (tree / "docs").rename(tmp_path / "moved")
    (tree / "docs").symlink_to(tmp_path / "moved")
    assert bench.sync.heal(deadline=soon())


def test_comparison_goes_on_where_it_was_ended(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many files of other than their clean form are looked at once, though passes come in between."""
    files: dict[str, Content] = {f"{number}.bat": "one\r\n" for number in range(600)}
    origin.commit({**files, ".gitattributes": "*.bat text eol=crlf\n"}, replace=True)
    bench = make_workbench(origin.url)
    bench.run()
    for path in bench.repo.link.resolve().glob("*.bat"):
        path.touch()
    made, run = [], bench.git.run

    def interrupted(arguments: Sequence[str], **options: Any) -> Output:
        if arguments[0] == "checkout-index":
            made.append(len(arguments))
            if len(made) == 2:
                raise GitCancelled("a pass is due")
        return run(arguments, **options)

    monkeypatch.setattr(bench.git, "run", interrupted)
    assert [bench.sync.heal(deadline=soon()) for _ in range(3)] == [False] * 3
    assert len(made) == 4, "three portions, one of them twice"


def test_very_many_files_are_damaged(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """More than anybody wants to be named are as damaged as one is."""
    origin.commit({f"{number}.txt": "good\n" for number in range(1200)}, replace=True)
    bench = make_workbench(origin.url)
    bench.run()
    for path in bench.repo.link.resolve().glob("*.txt"):
        path.write_text("bad\n")
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert assert_published(origin.path, bench.repo.link) == origin.head


@pytest.mark.parametrize("path", ["docs", "docs/deep", "docs/deep/er"])
def test_directory_that_a_consumer_has_emptied_goes_with_its_files(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, path: str
) -> None:
    """None of those above it stays when the commit has them no more."""
    bench = make_workbench(origin.url)
    origin.commit({"docs/deep/er/a.txt": "a\n"}, replace=True)
    for number in range(2):
        assert bench.run().failure is None
        shutil.rmtree(bench.repo.link / path)
        origin.commit({"n": str(number)})
    for number in range(2):
        origin.commit({"n": f"again {number}"}, replace=True)
        assert bench.run().failure is None
        assert_clone(bench, origin, tmp_path)


def test_attributes_that_a_consumer_has_left_have_no_effect(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """Neither on files that change, nor on files in directories that are new."""
    bench = make_workbench(origin.url)
    for number in range(3):
        origin.commit({"index.html": f"{number}\n", f"new-{number}/a.txt": "a\n"})
        assert bench.run().failure is None
        assert_clone(bench, origin, tmp_path)
        for directory in (".", "docs", f"new-{number + 2}"):
            (bench.repo.link / directory).mkdir(exist_ok=True)
            (bench.repo.link / directory / ".gitattributes").write_text("* text eol=crlf\n")


def test_directory_that_a_consumer_has_moved_is_there_again(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path
) -> None:
    """The very files behind a link in its place are not those of the tree."""
    bench = make_workbench(origin.url)
    for number in range(4):
        origin.commit({"n": str(number), f"docs/{number % 3}": "x"})
        assert bench.run().failure is None
        assert_clone(bench, origin, tmp_path)
        tree = bench.repo.link.resolve()
        (tree / "docs").rename(tmp_path / f"moved-{number}")
        (tree / "docs").symlink_to(tmp_path / f"moved-{number}")
