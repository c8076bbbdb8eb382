"""File operations that follow no link, at no part of a path: what lies on the volume may be changed by others any time.

The directory that a path is in is opened without following links, and its last part is handled within what was opened,
so a directory that becomes a link between two steps leads nowhere either. A path that has a link on its way
is treated like one that is not there, or raises `NotADirectoryError`; what is to be reached through links has to be
resolved before. Functions are safe to call from any thread, and raise `OSError` with the whole path.
"""

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from gitsync.base.directory import FLAGS, open_directory
from gitsync.base.files import TEMPORARY_SUFFIX, temporary_beside


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """Yield a descriptor of a directory, to be used as `dir_fd`; it may be read through `/proc/self/fd`."""
    descriptor = open_directory(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[int]:
    """Yield a descriptor of the directory that a path is in; errors name the path."""
    with opened(path.parent) as directory:
        try:
            yield directory
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from None


def status(path: Path) -> os.stat_result | None:
    """Return what stat(2) says of a path itself, None if it is not there."""
    try:
        directory = open_directory(path.parent)  # the most frequent call, so without a context manager
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return os.stat(path.name, dir_fd=directory, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), str(path)) from None
    finally:
        os.close(directory)


def exists(path: Path) -> bool:
    """Say whether there is anything at a path, a link included."""
    return status(path) is not None


def is_directory(path: Path) -> bool:
    """Say whether there is a directory itself, not a link to one."""
    found = status(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def entries(path: Path) -> list[Path]:
    """Return all that is in a directory, sorted; nothing if there is no such directory."""
    try:
        with opened(path) as directory:
            return sorted(path / name for name in os.listdir(_readable(directory)))
    except (FileNotFoundError, NotADirectoryError):
        return []


def subdirectories(path: Path) -> list[Path]:
    """Return the directories in a directory, sorted; links to such are none."""
    return [entry for entry in entries(path) if is_directory(entry)]


def scan(path: Path) -> dict[str, bool]:
    """Return the names in a directory and whether each is a directory itself, with few system calls for many files."""
    with opened(path) as directory, os.scandir(_readable(directory)) as found:
        return {entry.name: entry.is_dir(follow_symlinks=False) for entry in found}


def walk(path: Path, *, depth: int) -> Iterator[Path]:
    """Yield all that is below a directory, so many levels deep; what is removed meanwhile is not entered."""
    waiting = [(path, 1)]
    while waiting:
        directory, level = waiting.pop()
        for entry in entries(directory):
            yield entry
            if level < depth and is_directory(entry):
                waiting.append((entry, level + 1))


def read(path: Path, *, limit: int = 65536) -> str | None:
    """Return the start of a regular file as text, at most so many bytes; None if there is none, or it is unreadable."""
    with contextlib.suppress(OSError), reading(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return file.read(limit).decode(errors="replace")
    return None


@contextlib.contextmanager
def reading(path: Path) -> Iterator[int]:
    """Yield a descriptor of a file to read from; one that is not there, or is a link, raises `OSError`."""
    with _beside(path) as directory:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _closed(os.open(path.name, flags, dir_fd=directory)) as descriptor:
            yield descriptor


def read_link(path: Path) -> str:
    """Return the text of a symbolic link."""
    with _beside(path) as directory:
        return os.readlink(path.name, dir_fd=directory)


def write(path: Path, content: str | bytes, *, clear: bool = True) -> None:
    """Replace the content of a file, so that readers see the old or the new one; `clear` a directory in its place."""
    if clear and is_directory(path):
        remove(path)
    temporary = temporary_beside(path).name
    with _beside(path) as directory:
        try:
            descriptor = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=directory
            )
            with open(descriptor, "wb", closefd=True) as file:
                file.write(content.encode() if isinstance(content, str) else content)
            os.replace(temporary, path.name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=directory)
            raise


def force(path: Path) -> None:
    """Wait until the content of a file is on the disk; without a file there is nothing to wait for."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), reading(path) as descriptor:
        os.fsync(descriptor)


def touch(path: Path) -> None:
    """Make a file if there is none, and give it the time of now."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _beside(path) as directory:
        descriptor = os.open(path.name, flags, 0o666, dir_fd=directory)
        try:
            os.utime(descriptor)
        finally:
            os.close(descriptor)


def renew(path: Path) -> None:
    """Give a file, or a link itself, the time of now."""
    with _beside(path) as directory:
        os.utime(path.name, dir_fd=directory, follow_symlinks=False)


def make_directory(path: Path) -> None:
    """Make a directory, and those that it is in, where they are missing."""
    if is_directory(path):
        return
    for directory in reversed((path, *path.parents)[:-1]):
        if not is_directory(directory):
            with contextlib.suppress(FileExistsError), _beside(directory) as parent:
                os.mkdir(directory.name, dir_fd=parent)
    with opened(path):
        pass


def rename(source: Path, target: Path) -> None:
    """Give a file or directory another name; what is there under that name is replaced, if rename(2) does so."""
    with opened(target.parent) as into, _beside(source) as directory:
        os.rename(source.name, target.name, src_dir_fd=directory, dst_dir_fd=into)


def link(source: Path, target: Path) -> None:
    """Give a file a second name."""
    with opened(target.parent) as into, _beside(source) as directory:
        os.link(source.name, target.name, src_dir_fd=directory, dst_dir_fd=into, follow_symlinks=False)


def symlink(destination: str, path: Path) -> None:
    """Make a symbolic link with this text."""
    with _beside(path) as directory:
        os.symlink(destination, path.name, dir_fd=directory)


def unlink(path: Path) -> None:
    """Remove a file or a link, if there is one."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), _beside(path) as directory:
        os.unlink(path.name, dir_fd=directory)


def sweep_temporaries(path: Path) -> None:
    """Remove what a killed process left beside `path` under the names of `temporary_beside`, and that is not full."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{12}}{re.escape(TEMPORARY_SUFFIX)}")
    for found in [found for found in entries(path.parent) if ours.fullmatch(found.name)]:
        with contextlib.suppress(OSError):
            unlink(found)
        remove_empty(found)


