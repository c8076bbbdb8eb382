"""Which directories somebody has mounted: what is written to them is seen through the mount, which names no revision.

The kernel tells of mounts only to processes that are in the mount namespace, so those of other containers are known
only where their processes can be seen, as with `shareProcessNamespace`, and where we may read of them.
https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html. Called by the worker's thread.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.base.log import get_logger
from gitsync.volume.tree import Tree

_PROCESSES: Final = Path("/proc")
_WHY_NOT: Final = "a mount of the link's target never follows an update; mount the whole volume, and follow the link"


@dataclass(frozen=True, kw_only=True)
class _Mount:
    """A file system or a part of it: `root` is the directory in it that is seen at `point`."""

    device: str
    root: PurePosixPath
    point: PurePosixPath
    kind: str


class Mounts:
    """The mounts of all processes that we see, as they were when this was made."""

    def __init__(self, processes: Path = _PROCESSES) -> None:
        self._own = list(_read(processes / "self" / "mountinfo"))
        self._all = {mount for file in _namespaces(processes) for mount in _read(file)} | {*self._own}

    def shows(self, directory: Path) -> bool:
        """Say whether a directory, or one within it, is mounted somewhere by itself."""
        path = PurePosixPath(os.path.realpath(directory))
        ours = self._mount_of(path)
        if ours is None:
            return False
        place = ours.root / path.relative_to(ours.point)
        return any(mount.device == ours.device and mount.root.is_relative_to(place) for mount in self._all)

    def has_point(self, path: Path) -> bool:
        """Say whether something is mounted at a path, for us."""
        return any(mount.point == PurePosixPath(path) for mount in self._own)

    def kind_of(self, directory: Path) -> str | None:
        """Return what the file system of a directory is called, such as `ext4`; None if that is not known."""
        ours = self._mount_of(PurePosixPath(os.path.realpath(directory)))
        return ours.kind if ours else None

    def _mount_of(self, path: PurePosixPath) -> _Mount | None:
        within = [mount for mount in self._own if path.is_relative_to(mount.point)]
        # Of several at one point the last one is seen.
        return max(reversed(within), key=lambda mount: len(mount.point.parts), default=None)


class MountedTrees:
    """The trees that are left alone because somebody has them mounted; each is told of once."""

    def __init__(self, repo: str, read: Callable[[], Mounts] = Mounts) -> None:
        self._read = read
        self._told: set[Path] = set()
        self._log = get_logger(repo=repo)

    def among(self, trees: Collection[Tree]) -> set[Tree]:
        """Return those of the trees that somebody has mounted, so that an update in them would be seen there."""
        mounts = self._read() if trees else None
        found = {tree for tree in trees if mounts and mounts.shows(tree.path)}
        for path in {tree.path for tree in found} - self._told:
            self._log.warning("tree_mounted", tree=str(path), hint=_WHY_NOT)
        self._told |= {tree.path for tree in found}
        return found


def _namespaces(processes: Path) -> Iterator[Path]:
    """Return what tells of the mounts of each namespace that we see a process in, once."""
    seen = set()
    for process in processes.glob("[0-9]*"):
        try:
            namespace = os.readlink(process / "ns" / "mnt")
        except OSError:
            continue
        if namespace not in seen:
            seen.add(namespace)
            yield process / "mountinfo"


def _read(file: Path) -> Iterator[_Mount]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        fields = [_plain(field) for field in line.split(b" ")]
        # Behind a dash, as there may be any number of optional fields.
        kind = fields[fields.index("-") + 1 :] if "-" in fields else []
        if len(fields) > 4 and kind:
            yield _Mount(device=fields[2], root=PurePosixPath(fields[3]), point=PurePosixPath(fields[4]), kind=kind[0])


def _plain(field: bytes) -> str:
    """Undo the escapes of blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), os.fsdecode(field))
