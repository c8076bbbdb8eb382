"""Promise: kill -9 at any step of an update in place tears no file, and the next start finishes it by itself."""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from gitsync.volume.inplace import MARKER, InPlacePublisher
from gitsync.volume.tree import Tree
from tests.support.forked import killed_at
from tests.support.origin import Content, Executable, Symlink
from tests.support.placed import Shown, fill, make_tree, shown

OLD: Mapping[str, Content] = {
    "same": "same\n",
    "changed": "old\n",
    "dropped": "old\n",
    "gone/with/all": "old\n",
    "file-or-directory": "old\n",
    "directory-or-file/a": "old\n",
    "directory-or-link/a": "old\n",
    "link": Symlink("same"),
    "run": "old\n",
}
NEW: Mapping[str, Content] = {
    "same": "same\n",
    "changed": "new\n",
    "added/b": "new\n",
    "file-or-directory/a": "new\n",
    "directory-or-file": "new\n",
    "directory-or-link": Symlink("same"),
    "link": Symlink("changed"),
    "run": Executable("new\n"),
}
THIRD: Mapping[str, Content] = {"same": "third\n", "added": "third\n", "file-or-directory": "third\n"}
FOREIGN: Mapping[str, Content] = {"mine": "mine\n", "gone/mine": "mine\n"}


class Updates:
    """A directory that is published into, with files of others in it, from trees of three commits."""

    def __init__(self, directory: Path) -> None:
        root, self.target = directory / "root", directory / "www"
        self.old, self.new, self.third = (
            make_tree(root, name * 40, files) for name, files in (("a", OLD), ("b", NEW), ("c", THIRD))
        )
        self._root = root
        fill(self.target, FOREIGN)

    @property
    def publisher(self) -> InPlacePublisher:
        """The publisher of a process that has just started."""
        return InPlacePublisher(self.target, self._root)

    def publish(self, tree: Tree) -> None:
        """Publish as a pass does."""
        publisher = self.publisher
        publisher.check()
        publisher.sweep()
        publisher.publish(tree, tree.path)

    def expected(self, tree: Tree) -> Shown:
        """Return what has to be in the directory when it is whole."""
        found = {**shown(tree.path), "mine": "mine\n", "gone": "directory", "gone/mine": "mine\n"}
        found.pop(".git")
        return found

    def shown(self) -> Shown:
        """Return what is there, beside the marker."""
        return {path: content for path, content in shown(self.target).items() if path != MARKER}

    def going_to(self) -> Tree:
        """Return the tree that the next start would finish, or keep."""
        path = self.publisher.current()
        return next(tree for tree in (self.old, self.new, self.third) if tree.path == path)

    def check_left(self) -> None:
        """What a kill has left: no torn file, all that is foreign, and a marker that tells the truth."""
        left = {path: content for path, content in self.shown().items() if not path.endswith(".gitsync-tmp")}
        allowed: dict[str, set[str]] = {}
        for tree in (self.old, self.new):
            for path, content in self.expected(tree).items():
                allowed.setdefault(path, set()).add(content)
        assert all(content in allowed[path] for path, content in left.items())
        assert {"mine": "mine\n", "gone/mine": "mine\n"}.items() <= left.items()
        if (self.target / MARKER).exists():
            commit = json.loads((self.target / MARKER).read_text())["commit"]
            tree = self.old if commit == self.old.hash else self.new
            # Directories for what is about to be added may be there.
            files = {path: content for path, content in left.items() if content != "directory"}
            assert files == {path: content for path, content in self.expected(tree).items() if content != "directory"}


@pytest.fixture
def updates(tmp_path: Path) -> Updates:
    """A directory with the old commit."""
    made = Updates(tmp_path)
    made.publish(made.old)
    return made


def kills(act: Callable[[], object]) -> Iterator[int]:
    """Yield after a kill before the first change, the second, and so on, until it comes to its end."""
    for change in itertools.count(1):
        if not killed_at(change, act):
            return
        yield change


def test_next_start_finishes_what_a_kill_has_left(updates: Updates) -> None:
    """It goes to the new commit, or stays at the old one, and leaves nothing of ours beside it."""
    ends = set()
    for _ in kills(partial(updates.publish, updates.new)):
        updates.check_left()
        tree = updates.going_to()
        ends.add(tree.hash)
        updates.publish(tree)
        assert updates.shown() == updates.expected(tree)
        assert updates.publisher.leads_to_tree()
        updates.publish(updates.old)
    assert ends == {updates.old.hash, updates.new.hash}
    assert updates.shown() == updates.expected(updates.new)


def test_next_start_that_is_killed_as_well(updates: Updates) -> None:
    """Whatever a second kill leaves of what the first one has left, the third start finishes it."""
    for change in kills(partial(updates.publish, updates.new)):
        tree = updates.going_to()
        for again in range(1, change + 1, 17):
            killed_at(again, partial(updates.publish, tree))
            updates.check_left()
        updates.publish(tree)
        assert updates.shown() == updates.expected(tree)
        updates.publish(updates.old)


def test_another_commit_after_a_kill(updates: Updates) -> None:
    """Where the one that was under way cannot be had any more, what it has placed is known to be ours all the same.

    So it is if the next update is killed, too.
    """
    for change in kills(partial(updates.publish, updates.new)):
        killed_at(change, partial(updates.publish, updates.third))
        updates.publish(updates.third)
        assert updates.shown() == updates.expected(updates.third)
        updates.publish(updates.old)


def test_first_publication_that_is_killed(tmp_path: Path) -> None:
    """The next start knows which commit it was."""
    updates = Updates(tmp_path)
    for _ in kills(partial(updates.publish, updates.new)):
        if updates.publisher.current():
            assert updates.going_to() == updates.new
        assert not updates.publisher.leads_to_tree()
        updates.check_left()


def test_change_of_the_form_that_is_killed(updates: Updates, tmp_path: Path) -> None:
    """A link of ours becomes a directory: the next start knows which commit consumers have seen, or will see."""
    updates.target.rename(tmp_path / "away")
    updates.target.symlink_to(os.path.relpath(updates.new.path, tmp_path))
    for _ in kills(partial(updates.publish, updates.new)):
        assert updates.going_to() == updates.new
    found = updates.expected(updates.new)
    assert updates.shown() == {path: found[path] for path in found if path not in {"mine", "gone", "gone/mine"}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["away", "root", "www"]
