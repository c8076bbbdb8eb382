"""The form for mounts that stay of one directory: its files are brought to each commit where they are."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitsync.telling.events import Published
from gitsync.volume.inplace import MARKER
from gitsync.volume.inplace_moves import Moves
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.eventually import eventually
from tests.support.origin import Content, Gitlink, Origin, Symlink
from tests.support.placed import fill, shown
from tests.support.tree import tree_differences


def assert_in_place(bench: Workbench, origin: Origin, commit: str) -> None:
    """The directory is exactly the commit, beside the marker, which says so; and nothing is amiss."""
    link = bench.repo.link
    assert not link.is_symlink()
    assert tree_differences(origin.path, link, commit) == [f"not in the commit: {os.fsencode(MARKER)!r}"]
    assert json.loads((link / MARKER).read_text())["commit"] == commit
    assert bench.publisher.leads_to_tree()
    assert not bench.sync.heal(deadline=soon())


@pytest.fixture
def bench(make_workbench: MakeWorkbench, origin: Origin) -> Workbench:
    """A repository that is published in place."""
    made = make_workbench(origin.url, publish="inplace", period="1h", heal_period="1s")
    assert made.run().failure is None
    return made


def test_updates(bench: Workbench, origin: Origin) -> None:
    """The directory stays the same one, and so does each file that a commit leaves alone."""
    assert_in_place(bench, origin, origin.head)
    link = bench.repo.link
    before = [path.lstat() for path in (link, link / "bin", link / "bin" / "run", link / "latest")]
    for number in range(4):
        origin.commit({"index.html": f"{number}\n", f"more/{number}": "x", f"more/{number - 1}": None})
        assert bench.run().outcome == "updated"
        assert_in_place(bench, origin, origin.head)
        assert bench.run().outcome == "unchanged"
        bench.do_chores()
    after = [path.lstat() for path in (link, link / "bin", link / "bin" / "run", link / "latest")]
    assert [one.st_ino for one in after] == [one.st_ino for one in before]
    assert [one.st_mtime_ns for one in after[2:]] == [one.st_mtime_ns for one in before[2:]]
    assert len(list((bench.repo.root / ".worktrees").iterdir())) == 2


def test_rewound_branch(bench: Workbench, origin: Origin) -> None:
    """A commit that was published before is published again; what changes for consumers is never older than it was."""
    first, file = origin.head, bench.repo.link / "index.html"
    times = [file.stat().st_mtime_ns]
    for _ in range(2):
        origin.commit({"index.html": "second\n"})
        bench.run()
        times.append(file.stat().st_mtime_ns)
        origin.rewind(first)
        bench.run()
        times.append(file.stat().st_mtime_ns)
        assert_in_place(bench, origin, first)
    assert times == sorted(set(times))


def test_submodules(make_workbench: MakeWorkbench, make_origin: Callable[..., Origin], origin: Origin) -> None:
    """Their files are content as well, and nothing of git's own is there."""
    library = make_origin("library.git")
    first = library.commit({"a": "1\n", "b/c": "1\n"})
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {library.url}\n'
    origin.commit({".gitmodules": modules, "lib": Gitlink(first)})
    bench = make_workbench(origin.url, publish="inplace")
    assert bench.run().failure is None
    second = library.commit({"a": "2\n", "b": "now a file\n"})
    origin.commit({"lib": Gitlink(second)})
    assert bench.run().outcome == "updated"
    found = shown(bench.repo.link)
    assert {path: found[path] for path in found if path.startswith("lib")} == {
        "lib": "directory",
        "lib/a": "2\n",
        "lib/b": "now a file\n",
    }
    assert not [path for path in found if ".git" in Path(path).parts]
    (bench.repo.link / "lib" / "a").write_text("damaged\n")
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert (bench.repo.link / "lib" / "a").read_text() == "2\n"


def test_files_that_a_gate_has_made_are_content(bench: Workbench, origin: Origin) -> None:
    """Whatever is in the tree when it is published; they go when they are not made any more."""

    def build(event: object) -> None:
        if type(event).__name__ == "BeforePublish":
            (event.tree / "built").write_text("built\n")  # type: ignore[attr-defined]

    bench.recorder.react = build
    origin.commit({"index.html": "2\n"})
    bench.run()
    assert (bench.repo.link / "built").read_text() == "built\n"
    bench.recorder.react = None
    origin.commit({"index.html": "3\n"})
    bench.run()
    assert_in_place(bench, origin, origin.head)