def remove_empty(path: Path) -> None:
    """Remove a directory that is empty; one that is not stays, and an error is no matter."""
    with contextlib.suppress(OSError), _beside(path) as directory:
        os.rmdir(path.name, dir_fd=directory)


def keeps_modes(directory: Path) -> bool:
    """Say whether the executable bit stays what it is made (on some network and FAT volumes it does not)."""
    probe = temporary_beside(directory / "mode").name
    with contextlib.suppress(OSError), opened(directory) as parent:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=parent)
        try:
            before = os.fstat(descriptor).st_mode
            os.fchmod(descriptor, before ^ 0o100)
            return os.fstat(descriptor).st_mode != before
        finally:
            os.close(descriptor)
            os.unlink(probe, dir_fd=parent)
    return False


def remove(path: Path) -> bool:
    """Remove a file, a link or a whole directory; return whether it is gone. What resists is left for another time."""
    try:
        with opened(path.parent) as parent:
            if not _unlink(path.name, parent):
                _empty(path.name, parent)
                os.rmdir(path.name, dir_fd=parent)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True


def _unlink(name: str, directory: int) -> bool:
    """Remove what is no directory; say whether that was it."""
    if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
        return False
    os.unlink(name, dir_fd=directory)
    return True


def _empty(name: str, parent: int) -> None:
    """Empty a directory, however deep it is: what lies in its directories is moved up before they are removed."""
    with _closed(os.open(name, FLAGS, dir_fd=parent)) as top:
        resisting: set[str] = set()
        while waiting := [entry for entry in _names(top) if entry not in resisting]:
            for entry in waiting:
                try:
                    if not _unlink(entry, top):
                        _flatten(entry, top)
                        os.rmdir(entry, dir_fd=top)
                except OSError:
                    resisting.add(entry)


def _flatten(name: str, top: int) -> None:
    """Remove the files of a directory, and move its directories to that which it is in."""
    with _closed(os.open(name, FLAGS, dir_fd=top)) as directory:
        for entry in _names(directory):
            with contextlib.suppress(OSError):
                if not _unlink(entry, directory):
                    # Moving a directory changes it: rename(2) wants the right to write to it.
                    with _closed(os.open(entry, FLAGS, dir_fd=directory)) as below:
                        _open_up(below)
                    os.rename(entry, secrets.token_hex(8), src_dir_fd=directory, dst_dir_fd=top)


def _names(directory: int) -> list[str]:
    """Return the names in a directory, which is opened up for us if somebody has closed it."""
    _open_up(directory)
    return os.listdir(_readable(directory))


def _open_up(directory: int) -> None:
    # One that is not ours to open may be open.
    with contextlib.suppress(OSError):
        os.chmod(_readable(directory), 0o700)


def _readable(directory: int) -> str:
    # O_PATH opens what may not be read, and this is the way back. https://man7.org/linux/man-pages/man2/open.2.html
    return f"/proc/self/fd/{directory}"


@contextlib.contextmanager
def _closed(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
