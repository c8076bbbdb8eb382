"""What has to be done to bring a directory to the content of a tree, found out without changing anything.

Of a file that we have placed it is known which files of trees are the same, and how it was left: if neither has changed
since, nothing is read. Else the two are compared byte by byte. Called by the worker's thread.
"""

import contextlib
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from os import stat_result
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.folder import Folder, open_folder
from gitsync.volume.inplace_record import DIRECTORY, Known, Row, kind_of, mark

# As many trees as updates need by default, and one that is on its way out.
_SOURCES: Final = 4


@dataclass
class Plan:
    """Paths in the order in which they are to be handled, and what is, or will be, there.

    `late` is what takes the place of something else of ours, and so comes after the deletions. With anything `foreign`,
    which is in the way and is not ours, nothing can be done.
    """

    directories: list[str] = field(default_factory=list)
    additions: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    deletions: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    kept: dict[str, Row] = field(default_factory=dict)
    planned: dict[str, Row] = field(default_factory=dict)

    @property
    def differing(self) -> list[str]:
        """What is not in the directory as it is in the tree."""
        return sorted({*self.planned, *self.foreign})


@dataclass(frozen=True)
class _Entry:
    """Something in the tree, and what was found in its place."""

    path: str
    name: str
    status: stat_result
    found: stat_result | None


class Planner:
    """Compares a tree with a directory; `tick` is called now and then, and what it raises ends the comparison."""

    def __init__(self, tree: Path, target: Path, known: Known, tick: Callable[[], None]) -> None:
        self._tree = tree
        self._target = target
        self._known = known
        self._tick = tick
        self._plan = Plan()
        # Directories that are not there yet; of the second ones because something else is.
        self._missing = set() if nolinks.is_directory(target) else {""}
        self._obstructed: set[str] = set()

    def make(self) -> Plan:
        """Return the plan; raise `OSError`."""
        plan, pending = self._plan, [""]
        while pending:
            self._tick()
            directory = pending.pop()
            with open_folder(self._tree / directory) as source, self._open_target(directory) as here:
                for entry in _entries(directory, source, here):
                    if stat.S_ISDIR(entry.status.st_mode):
                        self._plan_directory(entry, directory)
                        pending.append(entry.path)
                    elif here is None or not self._keep(entry, source, here):
                        self._plan_file(entry, directory)
        known = {*self._known.placed, *self._known.begun}
        # What is in a directory comes before it.
        plan.deletions = sorted({*plan.deletions, *(known - plan.kept.keys() - plan.planned.keys())}, reverse=True)
        return plan

    @contextlib.contextmanager
    def _open_target(self, directory: str) -> Iterator[Folder | None]:
        if directory in self._missing or directory in self._obstructed:
            yield None
            return
        with open_folder(self._target / directory) as folder:
            yield folder

    def _keep(self, entry: _Entry, source: Folder, here: Folder) -> bool:
        """Say whether what is there is what has to be there, and note so."""
        kind, found = kind_of(entry.status), entry.found
        if found is None or kind is None or kind_of(found) != kind:
            return False
        row = self._known.placed.get(entry.path)
        before, now = mark(entry.status), mark(found)
        if row is None or row.kind != kind or row.seen != now or before not in row.sources:
            if not source.is_like(here, entry.name, tick=self._tick):
                return False
            sources = (before, *(row.sources if row else ()))[:_SOURCES]
            row = Row(kind, found.st_size, found.st_mtime_ns, now, sources)
        self._plan.kept[entry.path] = row
        return True

    def _plan_directory(self, entry: _Entry, directory: str) -> None:
        plan, path, found = self._plan, entry.path, entry.found
        if found is None:
            (self._obstructed if directory in self._obstructed else self._missing).add(path)
            (plan.late if directory in self._obstructed else plan.directories).append(path)
            plan.planned[path] = Row(DIRECTORY)
        elif stat.S_ISDIR(found.st_mode):
            if self._known.has_made(path, found):
                plan.kept[path] = Row(DIRECTORY)
        else:
            self._obstructed.add(path)
            if self._known.has_made(path, found):
                plan.deletions.append(path)
                plan.late.append(path)
                plan.planned[path] = Row(DIRECTORY)
            else:
                plan.foreign.append(path)

    def _plan_file(self, entry: _Entry, directory: str) -> None:
        plan, path, found = self._plan, entry.path, entry.found
        kind, row = kind_of(entry.status), self._known.placed.get(path)
        if kind is None:
            # A pipe or a socket that somebody has made in the tree is no content.
            return
        if found is None:
            (plan.late if directory in self._obstructed else plan.additions).append(path)
        elif stat.S_ISDIR(found.st_mode):
            foreign = self._find_foreign(path)
            # One that took the place of a file of ours, and is empty, is damage; another one is somebody's.
            if foreign is None and not row and not self._known.has_made(path, found):
                foreign = path
            if foreign:
                plan.foreign.append(foreign)
                return
            plan.deletions.append(path)
            plan.late.append(path)
        elif (row and row.kind != DIRECTORY) or self._known.has_made(path, found):
            # Whatever others have written to a file of ours, it is the commit's.
            plan.changes.append(path)
        else:
            plan.foreign.append(path)
            return
        plan.planned[path] = Row(kind, entry.status.st_size, entry.status.st_mtime_ns, 0, (mark(entry.status),))

    def _find_foreign(self, path: str) -> str | None:
        """Return something that we have not made, of a directory and all that is in it."""
        pending = [path]
        while pending:
            directory = pending.pop()
            with open_folder(self._target / directory) as folder:
                for name in folder.names():
                    found, inner = folder.status(name), f"{directory}/{name}"
                    if found and not self._known.has_made(inner, found):
                        return inner
                    if found and stat.S_ISDIR(found.st_mode):
                        pending.append(inner)
        return None


def _entries(directory: str, source: Folder, here: Folder | None) -> Iterator[_Entry]:
    """Yield what is in a directory of the tree; what is called `.git` is git's own, also in submodules."""
    for name in source.names():
        status = source.status(name)
        if status and name != ".git":
            path = f"{directory}/{name}" if directory else name
            yield _Entry(path, name, status, here.status(name) if here else None)
