"""Checks of the volume: whether a store, trees and a link can live there. What they make there they remove."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import HINTS, PublishError, from_os_error
from gitsync.base.filelock import Lock
from gitsync.base.files import temporary_beside
from gitsync.checks.check import Found, Subject
from gitsync.config import STORE_DIRECTORY
from gitsync.volume.exchange import try_exchange
from gitsync.volume.forms import publisher_of
from gitsync.volume.lock import try_lock
from gitsync.volume.mounts import Mounts
from gitsync.volume.tree import Tree

_MEGA: Final = 1e6
# Bytes and files: with less nothing can be published, or no large update.
_TOO_SMALL: Final = 1e6
_SMALL: Final = 100e6
_TOO_FEW: Final = 16
_FEW: Final = 5000
_LAYER: Final = "overlay"
_NO_VOLUME: Final = "mount a volume at --root: what is in a container's own layer no other container sees"
_OTHERS_SEE: Final = "mount both in each container that reads, at the same paths, or leave --link below --root"


def existing(path: Path) -> Path:
    """Return the directory, or what it would be made in, with no link on the way; raise `OSError`."""
    for found in (path, *path.parents):
        # Any other error is one of the volume.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found.lstat()
            return found.resolve(strict=True)
    raise AssertionError


def root(subject: Subject, deadline: float) -> Found:
    """Look at what --root is, and on which file system."""
    path = subject.repo.root
    found = existing(path)
    if not found.is_dir():
        raise PublishError(f"{found} is no directory", reason="filesystem", hint="name a directory with --root")
    publisher_of(subject.repo.content.publish, subject.repo.link, path).check()
    kind = Mounts().kind_of(found)
    message = f"{path} ({kind or 'file system unknown'})" + ("" if found == path.resolve() else ", made at the start")
    return Found(message=message, cure=_NO_VOLUME if kind == _LAYER else None)


def rights(subject: Subject, deadline: float) -> Found:
    """Make a directory and a file in it."""
    with _playground(subject) as directory:
        nolinks.write(directory / "file", "")
    return Found(message=f"user {os.geteuid()}, group {os.getegid()} may write")


def space(subject: Subject, deadline: float) -> Found:
    """Look how many bytes are free for this user."""
    volume = os.statvfs(existing(subject.repo.work))
    free, total = volume.f_bavail * volume.f_frsize, volume.f_blocks * volume.f_frsize
    message = f"{free / _MEGA:.0f} MB of {total / _MEGA:.0f} MB are free"
    return judged(message, free, least=_TOO_SMALL, enough=_SMALL, cure=HINTS["no_space"])


def inodes(subject: Subject, deadline: float) -> Found:
    """Look how many files may be made."""
    volume = os.statvfs(existing(subject.repo.work))
    if not volume.f_files:
        return Found(message="as many files as there is space for")
    message = f"{volume.f_favail} more files of {volume.f_files} may be made"
    cure = "remove small files from the volume, or make it with more inodes"
    return judged(message, volume.f_favail, least=_TOO_FEW, enough=_FEW, cure=cure)


def judged(message: str, free: float, *, least: float, enough: float, cure: str) -> Found:
    """Return what is to be said of how much is free; raise `PublishError` where that is too little for anything."""
    if free < least:
        raise PublishError(message, reason="no_space", hint=cure)
    return Found(message=message, cure=cure if free < enough else None)


def links(subject: Subject, deadline: float) -> Found:
    """Do where the link is to be what a publication does there: replace a link, or a directory, by another one."""
    repo = subject.repo
    directory = existing(repo.link.parent)
    link = temporary_beside(directory / repo.link.name)
    if repo.content.publish == "exchange":
        try_exchange(link, existing(repo.work))
        return Found(message="a directory can be replaced by another one in one step")
    if repo.content.publish == "inplace":
        return _files(repo.link)
    publisher = publisher_of(repo.content.publish, link, repo.work)
    try:
        for target in ("one", "two"):
            tree = Tree(path=directory / target, metadata=directory)
            publisher.publish(tree, tree.path)
    finally:
        nolinks.unlink(link)
    if directory.stat().st_dev != existing(repo.work).stat().st_dev:
        message = f"replaced by rename; {directory} is on another volume than --root, to which the link leads"
        return Found(message=message, cure=_OTHERS_SEE)
    return Found(message="symbolic links can be made, and replaced by rename")


def _files(link: Path) -> Found:
    """Make a file and rename it, as a publication does, in the directory, or where that is to be."""
    place = existing(link.parent if link.is_symlink() else link)
    file = temporary_beside(place / link.name)
    try:
        nolinks.write(file, "")
    finally:
        nolinks.unlink(file)
    return Found(message=f"files can be made in {place}, and renamed")


def locks(subject: Subject, deadline: float) -> Found:
    """Take a lock, and see whether somebody else has the one that counts."""
    with _playground(subject) as directory:
        lock = Lock(directory / "lock")
        try:
            try_lock(lock)
        finally:
            lock.release()
    if other := holder(subject):
        cure = f"if that is the gitsync of this container all is well; else {HINTS['locked']}"
        return Found(message=f"flock works; {subject.repo.work} is in use ({other})", cure=cure)
    return Found(message="flock works, and nobody else has the root")


def holder(subject: Subject) -> str | None:
    """Return who is at work on the root, None if nobody is; raise `OSError`."""
    lock = Lock(existing(subject.repo.work) / STORE_DIRECTORY / "lock")
    return lock.holder() if lock.taken() else None


@contextlib.contextmanager
def _playground(subject: Subject) -> Iterator[Path]:
    """Yield a directory in the root, or in what that would be made in; it goes with all that is in it."""
    parent = existing(subject.repo.work)
    directory = temporary_beside(parent / subject.repo.link.name)
    try:
        nolinks.make_directory(directory)
        yield directory
    except OSError as error:
        told = from_os_error(error, doing="writing to --root")
        hint = f"{_owner(parent)}; {told.hint}" if told.reason == "permission" else told.hint
        raise PublishError(str(told), reason=told.reason, hint=hint) from error
    finally:
        nolinks.remove(directory)


def _owner(directory: Path) -> str:
    """Say whose a directory is, and who we are."""
    found = directory.stat()
    ours = f"this is user {os.geteuid()} with the groups {', '.join(map(str, sorted({os.getegid(), *os.getgroups()})))}"
    return f"{directory} is of {found.st_uid}:{found.st_gid} with mode {stat.S_IMODE(found.st_mode):04o}, {ours}"
