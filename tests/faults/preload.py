"""Strikes at a change of the file system that gitsync, or a program of its, makes: by a library that all load.

`Board` is the file that it shares with the test: which change, and what happens there.
"""

import ctypes
import errno
import mmap
import shutil
import subprocess
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

import pytest

SOURCE: Final = Path(__file__).with_name("preload.c")
# Programs that change the volume for us.
_PROGRAMS: Final = ("git", "rm")


# The numbers of the next change at a place, and of whatever comes after that.
NEXT: Final = (-1, -2)
# What consumers see.
PUBLISHED: Final = "site.git"


class Action(IntEnum):
    """What happens at the change; the numbers are those of preload.c."""

    COUNT = 0
    KILL = 1
    FAIL = 2
    FAIL_FROM_NOW_ON = 3
    END = 4
    STOP = 5


@dataclass(frozen=True)
class Strike:
    """What happens at the change with a number."""

    action: Action
    error: int = 0

    def __str__(self) -> str:
        return self.action.name.lower() + (f" {errno.errorcode[self.error]}" if self.error else "")


class _Layout(ctypes.Structure):
    """`struct board` of preload.c."""

    _fields_ = (
        ("clock_error", ctypes.c_int64),
        *((name, ctypes.c_int32) for name in ("action", "at", "error", "count", "struck", "dead", "leader", "armed")),
        ("call", ctypes.c_char * 16),
        ("place", ctypes.c_char * 256),
        ("what", ctypes.c_char * 512),
    )


class Board:
    """One such file, for one daemon at a time; the directory gets programs that load the library."""

    def __init__(self, library: Path, directory: Path, root: Path) -> None:
        directory.mkdir()
        self.root = root
        self._rounds = 0
        self._file = directory / "board"
        self._file.write_bytes(bytes(ctypes.sizeof(_Layout)))
        with self._file.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._layout = _Layout.from_buffer(self._memory)
        # The library compares with what the system says, where links lead.
        loaded = {"LD_PRELOAD": str(library), "FAULT_BOARD": str(self._file), "FAULT_ROOT": str(root.resolve())}
        programs = directory / "bin"
        programs.mkdir()
        for name in _PROGRAMS:
            settings = " ".join(f"{variable}='{value}'" for variable, value in loaded.items())
            # gitsync hands on PATH, and none of these variables.
            (programs / name).write_text(f'#!/bin/sh\n{settings} exec {shutil.which(name)} "$@"\n')
            (programs / name).chmod(0o755)
        self.environment = {**loaded, "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        del self._layout
        self._memory.close()

    def arm(self, at: int = 0, strike: Strike | None = None, *, place: str = PUBLISHED, call: str = "*") -> None:
        """Count from now on, and strike at the change with this number, or at the next one at a place below the root.

        That is a pattern, which is for all below it as well; `call` is one for the functions that count at all. The
        process is one that starts, or runs.
        """
        self._rounds += self.struck
        leader = self._layout.leader
        clock = self._layout.clock_error
        ctypes.memset(ctypes.addressof(self._layout), 0, ctypes.sizeof(self._layout))
        self._layout.clock_error, self._layout.leader = clock, leader
        self._layout.call = call.encode()
        self._layout.at, self._layout.place = at, f"{self.root.resolve()}/{place}".encode()
        if strike:
            self._layout.action, self._layout.error = strike.action, strike.error
        self._layout.armed = 1

    def forget_process(self) -> None:
        """Be ready for the next process to start."""
        self.disarm()
        self._layout.leader = 0

    def disarm(self) -> None:
        """Let everything work again."""
        self._layout.armed = 0

    def turn_clock(self, seconds: int) -> None:
        """Set the wall clock this far from the right time."""
        self._layout.clock_error = seconds

    @property
    def count(self) -> int:
        """How many changes there were."""
        return int(self._layout.count)

    @property
    def strikes(self) -> int:
        """How often it has struck."""
        return int(self._layout.struck)

    @property
    def struck(self) -> bool:
        """Whether it has come to that."""
        return self.strikes > 0

    @property
    def rounds(self) -> int:
        """How many of those that were armed have struck."""
        return self._rounds + self.struck

    @property
    def what(self) -> str:
        """What was struck first."""
        return bytes(self._layout.what).decode(errors="replace")


def compiled(directory: Path) -> Path:
    """Return the library, made by the system's compiler; skip the test where there is none."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc, and the headers of the C library)")
    library = directory / "preload.so"
    command = [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-o", str(library)]
    subprocess.run([*command, str(SOURCE), "-ldl"], check=True)
    return library
