"""What we have placed in a directory that is not ours, and what an update of it was about to place: two files.

    placed      the last update that has ended: what consumers see, and all that we have made there
    journal     an update that has begun: what it was about to make, while it is not in `placed`

They lie among what is ours on the volume, and what they say counts only where the directory bears it out. Their last
line tells whether one is whole. Called by the worker's thread; headings are read by others as well.
"""

import contextlib
import itertools
import json
import os
import stat
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from gitsync.base import nolinks
from gitsync.base.folder import open_folder

DIRECTORY: Final = "dir"
_FILE: Final = "file"
_PROGRAM: Final = "program"
_LINK: Final = "link"
_KINDS: Final = {kind: kind for kind in (DIRECTORY, _FILE, _PROGRAM, _LINK)}
_HEADING_LIMIT: Final = 16 * 1024
_SUM: Final = b"sum "
# Some file systems keep no more of a time.
_MICROSECOND: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Heading:
    """Which tree the files are of, and what in it they are, relative to the directory that ours lie in; what the marker
    says, and who we are."""

    tree: str
    content: str
    marker: str
    owner: str


class Row(NamedTuple):
    """Something that we have made: its kind, size and time (ns); of a directory the kind counts alone.

    `seen` is the mark of what lies there, `sources` have those of the files of trees that are known to be the same.
    """

    kind: str
    size: int = 0
    time: int = 0
    seen: int = 0
    sources: tuple[int, ...] = ()

    def is_of(self, found: os.stat_result) -> bool:
        """Say whether this is what we have made, whatever others did to its owner or its links."""
        if self.kind == DIRECTORY or kind_of(found) != self.kind:
            return self.kind == kind_of(found)
        return self.size == found.st_size and self.time // _MICROSECOND == found.st_mtime_ns // _MICROSECOND


@dataclass(frozen=True)
class Known:
    """All that may be ours: what is placed, and what updates may have placed that have not ended.

    `whole` says that nothing of the former is missing.
    """

    placed: Mapping[str, Row] = field(default_factory=dict)
    begun: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    whole: bool = True

    def are_as_left(self, target: Path) -> bool:
        """Say whether all that was placed in a directory is as it was left; raise `OSError`."""
        by_directory = itertools.groupby(self.placed.items(), key=lambda item: item[0].rpartition("/")[0])
        for directory, items in by_directory:
            with open_folder(target / directory) as folder:
                for path, row in items:
                    found = folder.status(path.rpartition("/")[2])
                    if found is None or not (row.seen == mark(found) or row.kind == kind_of(found) == DIRECTORY):
                        return False
        return not self.begun

    def has_made(self, path: str, found: os.stat_result) -> bool:
        """Say whether what was found at a path is what we have made there."""
        row = self.placed.get(path)
        return (row is not None and row.is_of(found)) or any(row.is_of(found) for row in self.begun.get(path, ()))


def kind_of(found: os.stat_result) -> str | None:
    """Return what kind of thing it is, None if commits have no such."""
    if stat.S_ISDIR(found.st_mode):
        return DIRECTORY
    if stat.S_ISLNK(found.st_mode):
        return _LINK
    if not stat.S_ISREG(found.st_mode):
        return None
    return _PROGRAM if found.st_mode & stat.S_IXUSR else _FILE


def mark(found: os.stat_result) -> int:
    """Return a number that changes whenever a file does, and is another one for each file."""
    # A mark of another Python costs a comparison.
    return hash((found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


class Record:
    """The two files about one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._placed = directory / "placed"
        self._journal = directory / "journal"

    @property
    def placed(self) -> Heading | None:
        """The heading of what is placed."""
        return _heading(self._placed)

    @property
    def begun(self) -> Heading | None:
        """The heading of the update that has begun and not ended."""
        return _heading(self._journal)

    def known(self) -> Known:
        """Return all that may be ours."""
        begun: dict[str, tuple[Row, ...]] = {}
        for path, row in _read(self._journal)[0]:
            begun[path] = (*begun.get(path, ()), row)
        placed, whole = _read(self._placed)
        return Known(dict(placed), begun, whole)

    def begin(self, heading: Heading, planned: Mapping[str, Row], known: Known) -> None:
        """Note what is about to be placed; what earlier updates may have placed stays noted."""
        earlier = [(path, row) for path, rows in known.begun.items() for row in rows]
        begun = [(path, Row(row.kind, row.size, row.time)) for path, row in planned.items()]
        self._write(self._journal, heading, dict.fromkeys([*earlier, *begun]))

    def finish(self, heading: Heading, placed: Mapping[str, Row]) -> None:
        """Note what is placed, and that no update is under way."""
        self._write(self._placed, heading, placed.items())
        nolinks.unlink(self._journal)

    def forget_begun(self) -> None:
        """Note that an update that has begun has placed nothing, or no more."""
        nolinks.unlink(self._journal)

    def _write(self, path: Path, heading: Heading, rows: Iterable[tuple[str, Row]]) -> None:
        nolinks.make_directory(self._directory)
        lines = [json.dumps(asdict(heading)), *(_line(name, row) for name, row in rows), ""]
        text = os.fsencode("\n".join(lines))
        nolinks.write(path, text + _SUM + b"%d\n" % zlib.crc32(text))
        # What it says is ours we could not prove to be so when it is lost.
        nolinks.force(path)


def _heading(path: Path) -> Heading | None:
    text = nolinks.read(path, limit=_HEADING_LIMIT) or ""
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        heading = Heading(**json.loads(text.partition("\n")[0]))
        if all(isinstance(value, str) for value in asdict(heading).values()):
            return heading
    return None


def _line(path: str, row: Row) -> str:
    sources = ",".join(map(str, row.sources))
    written = path.replace("%", "%25").replace("\n", "%0A")
    return f"{row.kind} {row.size} {row.time} {row.seen} {sources} {written}"


def _read(path: Path) -> tuple[list[tuple[str, Row]], bool]:
    """Return the rows of a file, and whether it has all that was written; none if there is no file."""
    rows: list[tuple[str, Row]] = []
    check, whole = 0, False
    with (
        contextlib.suppress(OSError),
        nolinks.reading(path) as descriptor,
        open(descriptor, "rb", closefd=False) as file,
    ):
        # There may be many, so the text of all is not kept.
        for number, line in enumerate(file):
            whole = line == _SUM + b"%d\n" % check
            check = zlib.crc32(line, check)
            if number and (row := _row(line)):
                rows.append(row)
    return rows, whole


def _row(line: bytes) -> tuple[str, Row] | None:
    """Return what a line says; others may have written it, so one that does not fit says nothing."""
    with contextlib.suppress(ValueError, KeyError):
        kind, size, time, seen, sources, written = os.fsdecode(line).removesuffix("\n").split(" ", 5)
        marks = tuple(map(int, sources.split(","))) if sources else ()
        row = Row(_KINDS[kind], int(size), int(time), int(seen), marks)
        name = written.replace("%0A", "\n").replace("%25", "%")
        if name and not name.startswith("/") and ".." not in name.split("/"):
            return name, row
    return None
