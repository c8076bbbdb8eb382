"""The times of files, by which make, reloaders and `If-Modified-Since` tell what has changed.

A tree that is used again has files that are older than what consumers saw last, and after a revert those are the ones
that have changed: their content is new behind the link, so their times have to be. Called by the worker's thread.
"""

import contextlib
import sys
from pathlib import Path

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.programs.gitcmd import Git
from gitsync.programs.process import Records, Sinks
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.changes import ChangeLog, Changes, parse_raw
from gitsync.volume.tree import Tree


class Times:
    """The times of the files of one root's trees."""

    def __init__(self, catalogue: Catalogue, git: Git, changes: ChangeLog) -> None:
        self._catalogue = catalogue
        self._git = git
        self._changes = changes

    def freshen(self, tree: Tree, published: Tree, *, suspect: bool, deadline: float) -> None:
        """Make every file of a tree that is about to replace the published one, and differs from there, the newer one.

        `suspect` says that files may have been changed where they are published. Raises `GitError`.
        """
        names = set(self._changed(tree, published, deadline=deadline))
        before = {nested.path.relative_to(published.path): nested for nested in published.nested()}
        for nested in tree.nested():
            place = nested.path.relative_to(tree.path)
            names |= {f"{place}/{name}" for name in self._changed(nested, before.get(place), deadline=deadline)}
        if suspect or tree.head() == published.head():
            names |= self._damaged(tree, published, deadline=deadline)
        for name in names:
            with contextlib.suppress(OSError):
                _make_newer(tree.path / name, published.path / name)

    def _changed(self, tree: Tree, before: Tree | None, *, deadline: float) -> list[str]:
        """Return the files of a tree that may have another content than those of another one."""
        commit, other = tree.head() or "", before.head() if before else None
        if commit == other:
            return []
        if before and before.store == tree.store and other:
            try:
                names = list(self._between(other, commit, tree, deadline=deadline))
            except (GitTimeout, GitCancelled):
                raise
            except GitError:
                return self._all(tree, deadline=deadline)
            # Attributes decide about the content of other files.
            if not any(name.rpartition("/")[2] == ".gitattributes" for name in names):
                return names
        return self._all(tree, deadline=deadline)

    def _between(self, before: str, after: str, tree: Tree, *, deadline: float) -> Changes:
        known = self._changes.between(before, after)
        if known is None:
            compare = ["diff-tree", "-r", "--raw", "--no-abbrev", "--no-renames", "-z", before, after]
            known = parse_raw(self._list(compare, tree, deadline=deadline))
            self._changes.note(before, after, known)
        return known

    def _damaged(self, tree: Tree, published: Tree, *, deadline: float) -> set[str]:
        try:
            return set(self._catalogue.damage(published, deadline=deadline))
        except (GitTimeout, GitCancelled):
            raise
        except GitError:
            return set(self._all(tree, deadline=deadline))

    def _all(self, tree: Tree, *, deadline: float) -> list[str]:
        return self._list(["ls-tree", "-r", "-z", "--name-only", "HEAD"], tree, deadline=deadline)

    def _list(self, command: list[str], tree: Tree, *, deadline: float) -> list[str]:
        names = Records(b"\0", most=sys.maxsize, largest=sys.maxsize)
        return self._git.run(command, deadline=deadline, place=tree.place, sinks=Sinks(output=names)).records


def _make_newer(path: Path, published: Path) -> None:
    """Give a file the time of now if it is not newer than the one that is published in its place; raise `OSError`."""
    before, now = nolinks.status(published), nolinks.status(path)
    if before and now and now.st_mtime_ns <= before.st_mtime_ns:
        nolinks.renew(path)
