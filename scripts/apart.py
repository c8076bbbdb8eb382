"""A copy of the tree in which code may be broken, and pytest in it: the checkout is never changed."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
# Plain order, nothing kept for the next run, and no caches.
PLAIN: Final = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider")
# PR_SET_CHILD_SUBREAPER, prctl(2).
_SUBREAPER: Final = 36
# Seconds in which what a test has started may end in order.
GRACE: Final = 30.0


@contextmanager
def copied() -> Iterator[Path]:
    """Copy every file that git knows, or would add, to a directory that is gone in the end.

    From then on what runs there can be interrupted, also if a shell has put this process into the background, and what
    broken code leaves running becomes a child of this process, so that `end_all` finds it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    with tempfile.TemporaryDirectory(prefix="gitsync-copy-") as directory:
        copy = Path(directory).resolve()
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        yield copy


@contextmanager
def changed(path: Path, text: str) -> Iterator[None]:
    """Have a file say something else; bytecode of either text is never taken for that of the other."""
    before, times = path.read_text(), path.stat()
    changed.times = getattr(changed, "times", 0) + 1  # type: ignore[attr-defined]
    path.write_text(text)
    os.utime(path, (changed.times, changed.times))  # type: ignore[attr-defined]
    try:
        yield
    finally:
        path.write_text(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def environment(copy: Path) -> dict[str, str]:
    """Return what makes programs of a copy import that copy, and keep their temporary files within it."""
    scratch = copy / ".scratch"
    scratch.mkdir(exist_ok=True)
    # What is skipped has seen nothing.
    rules = {"GITSYNC_TEST_NO_SKIP": "1"}
    return {**os.environ, **rules, "PYTHONPATH": str(copy), "PYTEST_DEBUG_TEMPROOT": str(scratch)}


def run_tests(copy: Path, arguments: Sequence[str], *, patience: float) -> tuple[int | None, str]:
    """Run pytest in a copy; return its exit code, or None after so many seconds, and what it has printed."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PLAIN, *arguments],
            cwd=copy,
            env=environment(copy),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code = wait(process, patience)
        end_all()
        output.seek(0)
        return code, output.read()


def wait(process: subprocess.Popen[bytes], patience: float) -> int | None:
    """Wait for pytest; after so many seconds have it end what it has started, then end it."""
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    process.kill()
    process.wait()
    return None


def end_all() -> None:
    """End all children of this process, and those that become its children by that."""
    while children := Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        for child in children:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(int(child), signal.SIGKILL)
                os.waitpid(int(child), 0)
