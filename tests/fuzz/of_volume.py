"""What lies on the volume, where others may write, and what git lists of commits."""

import io
import os
import shutil
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from typing import Final, cast

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError
from gitsync.base.filelock import Lock
from gitsync.base.pointer import Pointer
from gitsync.base.printable import printable_name
from gitsync.config import Limits
from gitsync.programs.gitcmd import Git
from gitsync.programs.gitdir import _believed
from gitsync.programs.lfsfilter import serve
from gitsync.programs.planted import COMMON, lead_to_store
from gitsync.programs.process import Records
from gitsync.telling.events import Observers
from gitsync.volume import inplace_record, mounts
from gitsync.volume.ages import Ages
from gitsync.volume.changes import parse_raw
from gitsync.volume.comparison import Comparison
from gitsync.volume.escapes import EscapeError, TooManyError, Ways
from gitsync.volume.garbage import _size_before
from gitsync.volume.index import read_index
from gitsync.volume.inplace import _owner, _told
from gitsync.volume.linkplace import LinkPlace
from gitsync.volume.lock import VolumeLock
from gitsync.volume.pausefile import PauseFile
from gitsync.volume.pointers import read_pointers
from gitsync.volume.rows import is_inside, read_rows
from gitsync.volume.stores import Stores
from gitsync.volume.symlinks import Targets, TooLongError
from gitsync.volume.takeover import leftovers
from gitsync.volume.tree import Tree
from gitsync.volume.weight import Counter, EnoughError
from tests.fuzz.target import Target, halves, text_of
from tests.unit.examples import repo_config

_LIMITS: Final = Limits(max_size=1000, max_files=1000, max_fetch=None, symlinks="allow")


def index(data: bytes, scratch: Path) -> None:
    """Read an index."""
    file = scratch / "index"
    file.write_bytes(data)
    for hash_size in (20, 32):
        found = read_index(file, hash_size=hash_size)
        for entry in found.entries.values() if found else ():
            assert entry.is_as_seen(file.stat()) in {True, False}


def count(data: bytes, scratch: Path) -> None:
    """Count the files of a commit, in parts as at once."""
    whole, parts = Counter(_LIMITS), Counter(_LIMITS)
    whole.add(data)
    for part in halves(data):
        parts.add(part)
    assert (whole.files, whole.size) == (parts.files, parts.size)
    records = Records(b"\0", most=3, wanted=b"1")
    for part in halves(data):
        records.add(part)
    assert records.kept().count(b"\0") == min(records.count, 3)


def links(data: bytes, scratch: Path) -> None:
    """Read the targets of links, and follow them."""
    targets = Targets()
    for part in halves(data):
        targets.add(part)
    ways = Ways()
    for number, target in enumerate(targets.found.values()):
        ways.add(b"d/%d" % number, target)
    ways.check()


def ways(data: bytes, scratch: Path) -> None:
    """Follow links."""
    found = Ways()
    for line in data.split(b"\n"):
        path, _, target = line.partition(b" ")
        # No entry of a tree is called `.`.
        found.add(b"d/" + path, target)
    found.check()
    found.check(anew=True)


def changes(data: bytes, scratch: Path) -> None:
    """Read what git says has changed."""
    parse_raw([each for each in text_of(data).split("\0") if each])


def metadata(data: bytes, scratch: Path) -> None:
    """Read what a tree keeps of itself: no place of it is elsewhere."""
    for name in (
        "HEAD",
        "gitsync-place",
        "gitsync-nested",
        "gitsync-bare",
        "gitsync-recipe",
        "gitsync-pointers",
        "gitsync-made",
        "gitsync-size",
        "gitsync-left",
        "paused",
    ):
        (scratch / name).write_bytes(data)
    (scratch / ".gitsync").mkdir(exist_ok=True)
    (scratch / ".gitsync" / "paused").write_bytes(data)
    (scratch / "config").write_bytes(data)
    tree = Tree(path=scratch / "tree", metadata=scratch)
    placed = Tree.placed(scratch, Path("/root"))
    assert placed is None or ".." not in placed.parts
    assert not tree.in_place()
    for path in (*tree.bare(), *(nested.path for nested in tree.nested())):
        assert ".." not in path.parts
        assert path.is_relative_to(tree.path)
    assert tree.hidden in {True, False}
    read_rows(scratch / "gitsync-bare", is_inside)
    read_pointers(scratch)
    pause = PauseFile(scratch, cast(VolumeLock, None)).read()
    assert pause
    assert pause.reason.isprintable()
    believed = _believed(scratch, "https://h/x.git")
    assert believed.count("[") <= 10
    assert _size_before(scratch, 5) >= 0
    assert Comparison(tree.place, scratch / "gitsync-made", cast(Git, None))._read_note() is not None
    assert Ages().left_for(tree) >= 0.0
    lead_to_store(scratch)
    assert (scratch / "commondir").read_text() == COMMON


