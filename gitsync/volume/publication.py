"""What every form of publication can do; which there are says `forms`.

A pass stages a tree and has it published, without knowing how. Called by the worker's thread; what only reads is
called by others as well.
"""

import math
from pathlib import Path
from typing import Protocol

from gitsync.volume.tree import Tree


class Publisher(Protocol):
    """Makes one staged tree after another what consumers see."""

    @property
    def reuses(self) -> bool:
        """Whether a tree that consumers have left may be published again as it is."""

    def check(self) -> None:
        """Raise `PublishError` if something of others stands where the publication has to be."""

    def current(self) -> Path | None:
        """Return the path of the tree that consumers see, None if there is none; raise `OSError` if it is not told."""

    def shows(self, path: Path) -> bool:
        """Say whether consumers see this directory, in this form; raise `OSError` if it cannot be told."""

    def published_at(self) -> float | None:
        """Return when what they see was published, as Unix time."""

    def leads_to_tree(self) -> bool:
        """Say whether a consumer finds a directory, in a few system calls; raise `OSError` if it cannot be told."""

    def publish(self, tree: Tree, content: Path, *, deadline: float = math.inf) -> Tree:
        """Have consumers see `content`, which is the tree or within it; return the tree where it is then.

        In one step, or file by file; what takes long before that is ended at the deadline (monotonic seconds). Raises
        `PublishError`, `PublishVetoed` or `OSError`, with what they have seen before untouched, or to be put right by
        the next call.
        """

    def damage(self, content: Path, *, deadline: float) -> list[str]:
        """Return which files consumers see otherwise than they are in `content`: none where they see those themselves.

        It ends at the deadline (monotonic seconds). Raises `OSError` or `PublishError`.
        """

    def sweep(self) -> None:
        """Remove what a killed process has left of a publication; raise `PublishError` if the volume allows of none.

        The lock has to be held.
        """
