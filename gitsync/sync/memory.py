"""What is remembered between passes, what a pass knows on its way, and what a step of it is. Frozen values."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from gitsync.base.errors import CredentialError
from gitsync.remote.target import Target
from gitsync.sync.repairs import Repairs
from gitsync.telling.events import Commit, Outcome
from gitsync.volume.recipe import Recipe
from gitsync.volume.tree import Tree

# Of the files that are published: a comparison has found damage; they are of an earlier process, and were not compared
# since; the last pass has just done that; or none of these.
Condition = Literal["suspect", "unseen", "compared", "fine"]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What is published, and what is still owed to it.

    `source` is what the remote has for the commit, where that is not the commit's own hash but a tag's.
    `announced` says whether the observers have heard of it in this process, `sweep_due` whether something may have been
    left half done, `told` whether this pass was begun because somebody has told of news. `repairs` are those of this
    commit.
    """

    recipe: Recipe
    ref: str
    commit: Commit | None = None
    source: str | None = None
    tree: Tree | None = None
    announced: bool = False
    condition: Condition = "fine"
    sweep_due: bool = True
    told: bool = False
    repairs: Repairs = field(default_factory=Repairs)

    @property
    def suspect(self) -> bool:
        """Whether a comparison has found its files damaged."""
        return self.condition == "suspect"

    def is_published(self, hash_: str) -> bool:
        """Say whether what the remote has is what is published."""
        return self.commit is not None and hash_ in {self.commit.hash, self.source}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a pass knows; each step adds to it. `deadline` is on the monotonic clock.

    `kept` says whether what is published is in place, `missing` why there is no login; `target` is what the remote has,
    `commit` what is about to be published, `source` the tag that leads to it, `tree` where it is staged, and `fresh`
    whether that was made just now.
    """

    deadline: float
    memory: Memory
    outcome: Outcome = "unchanged"
    kept: bool = False
    missing: CredentialError | None = None
    target: Target | None = None
    commit: Commit | None = None
    source: str | None = None
    tree: Tree | None = None
    fresh: bool = False

    @property
    def news(self) -> bool:
        """Whether the remote has another commit than what is published, or that could not be kept."""
        if self.target is None:
            return False
        return self.guessed or not (self.kept and self.memory.is_published(self.target.hash))

    @property
    def guessed(self) -> bool:
        """Whether nobody has asked what the remote has, because the fetch will show it."""
        return self.target is not None and self.target.guessed

    @property
    def settled(self) -> bool:
        """Whether what was fetched turned out to be what is published, and in place."""
        published = self.memory.commit
        return self.kept and published is not None and self.commit is not None and self.commit.hash == published.hash


@dataclass(frozen=True)
class Step:
    """One step of a pass: from what is known to what is known then.

    `phase` is what its time is counted as, `due` says whether it is taken at all.
    """

    take: Callable[[Known], Known]
    phase: str | None = None
    due: Callable[[Known], bool] = lambda known: True


class Phases:
    """The seconds that were spent in each phase since they were last taken."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def measure(self, phase: str | None) -> Iterator[None]:
        """Add the time that the block takes, if the phase has a name."""
        started = time.monotonic()
        try:
            yield
        finally:
            if phase:
                self._seconds[phase] = self._seconds.get(phase, 0.0) + time.monotonic() - started

    def take(self) -> dict[str, float]:
        """Return them, and begin anew."""
        taken, self._seconds = self._seconds, {}
        return taken