def lock(data: bytes, scratch: Path) -> None:
    """Read who has a lock; nobody is taken for dead whose name is not ours."""
    (scratch / "lock").write_bytes(data)
    held = Lock(scratch / "lock")
    assert printable_name(held.holder()).isprintable()
    assert not held.abandoned() or gethostname().encode() in data


def marker(data: bytes, scratch: Path) -> None:
    """Read what stands in the marker of files in place."""
    text = text_of(data)
    assert _owner(text) is None or _owner(text) == _told(text)["owner"]


def names(data: bytes, scratch: Path) -> None:
    """Read what lies on the volume by its names: stores, marks, trees of git-sync; all of it is within the root."""
    name = os.fsdecode(data.replace(b"/", b"").replace(b"\0", b"")[:255])
    if name in {"", ".", ".."}:
        return
    repo = replace(repo_config(), placement=replace(repo_config().placement, root=scratch, work=scratch))
    entry = scratch / ".git" / "worktrees" / "x"
    try:
        for directory in (scratch / ".gitsync" / "exchanged" / name, scratch / ".gitsync" / name, entry):
            directory.mkdir(parents=True, exist_ok=True)
        (entry / "gitdir").write_bytes(data)
        for mark in LinkPlace(scratch / "link", scratch)._all():
            assert mark.metadata.is_relative_to(scratch / ".gitsync")
            assert ".." not in mark.metadata.parts
        stores = Stores(repo, cast(Git, None), Observers([]))
        assert all(path.parent == scratch / ".gitsync" for path in (*stores.all(), *stores.current.generations()))
        stores.current.renew()
        for found in leftovers(scratch):
            assert found.is_relative_to(scratch)
            assert ".." not in found.parts
    finally:
        for name in (".gitsync", ".git"):
            shutil.rmtree(scratch / name, ignore_errors=True)


def git_asks(data: bytes, scratch: Path) -> None:
    """Answer git, which asks for pointers of contents; whatever they are, it gets one pointer for each."""
    told = io.BytesIO()
    serve(io.BytesIO(data), told)
    assert told.getvalue().startswith(b"0016git-filter-server\n")


def record(data: bytes, scratch: Path) -> None:
    """Read what is noted of files in place."""
    file = scratch / "record"
    nolinks.write(file, data)
    inplace_record._heading(file)
    rows, _ = inplace_record._read(file)
    for name, row in rows:
        assert inplace_record._row(inplace_record._line(name, row).encode(errors="surrogateescape"))


def mounted(data: bytes, scratch: Path) -> None:
    """Read mountinfo of proc(5)."""
    file = scratch / "mountinfo"
    file.write_bytes(data)
    assert all(mount.kind is not None for mount in mounts._read(file))


def pointer(data: bytes, scratch: Path) -> None:
    """Read a pointer of LFS: what is written of it means the same."""
    found = Pointer.parse(text_of(data))
    assert found is None or Pointer.parse(found.text) == found


TARGETS: Final = (
    Target("index", index),
    Target("ls-tree", count, (CheckoutError, EnoughError, OverflowError)),
    Target("link-targets", links, (EscapeError, TooManyError, TooLongError, OverflowError)),
    Target("ways", ways, (EscapeError, TooManyError)),
    Target("raw-diff", changes, (IndexError, ValueError)),
    Target("metadata", metadata),
    Target("lock", lock),
    Target("marker", marker),
    Target("names", names),
    Target("lfs-filter", git_asks, (ValueError,)),
    Target("in-place-record", record),
    Target("mountinfo", mounted),
    Target("lfs-pointer", pointer),
)
