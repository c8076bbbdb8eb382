"""Which tracked files of a tree are not as a checkout of their commit makes them.

git says which files have other times or sizes than its index has. What it says of their content is of no use here: it
compares what would be committed. A file whose blob is not in that form (CRLF under `text`, an expanded `ident`)
differs for ever, though nobody touched it, and one that was brought into another form of the same blob does not differ
at all (https://git-scm.com/docs/gitattributes). So those files are checked out once more, elsewhere, and compared byte
by byte. Which were found right that way is noted beside the index, with their status, and holds until that changes.

Called by the worker's thread.
"""

import contextlib
import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitTimeout
from gitsync.base.folder import open_folder
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import Records, Sinks
from gitsync.volume.pointers import read_pointers

# So many files are checked out at a time, for the room that they need and for the length of a command line.
_PORTION: Final = 250
# So many files are named of those that have changed.
_NAMED: Final = 1000
# A note of more files than fit in here is read as none, which costs time only.
_NOTE_LIMIT: Final = 32 * 1024 * 1024

_Status = list[int]


class Comparison:
    """The comparison of one tree with its index; `note` is the file that remembers, in the tree's metadata."""

    def __init__(self, place: Place, note: Path, git: Git) -> None:
        assert place.work_tree  # noqa: S101 (there are files to compare)
        self._place = place
        self._top = place.work_tree
        self._note = note
        self._git = git

    def differing(self, *, deadline: float, idle: bool = False, refresh: bool = False) -> list[str]:
        """Return the first tracked files that are not as a checkout makes them; raise `GitError`.

        `idle` is at low priority. `refresh` has git look again at files whose times say nothing yet, so that it need
        not do so later.
        """
        command = ["diff-files", "--name-only", "--ignore-submodules", "-z"]
        names = Records(b"\0", most=sys.maxsize, largest=sys.maxsize)
        listed = self._git.run(
            command, deadline=deadline, place=self._place, sinks=Sinks(output=names), idle=idle
        ).records
        known, right = self._read_note(), dict[str, _Status]()
        wrong: list[str] = []
        for portion in _portions(listed):
            try:
                found = self._compare(portion, known, deadline=deadline, idle=idle)
            except (GitCancelled, GitTimeout):
                # The next comparison goes on from here.
                self._remember({**known, **right}, known)
                raise
            right |= found
            wrong += [name for name in portion if name not in found]
            if len(wrong) >= _NAMED:
                return wrong[:_NAMED]
        # What is wrong must stay so in the index; git would take another form of the same blob for right.
        if not wrong:
            self._remember(right, known)
            if refresh or right.keys() - known.keys():
                self.refresh(deadline=deadline, idle=idle)
        return wrong

    def refresh(self, *, deadline: float, idle: bool = False) -> None:
        """Have git write down the times as they are.

        Of files that were written in the second in which the index was, or later, the times tell nothing, so git reads
        them; and writes the index anew (since 2.35), so that it need not do so again. https://git-scm.com/docs/racy-git
        """
        self._git.run(
            ["update-index", "-q", "--ignore-submodules", "--refresh"],
            deadline=deadline,
            place=self._place,
            accept=lambda status: status in {0, 1},
            idle=idle,
        )

    def _compare(
        self, names: Sequence[str], known: Mapping[str, object], *, deadline: float, idle: bool
    ) -> dict[str, _Status]:
        """Return those of the files that are as a checkout makes them, with their status from before."""
        there = {name: status for name in names if (status := self._status(name))}
        right = {name: status for name, status in there.items() if known.get(name) == status}
        doubtful = [name for name in there if name not in right]
        if doubtful:
            kept = read_pointers(self._note.parent)
            with self._checked_out(doubtful, deadline=deadline, idle=idle) as made:
                for name in doubtful:
                    is_right = kept[name].is_for if name in kept else _are_equal
                    if is_right(made / name, self._top / name):
                        right[name] = there[name]
        return right

    @contextlib.contextmanager
    def _checked_out(self, names: Sequence[str], *, deadline: float, idle: bool) -> Iterator[Path]:
        """Check files out elsewhere, where there are no files of attributes but those of the index."""
        made = self._note.with_name("gitsync-checkout")
        nolinks.remove(made)
        nolinks.make_directory(made)
        try:
            command = ["checkout-index", "--force", "--quiet", "--", *names]
            self._git.run(command, deadline=deadline, place=replace(self._place, work_tree=made), idle=idle)
            yield made
        finally:
            nolinks.remove(made)

    def _remember(self, right: Mapping[str, object], known: Mapping[str, object]) -> None:
        if right != known:
            nolinks.write(self._note, json.dumps(right))

    def _status(self, name: str) -> _Status | None:
        """Return what changes whenever a file does; None if it is not reached without a link."""
        found = None
        with contextlib.suppress(OSError):
            found = nolinks.status(self._top / name)
        return [found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns] if found else None

    def _read_note(self) -> Mapping[str, object]:
        text = nolinks.read(self._note, limit=_NOTE_LIMIT)
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(text or "{}")
            return found if isinstance(found, dict) else {}
        return {}


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    rest = iter(names)
    while portion := tuple(itertools.islice(rest, _PORTION)):
        yield portion


def _are_equal(first: Path, second: Path) -> bool:
    """Say whether a file is the same in both trees: its kind, its content, and whether it may be run."""
    try:
        with open_folder(first.parent) as one, open_folder(second.parent) as other:
            return one.is_like(other, first.name, tick=lambda: None)
    except OSError:
        return False
