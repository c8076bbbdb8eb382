"""What every form of publication can do; the link is the one that there is.

A pass stages a tree and has it published, without knowing how. Called by the worker's thread; what only reads is
called by others as well.
"""

from pathlib import Path
from typing import Protocol


class Publisher(Protocol):
    """Makes one staged tree after another what consumers see."""

    def check(self) -> None:
        """Raise `PublishError` if something of others stands where the publication has to be."""

    def current(self) -> Path | None:
        """Return the path of the tree that consumers see, None if there is none; raise `OSError` if it is not told."""

    def published_at(self) -> float | None:
        """Return when that was published, as Unix time."""

    def leads_to_tree(self) -> bool:
        """Say whether a consumer finds a directory, in a few system calls; raise `OSError` if it cannot be told."""

    def publish(self, tree: Path) -> None:
        """Have consumers see `tree`, in one step; raise `PublishError` or `OSError`, with the old one untouched."""

    def sweep(self) -> None:
        """Remove what a killed process has left of a publication."""
