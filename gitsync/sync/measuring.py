"""Measures the disk use of the store and of the published tree, between passes and now and then."""

import time
from pathlib import Path
from typing import Final

from gitsync.base.log import get_logger
from gitsync.programs.gitcmd import Git
from gitsync.programs.process import MadeWayError
from gitsync.sync.idle import run_idle
from gitsync.telling.events import Measured, Observers
from gitsync.volume.tree import Tree

# Looking at each file of a large tree costs more than an update of one line, so the sizes are not taken after each.
_PERIOD: Final = 60.0
# https://pubs.opengroup.org/onlinepubs/9799919799/utilities/du.html: with -k the unit is 1024 bytes.
_DU_UNIT: Final = 1024


class Measuring:
    """The sizes of one repository, which the observers hear of. Used by the worker's thread."""

    def __init__(self, name: str, *, git: Git, observers: Observers) -> None:
        self._name = name
        self._git = git
        self._observers = observers
        self._log = get_logger(repo=name)
        self._measured: Tree | None = None
        self._measured_at = -_PERIOD

    def is_due(self, tree: Tree) -> bool:
        """Say whether another tree is published than the one that was measured, and that long enough ago."""
        return tree != self._measured and time.monotonic() - self._measured_at >= _PERIOD

    def measure(self, tree: Tree, store: Path, *, deadline: float, idle: bool) -> None:
        """Have `du` add the sizes up until the deadline (monotonic seconds); raise what `run_idle` raises."""
        self._measured, self._measured_at = tree, time.monotonic()
        try:
            printed = run_idle(self._git, ["du", "-sk", "--", str(store), str(tree.path)], deadline=deadline, idle=idle)
        except MadeWayError:
            self._measured = None
            raise
        except (FileNotFoundError, PermissionError) as error:
            self._log.info("no_du", v=1, message=str(error))
            return
        sizes = [int(line.split()[0]) * _DU_UNIT for line in printed.splitlines()]
        if len(sizes) == 2:
            self._observers.notify(Measured(repo=self._name, store_size=sizes[0], tree_size=sizes[1]))
