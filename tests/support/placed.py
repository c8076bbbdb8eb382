"""Trees made of files given by a test, and what lies in a directory, for the form that publishes by copies."""

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitsync.base.errors import GitSyncError, PublishError, PublishVetoed
from gitsync.volume.inplace import MARKER, InPlacePublisher
from gitsync.volume.tree import Tree
from tests.support.origin import Content, Executable, Symlink

Shown = dict[str, str]
FIRST, SECOND = "a" * 40, "b" * 40
FILES: Mapping[str, Content] = {
    "index.html": "first\n",
    "docs/guide.txt": "read me\n",
    "bin/run": Executable("#!/bin/sh\n"),
    "latest": Symlink("docs/guide.txt"),
    "empty": None,
}


def make_tree(root: Path, name: str, files: Mapping[str, Content]) -> Tree:
    """Make a tree below a root, as a checkout would, with the `.git` that each has."""
    tree = Tree(path=root / ".worktrees" / name, metadata=root / ".gitsync" / "store" / "worktrees" / name)
    fill(tree.path, {".git": "gitdir: elsewhere\n", **files})
    return tree


def fill(directory: Path, files: Mapping[str, Content]) -> None:
    """Write files into a directory; None makes a directory without any."""
    directory.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        place = directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            place.mkdir(exist_ok=True)
        elif isinstance(content, Symlink):
            place.symlink_to(content.target)
        else:
            raw = content.content if isinstance(content, Executable) else content
            assert isinstance(raw, str)
            place.write_text(raw)
            place.chmod(0o755 if isinstance(content, Executable) else 0o644)


def shown(directory: Path) -> Shown:
    """Return what is in a directory: of each file its content, of a program and a link that it is one."""
    found = {}
    for above, folders, files in os.walk(directory):
        for name in [*folders, *files]:
            place = Path(above, name)
            status = place.lstat()
            if stat.S_ISLNK(status.st_mode):
                found[str(place.relative_to(directory))] = f"-> {os.readlink(place)}"
            elif stat.S_ISDIR(status.st_mode):
                found[str(place.relative_to(directory))] = "directory"
            else:
                program = "program " if status.st_mode & stat.S_IXUSR else ""
                found[str(place.relative_to(directory))] = program + place.read_text()
    return found


def times(directory: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of each file."""
    found = {path: path.lstat() for path in directory.rglob("*") if path.name != MARKER}
    return {str(path.relative_to(directory)): (one.st_ino, one.st_mtime_ns) for path, one in found.items()}


@dataclass(frozen=True)
class Place:
    """A root, and a directory that is published into."""

    root: Path
    target: Path

    @property
    def publisher(self) -> InPlacePublisher:
        """A new publisher, as of a process that has just started."""
        return InPlacePublisher(self.target, self.root)

    def publish(self, files: Mapping[str, Content], commit: str = FIRST) -> Tree:
        """Publish a commit that has these files, from a tree of its own."""
        tree = self.root / ".worktrees" / commit
        if tree.exists():
            shutil.rmtree(tree)
        made = make_tree(self.root, commit, files)
        self.publisher.publish(made, made.path)
        return made

    def refuse(self, files: Mapping[str, Content], commit: str = SECOND) -> GitSyncError:
        """Return how a commit is refused, with all left as it was."""
        before, marker = shown(self.target), (self.target / MARKER).exists()
        with pytest.raises((PublishError, PublishVetoed)) as caught:
            self.publish(files, commit)
        assert shown(self.target) == before
        assert (self.target / MARKER).exists() == marker
        return caught.value

    def shown(self) -> Shown:
        """Return what is there beside the marker."""
        found = shown(self.target)
        found.pop(MARKER, None)
        return found
