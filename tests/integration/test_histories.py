"""The property behind most of what can go wrong with a tree: what is published is what a fresh clone would be.

`HISTORIES_FOR=1800 pytest tests/integration/test_histories.py` looks at new histories for so many seconds.
"""

import contextlib
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.clones import clone, contents, differences
from tests.support.git import run_git
from tests.support.histories import History

STEPS = 10
# What says that the commit, or a repository that it names, is to blame.
REFUSALS = {"bad_commit", "submodule", "not_found", "ref_missing"}


def seconds() -> float:
    """Return for how long new histories are wanted."""
    return float(os.environ.get("HISTORIES_FOR", "0"))


def seeds() -> Iterator[int]:
    """Return those of every run, or new ones for as long as somebody asked for."""
    if not seconds():
        yield from range(3)
        return
    until = time.monotonic() + seconds()
    while time.monotonic() < until:
        yield time.time_ns() % 10**9


@pytest.mark.timeout(300 + 2 * seconds())
def test_published_tree_is_a_fresh_clone(make_workbench: MakeWorkbench, tmp_path: Path, root: Path) -> None:
    """Whatever the history, and whichever tree is used again, the files are those of a clone and look undamaged."""
    for seed in seeds():
        directory = tmp_path / "history"
        directory.mkdir()
        url = (directory / "site.git").as_uri()
        # Trees that are kept for their time are shown again as consumers have left them.
        vandals, keep = (VANDALS, "0s") if seed % 2 else ([], None)
        make = functools.partial(make_workbench, url, period="10ms", max_backoff="10ms", stale_worktree_timeout=keep)
        follow = Follow(make, directory, seed, vandals=vandals)
        try:
            follow.steps(STEPS)
        except AssertionError as error:
            raise AssertionError(f"with the seed {seed}: {error}") from error
        follow.close()
        for path in (directory, root):
            shutil.rmtree(path)


class Follow:
    """Follows one history commit by commit, and compares."""

    def __init__(
        self, make: Callable[[], Workbench], directory: Path, seed: int, *, vandals: Sequence[Callable[[Path], None]]
    ) -> None:
        self._make = make
        self._bench = make()
        self._directory = directory
        self._history = History(directory, seed)
        self._random = self._history.random
        self._vandals = vandals
        self._good: str | None = None
        # What consumers have seen last: content and time of each file; nothing if one of them has changed it.
        self._seen: dict[bytes, tuple[bytes, int]] = {}

    def close(self) -> None:
        """End the process, as it were."""
        self._bench.close()

    def steps(self, count: int) -> None:
        """Make so many commits and have each published."""
        for number in range(count):
            commit = self._history.advance()
            where = f"commit {number}, {commit}"
            expected = clone(self._history.site.path, self._directory)
            if expected is None:
                self._expect_refusal(where)
            elif commit != self._good or self._seen:
                result = self._bench.run()
                assert result.failure is None, f"{where}: {result.failure}"
                assert self._bench.published() == commit, where
                found = differences(expected, contents(self._bench.repo.link.resolve()))
                assert not found, f"{where}: " + "; ".join(found[:5])
                self._good = commit
                self._expect_newer(where)
                self._expect_no_damage(where)
            self._disturb()

    def _expect_refusal(self, where: str) -> None:
        before = list(self._bench.stores.current.generations())
        for _ in range(2):
            result = self._bench.run()
            assert result.failure, f"{where}: git refuses it"
            assert result.failure.reason in REFUSALS, f"{where}: {result.failure}"
        if self._good:
            assert self._bench.published() == self._good, f"{where}: what is published has to stay"
        assert before in ([], self._bench.stores.current.generations()), f"{where}: the store was renewed"

    def _expect_newer(self, where: str) -> None:
        before, self._seen = self._seen, times(self._bench.repo.link.resolve())
        changed = {name for name in before.keys() & self._seen.keys() if before[name][0] != self._seen[name][0]}
        older = [name for name in changed if before[name][1] >= self._seen[name][1]]
        assert not older, f"{where}: not newer than before: {older}"

    def _expect_no_damage(self, where: str) -> None:
        assert not self._bench.sync.heal(deadline=soon()), f"{where}: nobody has touched it"
        if self._random.random() < 0.3:
            self._bench.do_chores()
            assert not self._bench.sync.heal(deadline=soon()), f"{where}: nobody has touched it, and chores are done"

    def _disturb(self) -> None:
        """Sometimes have no standby for the next commit, one that a consumer has been at, or another process."""
        if self._random.random() < 0.2:
            self._bench.trees.disposal.drop_private(self._bench.stores.all())
        if self._good and self._vandals and self._random.random() < 0.4:
            self._random.choice(self._vandals)(self._bench.repo.link.resolve())
            self._seen = {}
        if self._random.random() < 0.1:
            self._bench.close()
            self._bench = self._make()
            assert self._bench.sync.adopt() or not self._good or not self._is_whole()

    def _is_whole(self) -> bool:
        return (self._bench.repo.link / ".git").exists()


