"""Brings a directory to the content of a tree, as planned: first all copies are made, under names that nobody reads.

Then they get their names one by one, additions before changes, and what is gone goes: so a reader sees the old or the
new content of each file, and what lacks room or rights shows before anything has changed. Called by the worker's
thread.
"""

import contextlib
import itertools
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.files import TEMPORARY_SUFFIX
from gitsync.base.folder import Folder, open_folder
from gitsync.volume.inplace_plan import Plan
from gitsync.volume.inplace_record import DIRECTORY, Known, Row, mark

# Names of files may be as long as there can be, so these have nothing of them.
_COPY: Final = re.compile(rf"\.[0-9a-f]{{12}}{re.escape(TEMPORARY_SUFFIX)}")


class Moves:
    """One update of one directory; `tick` is called during the copying, and what it raises ends that."""

    def __init__(self, tree: Path, target: Path, plan: Plan, tick: Callable[[], None]) -> None:
        self._tree = tree
        self._target = target
        self._plan = plan
        self._tick = tick
        self._copies: dict[str, str] = {}
        # What is there of ours by now, and what should have gone and is not provably ours.
        self.placed = dict(plan.kept)
        self.left: list[str] = []

    def prepare(self) -> None:
        """Make the directories and the copies; raise `OSError`, or what `tick` raises."""
        nolinks.make_directory(self._target)
        for path in self._plan.directories:
            self._make_directory(path)
        for directory, paths in _by_directory([*self._plan.additions, *self._plan.changes]):
            with open_folder(self._tree / directory) as source, open_folder(self._target / directory) as here:
                for path in paths:
                    self._copies[path] = self._copy(path, source, here)

    def carry_out(self, known: Known) -> None:
        """Let consumers see it; raise `OSError`, half way."""
        for paths, put in ((self._plan.additions, Folder.add), (self._plan.changes, Folder.replace)):
            for directory, names in _by_directory(paths):
                with open_folder(self._target / directory) as here:
                    for path in names:
                        put(here, self._copies[path], _name(path))
                        self._note(path, here)
        for path in self._plan.deletions:
            self._delete(path, known)
        for path in self._plan.late:
            self._place_late(path)

    def _copy(self, path: str, source: Folder, here: Folder) -> str:
        copied = f".{secrets.token_hex(6)}{TEMPORARY_SUFFIX}"
        here.copy(source, _name(path), copied, tick=self._tick)
        return copied

    def _make_directory(self, path: str) -> None:
        with open_folder((self._target / path).parent) as parent:
            parent.make_directory(_name(path))
        self.placed[path] = Row(DIRECTORY)

    def _note(self, path: str, here: Folder) -> None:
        found, planned = here.status(_name(path)), self._plan.planned[path]
        if found:
            self.placed[path] = Row(planned.kind, found.st_size, found.st_mtime_ns, mark(found), planned.sources)

    def _delete(self, path: str, known: Known) -> None:
        """Remove what is provably ours; a directory only if nothing is in it."""
        # What it is in may be gone, or have become something else.
        with (
            contextlib.suppress(FileNotFoundError, NotADirectoryError),
            open_folder((self._target / path).parent) as here,
        ):
            found = here.status(_name(path))
            if found is None:
                return
            is_directory = stat.S_ISDIR(found.st_mode)
            # Whose the directory is does not matter where a file is to be in its place: nothing is in it.
            if not known.has_made(path, found) and not (is_directory and path in self._plan.planned):
                self.left.append(path)
            elif is_directory:
                nolinks.remove_empty(self._target / path)
            else:
                here.unlink(_name(path))

    def _place_late(self, path: str) -> None:
        if self._plan.planned[path].kind == DIRECTORY:
            self._make_directory(path)
            return
        place, origin = self._target / path, self._tree / path
        with open_folder(origin.parent) as source, open_folder(place.parent) as here:
            here.add(self._copy(path, source, here), _name(path))
            self._note(path, here)


def sweep(target: Path, known: Known) -> None:
    """Remove the copies that an update has left which did not end; nobody else uses such names, but a commit might."""
    directories = {"", *(path.rpartition("/")[0] for path in known.begun)}
    for directory in directories:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), open_folder(target / directory) as here:
            for name in here.names():
                path = f"{directory}/{name}" if directory else name
                if _COPY.fullmatch(name) and path not in known.placed and path not in known.begun:
                    here.unlink(name)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _by_directory(paths: Iterable[str]) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield the paths of one directory after another, each with what it is in."""
    return itertools.groupby(paths, key=lambda path: path.rpartition("/")[0])
