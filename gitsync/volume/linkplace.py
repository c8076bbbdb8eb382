"""What stands at the link's place, the proof that a directory there is ours, and how one comes there and goes.

A symbolic link is replaced whoever has made it, as it holds nothing. A directory is ours only if we have put it there:
before, we leave a mark in `.gitsync/exchanged`, an empty file whose name has the directory's inode and time of birth,
and the metadata of its tree. What somebody has made, copied or restored there is another directory. It is a name
because file systems bring names to the disk in the order in which they came about, and contents when they like.

Called by the worker's thread; what only reads is called by others as well.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base import nolinks, swap
from gitsync.base.errors import PublishError, from_os_error
from gitsync.base.files import past_time
from gitsync.config import STORE_DIRECTORY, TREES_DIRECTORY
from gitsync.volume.mounts import Mounts
from gitsync.volume.tree import AGAIN, Tree, free_place

_MARK: Final = re.compile(r"([0-9]+(?:-[0-9]+\.[0-9]+)?)@([0-9a-f]{12}-[0-9]+)@([0-9a-f]+)")
# What the system answers where there is no link; EINVAL is for something else in its place. readlink(2)
_NO_LINK: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EINVAL, errno.ELOOP})
_MOVE: Final = "move it away, or choose another path with --link"
# Nothing tells a copy of what we have put there from one that somebody has made, and may have changed.
_COPIED: Final = (
    f"{_MOVE}; if the volume was copied, or restored from a backup, it is what was published before, and comes anew"
)
_MOUNTED: Final = (
    "it is a mount point, which cannot be replaced: mount the directory above it, or use --publish=inplace"
)
_ONE_VOLUME: Final = "leave --link below --root, on the same volume, or use --publish=inplace or symlink"
_NO_BIRTH: Final = "use --git-dir=keep, or a volume whose file system knows when a directory was made"
# What the system answers where renameat2(2), or its flag, is not known.
_CANNOT: Final = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
# As long as a commit's hash: what bears one may have readers.
_NAME_BYTES: Final = 20


@dataclass(frozen=True)
class _Mark:
    """That the directory with this identity is the one of the tree with this metadata."""

    path: Path
    identity: str
    metadata: Path


class LinkPlace:
    """The place of one link; `work` is the directory that our own ones lie in."""

    def __init__(self, link: Path, work: Path) -> None:
        self.link = link
        self._work = work
        self._marks = work / STORE_DIRECTORY / "exchanged"

    def check(self) -> None:
        """Raise `PublishError` if something stands there that is neither a link nor provably ours."""
        found = nolinks.status(self.link)
        if found and not stat.S_ISLNK(found.st_mode) and not self._proof():
            raise self._blocked()

    def current(self) -> Path | None:
        """Return the tree that a link leads to, or into, or the place itself if a directory of ours stands there.

        None without either; raises `OSError` as `target` does.
        """
        target = self.target()
        return target and Tree.around(target, self._work)

    def target(self) -> Path | None:
        """Return where a link leads to, or the place itself if a directory of ours stands there, None otherwise.

        Whether there is anything is not looked at. Raises `OSError` where that cannot be found out.
        """
        try:
            target = os.readlink(self.link)
        except OSError as error:
            if error.errno in _NO_LINK:
                return self.link if self._proof() else None
            raise
        return Path(os.path.normpath(self.link.parent / target))

    def leads_to_tree(self) -> bool:
        """Say whether a consumer finds a directory, in a few system calls; raise `OSError` if it cannot be told."""
        # Path.is_dir would take some of these errors for an answer, and not others.
        try:
            if stat.S_ISLNK(self.link.lstat().st_mode):
                return stat.S_ISDIR(self.link.stat().st_mode)
            return self._proof() is not None
        except OSError as error:
            if error.errno in _NO_LINK:
                return False
            raise

    def since(self) -> float | None:
        """Return when what stands there was put there, as Unix time."""
        with contextlib.suppress(OSError):
            mark = self._proof()
            found = nolinks.status(mark.path if mark else self.link)
            return past_time(found) if found else None
        return None

    def tree(self) -> Tree | None:
        """Return the tree whose directory stands there, None if there is no directory of ours; raise `OSError`."""
        mark = self._proof()
        return self._tree_of(mark) if mark else None

    def leaving(self) -> Tree | None:
        """Return that tree as it is once it has left: it is given a place of its own, as another may have that now."""
        mark = self._proof()
        if mark is None:
            return None
        home = Tree.placed(mark.metadata, self._work)
        trees = self._work / TREES_DIRECTORY
        place = free_place(trees, home.name) if home else trees / secrets.token_hex(_NAME_BYTES)
        nolinks.make_directory(place.parent)
        if nolinks.is_directory(mark.metadata):
            nolinks.write(mark.metadata / "gitsync-place", os.path.relpath(place, self._work))
        return Tree(path=place, metadata=mark.metadata)

    def mark(self, tree: Tree) -> None:
        """Note that the directory of a tree is about to stand there.

        Raises `OSError`, and `PublishError` if it could not be told from others later.
        """
        standing, seen = self._proof(), swap.identity(tree.path)
        if tree.hidden and not swap.is_lasting(seen):
            message = (
                f"{self.link}: without `.git` a directory is recognised by its time of birth, and there is none here"
            )
            raise PublishError(message, reason="no_exchange", hint=_NO_BIRTH)
        mark = self._marks / f"{seen}@{tree.store.name}@{tree.metadata.name}"
        if nolinks.exists(self._marks) and not nolinks.is_directory(self._marks):
            nolinks.remove(self._marks)
        nolinks.make_directory(self._marks)
        nolinks.write(mark, "")
        for other in nolinks.entries(self._marks):
            if other != mark and not (standing and other == standing.path):
                nolinks.remove(other)

    def replace(self, new: Path, leaving: Tree | None) -> None:
        """Have what is at `new` stand there, in one step; `leaving` is the tree that leaves it.

        Raises `PublishError` if something of others stands there, and `OSError`; then all is as it was.
        """
        nolinks.make_directory(self.link.parent)
        if leaving:
            self._replace_tree(new, leaving)
        elif nolinks.exists(self.link):
            swap.exchange(new, self.link)
            found = nolinks.status(new)
            if found and not stat.S_ISLNK(found.st_mode):
                swap.exchange(new, self.link)
                raise self._blocked()
            nolinks.unlink(new)
        else:
            swap.rename_new(new, self.link)
        if new.parent.name.startswith(AGAIN):
            nolinks.remove_empty(new.parent)

    def _replace_tree(self, new: Path, leaving: Tree) -> None:
        mark = self._proof()
        if mark is None or mark.metadata != leaving.metadata:
            raise self._blocked()
        # Where the old tree has to go the new thing comes from, so that one step does both.
        nolinks.rename(new, leaving.path)
        try:
            swap.exchange(leaving.path, self.link)
        except OSError:
            nolinks.rename(leaving.path, new)
            raise
        if swap.identity(leaving.path) != mark.identity:
            swap.exchange(leaving.path, self.link)
            nolinks.rename(leaving.path, new)
            raise self._blocked()
        with contextlib.suppress(OSError):
            leaving.lead_to(leaving.path)

    def sweep(self) -> None:
        """Finish or remove what a killed process has left."""
        nolinks.sweep_temporaries(self.link)
        for mark in self._all():
            home = Tree.placed(mark.metadata, self._work)
            if home and nolinks.is_directory(home) and swap.identity(home) == mark.identity:
                tree = Tree(path=home, metadata=mark.metadata)
                if not tree.leads_back():
                    # It was on its way there, or from there.
                    tree.lead_to(home)

    def _proof(self) -> _Mark | None:
        """Return the mark of what stands there, None if that is not provably ours; raise `OSError`."""
        if not nolinks.is_directory(self.link):
            return None
        try:
            # In this order, as marks come before directories.
            seen = swap.identity(self.link)
        except FileNotFoundError:
            return None
        for mark in self._all():
            if mark.identity == seen and (swap.is_lasting(seen) or self._is_named(mark)):
                return mark
        return None

    def _is_named(self, mark: _Mark) -> bool:
        """Say whether what stands there names the metadata of its mark."""
        tree = self._tree_of(mark)
        return not tree.hidden and tree.leads_back()

    def _all(self) -> list[_Mark]:
        found = [(path, _MARK.fullmatch(path.name)) for path in nolinks.entries(self._marks)]
        stores = self._work / STORE_DIRECTORY
        return [
            _Mark(path=path, identity=match[1], metadata=stores / match[2] / "worktrees" / match[3])
            for path, match in found
            if match
        ]

    def _tree_of(self, mark: _Mark) -> Tree:
        return Tree(path=self.link, metadata=mark.metadata, home=Tree.placed(mark.metadata, self._work))

    def _blocked(self) -> PublishError:
        hint = _MOUNTED if Mounts().has_point(self.link) else _COPIED if self._all() else _MOVE
        message = f"{self.link} is not a symbolic link, nor a directory that gitsync has put there"
        return PublishError(message, reason="link_blocked", hint=hint)


def explained(error: OSError, doing: str) -> PublishError:
    """Return the error to report where something could not be put at the link's place."""
    if error.errno == errno.EBUSY:
        return PublishError(f"{doing}: {error.strerror}: {error.filename}", reason="link_blocked", hint=_MOUNTED)
    if error.errno == errno.EXDEV:
        message = f"{doing}: it is on another volume than --root"
        return PublishError(message, reason="no_exchange", hint=_ONE_VOLUME)
    if error.errno in _CANNOT:
        message = f"{doing}: the file system cannot let two directories change places"
        return PublishError(message, reason="no_exchange")
    told = from_os_error(error, doing=doing)
    return PublishError(str(told), reason=told.reason, hint=told.hint)
