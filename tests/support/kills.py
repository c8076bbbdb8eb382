"""A publication that is ended before one of its steps, as by SIGKILL.

A step is whatever changes the volume from the moment on in which a staged tree gets its name until consumers see it.
`killed_before` ends one in the test's own process: from the step on nothing changes the volume any more, whatever is
done to clean up. `python -m tests.support.kills N ARGUMENTS…` is the program itself, killed before its N-th step.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gitsync.base import nolinks, swap
from gitsync.cli import main
from gitsync.sync.publishing import Publishing

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
CHANGES: dict[ModuleType, tuple[str, ...]] = {
    nolinks: ("write", "touch", "make_directory", "rename", "link", "symlink", "unlink", "remove", "remove_empty"),
    swap: ("exchange", "rename_new"),
}


class Killed(BaseException):
    """The process does not live any more."""


def die() -> None:
    """End this process, as nobody can prevent."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    """End what is done in this process."""
    raise Killed


class Countdown:
    """Counts the steps of publications, and ends before the n-th of them, and before each change that comes later."""

    def __init__(self, steps: int, *, end: Callable[[], None]) -> None:
        self._left = steps
        self._end = end
        self._counts = False
        self.over = False

    def before(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """Return what changes the volume, or does not any more."""

        @wraps(change)
        def step(*arguments: Any, **options: Any) -> Any:
            self._left -= self._counts
            self.over = self.over or (self._counts and not self._left)
            if self.over:
                self._end()
            return change(*arguments, **options)

        return step

    def during(self, publish: Callable[..., Any]) -> Callable[..., Any]:
        """Return the publication, whose steps are counted."""

        @wraps(publish)
        def counted(*arguments: Any) -> Any:
            self._counts = True
            try:
                return publish(*arguments)
            finally:
                self._counts = False

        return counted

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Count from now on."""
        for module, names in CHANGES.items():
            for name in names:
                patch.setattr(module, name, self.before(getattr(module, name)))
        patch.setattr(Publishing, "publish", self.during(Publishing.publish))


@contextmanager
def killed_before(step: int) -> Iterator[Countdown]:
    """End what the block does before this step of a publication; `over` says whether it had so many.

    What publishes has to be made in the block.
    """
    countdown = Countdown(step, end=stop)
    with pytest.MonkeyPatch.context() as patch:
        countdown.install(patch)
        with suppress(Killed):
            yield countdown


def run_killed(step: int, arguments: Sequence[str]) -> int:
    """Run the program until the step, or to its end if there is none such; return the exit code."""
    command = [sys.executable, "-m", "tests.support.kills", str(step), *arguments]
    return subprocess.run(command, cwd=PACKAGE_ROOT, capture_output=True, check=False).returncode


if __name__ == "__main__":
    Countdown(int(sys.argv[1]), end=die).install(pytest.MonkeyPatch())
    sys.exit(main(sys.argv[2:], dict(os.environ)))
