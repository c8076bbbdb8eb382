"""What Python has no function for: two names change places in one step, and what tells a directory from all others.

As in `nolinks`, no link is followed on the way. Safe to call from any thread; raises `OSError`.
https://man7.org/linux/man-pages/man2/rename.2.html, https://man7.org/linux/man-pages/man2/statx.2.html
"""

import ctypes
import errno
import functools
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gitsync.base.nolinks import opened

_NOREPLACE: Final = 1
_EXCHANGE: Final = 2
# For C libraries without a function for the system call.
_NUMBERS: Final = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "ppc64le": 357, "s390x": 347}
_NOFOLLOW: Final = 0x100
_INODE: Final = 0x100
_BIRTH: Final = 0x800
# `struct statx`: what is known, the inode, and seconds and nanoseconds of the birth, with what lies between them.
_STATX: Final = struct.Struct("=I28xQ40xqI")
_STATX_SIZE: Final = 256
# Filters of system calls refuse what they do not know, with either of these.
_REFUSED: Final = {errno.ENOSYS, errno.EPERM}


def exchange(one: Path, other: Path) -> None:
    """Give each of two paths what is at the other one, whatever that is, in one step."""
    _rename(one, other, _EXCHANGE)


def rename_new(source: Path, target: Path) -> None:
    """Give something another name, which has to be free; raise `FileExistsError`."""
    _rename(source, target, _NOREPLACE)


def _rename(source: Path, target: Path, flags: int) -> None:
    with opened(target.parent) as into, opened(source.parent) as directory:
        names = os.fsencode(source.name), os.fsencode(target.name)
        if _renameat2()(directory, names[0], into, names[1], flags):
            raise _error(source, target)


def identity(path: Path) -> str:
    """Return what no other directory of the file system has ever been known by: its inode and its time of birth.

    Where there are no times of birth it is the inode, which is given again after a removal; see `is_lasting`.
    """
    with opened(path.parent) as directory:
        try:
            return _identity(directory, path)
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            return str(os.stat(path.name, dir_fd=directory, follow_symlinks=False).st_ino)


def is_lasting(identity: str) -> bool:
    """Say whether an identity belongs to one directory for ever."""
    return "-" in identity


def _identity(directory: int, path: Path) -> str:
    buffer = ctypes.create_string_buffer(_STATX_SIZE)
    statx = getattr(_library(), "statx", None)
    if statx is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if statx(directory, os.fsencode(path.name), _NOFOLLOW, _INODE | _BIRTH, buffer):
        raise _error(path)
    known, inode, seconds, nanoseconds = _STATX.unpack_from(buffer)
    return f"{inode}-{seconds}.{nanoseconds:09}" if known & _BIRTH else str(inode)


def _error(path: Path, other: Path | None = None) -> OSError:
    """Return the error of the system call that was made last."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), str(path), None, other and str(other))


@functools.cache
def _renameat2() -> Callable[..., int]:
    library, number = _library(), _NUMBERS.get(os.uname().machine)
    if hasattr(library, "renameat2"):
        return library.renameat2  # type: ignore[no-any-return]
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return functools.partial(library.syscall, number)


@functools.cache
def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True)
