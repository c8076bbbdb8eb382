"""Small volumes of a test's own, which can be full, read-only or large again. They need root."""

import contextlib
import itertools
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    """Have a volume in memory at a path, as mount(8) writes its options; skip the test where nobody can have one."""
    path.mkdir(exist_ok=True)
    with _mount(path, "-t", "tmpfs", "-o", options, "tmpfs"):
        yield


def resize(path: Path, options: str) -> None:
    """Give such a volume another size."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Let nobody write below a path while the block runs, but who has a file open; as after an error of the disk."""
    with _mount(path, "--bind", str(path)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True)
        yield


def mount(path: Path) -> None:
    """Mount a volume in memory, which nobody can remove; it moves along with the directory that it is in."""
    path.mkdir(exist_ok=True)
    _mount_at(path, "-t", "tmpfs", "tmpfs")


def mounts(root: Path) -> list[Path]:
    """Return where something is mounted below a directory."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [path for line in lines if root in (path := Path(line.split()[4])).parents]


def let_go(root: Path) -> None:
    """Unmount what `mount` has mounted below a directory, wherever it is by now."""
    for path in mounts(root):
        subprocess.run(["umount", str(path)], check=True)


def _mount_at(path: Path, *arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a volume")
    done = subprocess.run(["mount", *arguments, str(path)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount a volume: {done.stderr.strip()}")


@contextmanager
def _mount(path: Path, *arguments: str) -> Iterator[None]:
    _mount_at(path, *arguments)
    try:
        yield
    finally:
        # What still runs there keeps it from being unmounted otherwise.
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextmanager
def filled(volume: Path) -> Iterator[None]:
    """Leave no room on a volume while the block runs."""
    file = volume / "of-somebody-else"
    try:
        with file.open("wb", buffering=0) as written:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        written.write(b"x" * size)
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def crowded(volume: Path) -> Iterator[None]:
    """Leave no room for another file on a volume while the block runs."""
    directory = volume / "of-somebody-else"
    directory.mkdir()
    try:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                (directory / str(number)).touch()
        yield
    finally:
        shutil.rmtree(directory)


@contextmanager
def closed(path: Path, mode: int) -> Iterator[None]:
    """Give a directory another mode while the block runs."""
    before = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)