def times(tree: Path) -> dict[bytes, tuple[bytes, int]]:
    """Return content and time of each file of a tree."""
    return {os.fsencode(path.relative_to(tree)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files(tree)}


def files(tree: Path) -> list[Path]:
    """Return some files of a tree that are not git's own."""
    return sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink() and path.name != ".git")


def change_line_ends(tree: Path) -> None:
    """Write every file with the other line ends, as an editor may."""
    for path in files(tree):
        content = path.read_bytes()
        unix = content.replace(b"\r\n", b"\n")
        path.write_bytes(unix if unix != content else content.replace(b"\n", b"\r\n"))


def expand_ids(tree: Path) -> None:
    """Write another expansion of every $Id$."""
    for path in files(tree):
        path.write_bytes(path.read_bytes().replace(b"$Id", b"$Id: mine $ $Id"))


def leave_attributes(tree: Path) -> None:
    """Leave files of attributes, that nobody tracks, in all directories."""
    for directory in (tree, *(path for path in tree.rglob("*") if path.is_dir() and not path.is_symlink())):
        with contextlib.suppress(FileExistsError), (directory / ".gitattributes").open("x") as file:
            file.write("* text eol=crlf\n")


def make_repositories(tree: Path) -> None:
    """Make a repository of every directory."""
    for directory in [path for path in tree.glob("*") if path.is_dir() and not path.is_symlink()]:
        if not (directory / ".git").exists():
            run_git(None, "init", "--quiet", str(directory))


def leave_by_hand(tree: Path) -> None:
    """Remove some, add some."""
    for path in files(tree)[::2]:
        path.unlink()
    (tree / "left").mkdir(exist_ok=True)
    (tree / "left" / "behind").write_text("x")


def remove_git_files(tree: Path) -> None:
    """Take the submodules their `.git`, and the tree its own."""
    for path in tree.rglob(".git"):
        if path.is_file():
            path.unlink()


def replace_directories(tree: Path) -> None:
    """Put links to elsewhere where the directories were, with what was in them."""
    elsewhere = Path(tempfile.mkdtemp(dir=tree.parent.parent))
    for directory in [path for path in tree.iterdir() if path.is_dir() and not path.is_symlink()]:
        moved = directory.rename(elsewhere / directory.name)
        directory.symlink_to(moved)


def fill_directories(tree: Path) -> None:
    """Put files into all directories, those of submodules that are not there included."""
    for directory in [path for path in tree.rglob("*") if path.is_dir() and not path.is_symlink()]:
        if ".git" not in directory.parts:
            (directory / "by the way").write_text("x")


VANDALS: list[Callable[[Path], None]] = [
    change_line_ends,
    expand_ids,
    leave_attributes,
    make_repositories,
    leave_by_hand,
    remove_git_files,
    replace_directories,
    fill_directories,
]
