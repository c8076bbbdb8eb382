"""Opens a directory without following a link at any part of its path.

openat2(2) does so in one system call where the kernel has it (since Linux 5.6) and nobody forbids it; else each part
is opened within the one before. Python has no such function, so it is called by its number, which is the same on all
architectures that Python runs on. Safe to call from any thread.
"""

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FLAGS: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# https://man7.org/linux/man-pages/man2/openat2.2.html and the kernel's table of system calls
_NUMBER: Final = 437
_NO_SYMLINKS: Final = 0x04
_HERE: Final = -100
# Old kernels do not know it, and sandboxes answer either of these for what they do not know.
_MISSING: Final = frozenset({errno.ENOSYS, errno.EPERM})


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_HOW: Final = _How(FLAGS, 0, _NO_SYMLINKS)
_CALL: Final = ctypes.CDLL(None, use_errno=True).syscall
_CALL.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)
_CALL.restype = ctypes.c_long


class _System:
    """What is known of the system."""

    has_openat2 = True


def open_directory(path: Path) -> int:
    """Return a descriptor, to be used as `dir_fd`; raise `OSError` with the whole path.

    A link on the way is `NotADirectoryError`.
    """
    if _System.has_openat2:
        descriptor = _CALL(_NUMBER, _HERE, os.fsencode(path), ctypes.byref(_HOW), ctypes.sizeof(_HOW))
        if descriptor >= 0:
            return int(descriptor)
        error = ctypes.get_errno()
        if error in _MISSING:
            _System.has_openat2 = False
        elif error != errno.ENAMETOOLONG:
            raise _whole(errno.ENOTDIR if error == errno.ELOOP else error, path)
    return _step_by_step(path)


@contextlib.contextmanager
def entries_of(top: int, name: str) -> Iterator[list["os.DirEntry[str]"]]:
    """Yield what is in a directory below an open one; within the block each entry can be asked what it is.

    There is nothing in what is no directory itself. Links on the way are followed.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=top)
    except (FileNotFoundError, NotADirectoryError):
        yield []
        return
    try:
        with os.scandir(descriptor) as found:
            yield list(found)
    finally:
        os.close(descriptor)


def _step_by_step(path: Path) -> int:
    """Open part by part, which also reaches what is deeper than a path may be long."""
    descriptor = os.open(path.anchor or ".", FLAGS)
    for part in path.relative_to(path.anchor).parts:
        try:
            below = os.open(part, FLAGS, dir_fd=descriptor)
        except OSError as error:
            raise _whole(error.errno or 0, path) from None
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _whole(number: int, path: Path) -> OSError:
    """Return an error that names the whole path; its class follows from the number."""
    return OSError(number, os.strerror(number), str(path))
