"""A directory that is open, and what is done in it by name: no path is followed, so no link on its way either.

It is for many files at once, where `nolinks` would open the way to each of them anew. Whoever moves the directory
elsewhere moves what is done in it along. Safe to call from any thread; raises `OSError` with the whole path.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from gitsync.base import nolinks

_CHUNK: Final = 1024 * 1024
# What link(2) says where there are no hard links.
_NO_LINKS: Final = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator["Folder"]:
    """Open a directory while the block runs."""
    with nolinks.opened(path) as descriptor:
        yield Folder(path, descriptor)


class Folder:
    """An open directory; `tick` is called for each part of a file that is read, and what it raises ends the reading."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def names(self) -> list[str]:
        """Return the names of all that is in it, sorted."""
        with self._named(""):
            return sorted(os.listdir(f"/proc/self/fd/{self._descriptor}"))

    def status(self, name: str) -> os.stat_result | None:
        """Return what stat(2) says of an entry itself, None if there is none."""
        try:
            return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _whole(error, self._path / name) from None

    def copy(self, source: "Folder", name: str, copied: str, *, tick: Callable[[], None]) -> None:
        """Copy a file or a link of another directory to a free name, with its time and its right to be run."""
        with source._named(name):
            found = os.stat(name, dir_fd=source._descriptor, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            text = source._read_link(name)
            with self._named(copied):
                os.symlink(text, copied, dir_fd=self._descriptor)
        else:
            executable = bool(found.st_mode & stat.S_IXUSR)
            self.take(source, name, copied, executable=executable, see=lambda chunk: tick())
        with self._named(copied):
            times = (found.st_atime_ns, found.st_mtime_ns)
            os.utime(copied, ns=times, dir_fd=self._descriptor, follow_symlinks=False)

    def take(self, source: "Folder", name: str, taken: str, *, executable: bool, see: Callable[[bytes], None]) -> None:
        """Copy what is in a file of another directory to a free name; `see` is called with each part of it."""
        mode = 0o777 if executable else 0o666
        with source._reading(name) as read, self._named(taken), self._created(taken, mode) as made:
            for chunk in _chunks(read, lambda: None):
                see(chunk)
                made.write(chunk)

    def is_like(self, other: "Folder", name: str, *, tick: Callable[[], None]) -> bool:
        """Say whether an entry is the same in another directory: its kind, its content, and whether it may be run."""
        left, right = self.status(name), other.status(name)
        if left is None or right is None or stat.S_IFMT(left.st_mode) != stat.S_IFMT(right.st_mode):
            return False
        try:
            if stat.S_ISLNK(left.st_mode):
                return self._read_link(name) == other._read_link(name)
            if not stat.S_ISREG(left.st_mode) or left.st_size != right.st_size:
                return False
            if (left.st_mode ^ right.st_mode) & stat.S_IXUSR:
                return False
            with self._reading(name) as one, other._reading(name) as another:
                return all(chunk == os.read(another, len(chunk)) for chunk in _chunks(one, tick))
        except OSError:
            return False

    def add(self, made: str, name: str) -> None:
        """Give a file the name that it is to have, which has to be free: else `FileExistsError`.

        Where the file system has no hard links, what has come to that name meanwhile is replaced.
        """
        with self._named(name):
            try:
                os.link(made, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                self.replace(made, name)
            else:
                os.unlink(made, dir_fd=self._descriptor)

    def replace(self, made: str, name: str) -> None:
        """Put a file in the place of another one, in one step."""
        with self._named(name):
            os.replace(made, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def make_directory(self, name: str) -> None:
        """Make a directory; raise `FileExistsError` if there is something."""
        with self._named(name):
            os.mkdir(name, dir_fd=self._descriptor)

    def unlink(self, name: str) -> None:
        """Remove a file or a link."""
        with self._named(name):
            os.unlink(name, dir_fd=self._descriptor)

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with self._named(name):
            descriptor = os.open(name, flags, dir_fd=self._descriptor)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _created(self, name: str, mode: int) -> BinaryIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return open(os.open(name, flags, mode, dir_fd=self._descriptor), "wb")

    def _read_link(self, name: str) -> str:
        with self._named(name):
            return os.readlink(name, dir_fd=self._descriptor)

    @contextlib.contextmanager
    def _named(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _whole(error, self._path / name) from None


def _chunks(descriptor: int, tick: Callable[[], None]) -> Iterator[bytes]:
    while chunk := os.read(descriptor, _CHUNK):
        tick()
        yield chunk


def _whole(error: OSError, path: Path) -> OSError:
    """Return an error that names the whole path; its class follows from the number."""
    return OSError(error.errno, os.strerror(error.errno or 0), str(path))