def test_damage_is_repaired_file_by_file(bench: Workbench, origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    """It is found by the comparison, counts as any other, and comes back ever more slowly; the tree stays the same."""
    link = bench.repo.link
    tree = bench.publisher.current()
    for number in range(2):
        (link / "index.html").write_text(f"{number}")
        (link / "docs" / "guide.txt").unlink()
        bench.sync.heal(deadline=soon())
        eventually(lambda: bench.run().outcome == "repaired")
        assert_in_place(bench, origin, origin.head)
        assert bench.publisher.current() == tree
    told = capsys.readouterr().out
    assert "damage_found" in told
    assert "docs/guide.txt" in told
    assert "damage_returns" in told
    (link / "index.html").write_text("again")
    assert not bench.sync.heal(deadline=soon()), "there is nothing for a pass to do yet"
    assert [event.again for event in bench.recorder.events if isinstance(event, Published)] == [False, True, True]


def test_damage_of_the_tree_is_none_for_consumers(bench: Workbench, origin: Origin) -> None:
    """What somebody does to our own tree is put right there; the files of consumers are not touched."""
    tree, file = bench.publisher.current(), bench.repo.link / "index.html"
    assert tree
    before = file.stat()
    (tree / "index.html").write_text("damaged\n")
    assert bench.sync.heal(deadline=soon())
    assert bench.run().outcome == "repaired"
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert_in_place(bench, origin, origin.head)


def test_whole_directory_that_is_gone(bench: Workbench, origin: Origin) -> None:
    """It is put right at the next pass whatever was before."""
    for _ in range(3):
        shutil.rmtree(bench.repo.link)
        assert not bench.publisher.leads_to_tree()
        assert bench.run().outcome == "repaired"
        assert_in_place(bench, origin, origin.head)


def test_foreign_file_in_the_way(bench: Workbench, origin: Origin) -> None:
    """What is published stays; when it is out of the way, or the commit does without, it goes on."""
    first = origin.head
    fill(bench.repo.link, {"mine/a": "mine\n", "taken": "mine\n"})
    origin.commit({"taken": "ours\n", "other": "ours\n"})
    for _ in range(2):
        failure = bench.run().failure
        assert failure
        assert failure.reason == "place_taken"
        assert str(bench.repo.link / "taken") in failure.message
        assert bench.published() == first
        assert not (bench.repo.link / "other").exists()
        assert bench.publisher.leads_to_tree()
    (bench.repo.link / "taken").unlink()
    assert bench.run().outcome == "updated"
    assert (bench.repo.link / "mine" / "a").read_text() == "mine\n"


def test_foreign_directory_in_the_place_of_a_file_of_ours(bench: Workbench, origin: Origin) -> None:
    """It cannot be repaired, which is a failure; a commit without that file can be published all the same."""
    (bench.repo.link / "index.html").unlink()
    fill(bench.repo.link, {"index.html/mine": "mine\n"})
    assert bench.sync.heal(deadline=soon())
    failure = bench.run().failure
    assert failure
    assert failure.reason == "place_taken"
    origin.commit({"index.html": None, "new": "x"})
    assert bench.run().outcome == "updated"
    assert shown(bench.repo.link)["index.html/mine"] == "mine\n"


@contextmanager
def half_done(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let an update end after half of its files have their names, as a kill does."""

    def stop(self: Moves, path: str, known: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Moves, "_delete", stop)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_unfinished_update_is_finished_without_the_remote(
    make_workbench: MakeWorkbench, bench: Workbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start has all that it needs; until then what is there does not count as published."""
    commit = origin.commit({"index.html": None, "docs/guide.txt": "2\n", "new": "2\n"})
    with half_done(monkeypatch):
        bench.run()
    bench.close()
    origin.path.rename(origin.path.with_name("away"))
    again = make_workbench(origin.url, publish="inplace")
    assert again.sync.adopt()
    assert not again.publisher.leads_to_tree()
    assert again.run().failure
    origin.path.with_name("away").rename(origin.path)
    assert_in_place(again, origin, commit)


def test_restart_counts_as_published_at_once(make_workbench: MakeWorkbench, bench: Workbench, origin: Origin) -> None:
    """Nothing is written, and nothing read but a few lines."""
    before = (bench.repo.link / MARKER).stat()
    bench.close()
    again = make_workbench(origin.url, publish="inplace")
    assert again.sync.adopt()
    assert again.sync.published
    assert again.sync.published.hash == origin.head
    assert again.publisher.leads_to_tree()
    assert again.run().outcome == "unchanged"
    assert (again.repo.link / MARKER).stat() == before


@pytest.mark.parametrize("form", ["symlink", "exchange"])
def test_from_another_form(make_workbench: MakeWorkbench, origin: Origin, form: str) -> None:
    """The first pass has the whole directory stand in the place of what was there, without the remote."""
    bench = make_workbench(origin.url, publish=form)
    bench.run()
    bench.close()
    origin.path.rename(origin.path.with_name("away"))
    again = make_workbench(origin.url, publish="inplace")
    assert again.sync.adopt()
    again.run()
    origin.path.with_name("away").rename(origin.path)
    assert_in_place(again, origin, origin.head)
    assert again.run().outcome == "unchanged"
    origin.commit({"index.html": "2\n"})
    assert again.run().outcome == "updated"
    assert_in_place(again, origin, origin.head)
    assert sorted(path.name for path in again.repo.root.iterdir()) == [".gitsync", ".worktrees", "site.git"]


@pytest.mark.parametrize("form", ["symlink", "exchange"])
def test_to_another_form(make_workbench: MakeWorkbench, bench: Workbench, origin: Origin, form: str) -> None:
    """The directory may hold files of others, so it stays, and it is said so; once it is away, all goes on."""
    bench.close()
    again = make_workbench(origin.url, publish=form)
    failure = again.run().failure
    assert failure
    assert failure.reason == "link_blocked"
    assert (bench.repo.link / "index.html").read_text() == "first\n"
    bench.repo.link.rename(bench.repo.link.with_name("away"))
    assert again.run().failure is None
    assert (again.repo.link / "index.html").read_text() == "first\n"


def test_mount_that_cannot_be_replaced(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path) -> None:
    """A bind mount of another directory, as a `subPath` is: the files are seen through it."""
    inside, mounted = tmp_path / "inside", tmp_path / "mounted"
    inside.mkdir()
    mounted.mkdir()
    tried = subprocess.run(["mount", "--bind", inside, mounted], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"a bind mount needs root: {tried.stderr.decode().strip()}")
    try:
        bench = make_workbench(origin.url, publish="inplace", link=mounted)
        for content in (
            {"index.html": "1\n"},
            {"index.html": Symlink("docs"), "docs/guide.txt": None, "docs/b": "1\n"},
        ):
            files: dict[str, Content] = {**content}
            origin.commit(files)
            assert bench.run().outcome == "updated"
            assert_in_place(bench, origin, origin.head)
        assert shown(inside)["docs/b"] == "1\n"
    finally:
        subprocess.run(["umount", mounted], check=True)
