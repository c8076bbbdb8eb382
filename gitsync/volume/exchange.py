"""The form for consumers that cannot follow a link: a directory at the link's place, replaced in one step.

renameat2(2) lets the new tree and the one that stands there change places, so there is one complete tree at every
instant. Called by the worker's thread; what only reads is called by others as well.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

from gitsync.base import nolinks, swap
from gitsync.base.files import temporary_beside, unique
from gitsync.config import TREES_DIRECTORY
from gitsync.volume.linkplace import LinkPlace, explained
from gitsync.volume.tree import Tree

# Nobody knows what is called so in the directory of trees, so it is removed if it stays.
_TRIAL: Final = ".trial-"


class ExchangePublisher:
    """Publishes by one directory; a `Publisher`. `work` is the directory that our own ones lie in."""

    # Whoever has followed a symbolic link, which may have been here before, still finds its tree where that has led.
    reuses = False

    def __init__(self, link: Path, work: Path) -> None:
        self.link = link
        self._place = LinkPlace(link, work)
        self._trees = work / TREES_DIRECTORY
        self._tried = False

    def check(self) -> None:
        """Raise `PublishError` if something of others stands where the directory has to be."""
        self._place.check()

    def current(self) -> Path | None:
        """Return the directory, or where a link in its place leads to, which is replaced; None without either."""
        return self._place.current()

    def shows(self, path: Path) -> bool:
        """Say whether it is this directory that stands there, and is ours; raise `OSError` if it cannot be told."""
        return path == self.link == self._place.current()

    def published_at(self) -> float | None:
        """Return when the directory was put there, as Unix time."""
        return self._place.since()

    def leads_to_tree(self) -> bool:
        """Say whether a consumer finds a directory, in a few system calls; raise `OSError` if it cannot be told."""
        return self._place.leads_to_tree()

    def publish(self, tree: Tree, content: Path, *, deadline: float = math.inf) -> Tree:
        """Have the tree stand at the link's place; raise `PublishError`, with what stands there untouched."""
        self.check()
        try:
            leaving = self._place.leaving()
            # Consumers may use git there from the first moment on.
            tree.lead_to(self.link)
            self._place.mark(tree)
            # Else nobody would know after a power failure which commit stands there.
            nolinks.force(tree.metadata / "HEAD")
            self._place.replace(tree.path, leaving)
        except OSError as error:
            raise explained(error, f"putting a directory at {self.link}") from error
        return replace(tree, path=self.link, home=tree.path)

    def damage(self, content: Path, *, deadline: float) -> list[str]:
        """Return nothing: consumers see the files themselves."""
        return []

    def sweep(self) -> None:
        """Finish what a killed process has left, and try once whether the volume can do this; raise `PublishError`."""
        self._place.sweep()
        if not self._tried:
            try_exchange(self.link, self._trees)
            self._tried = True


def try_exchange(link: Path, trees: Path) -> None:
    """Have a directory beside the link and one in `trees` change places; raise `PublishError` if they cannot."""
    one, other = temporary_beside(link), trees / unique(_TRIAL)
    try:
        nolinks.make_directory(one)
        nolinks.make_directory(other)
        swap.exchange(one, other)
    except OSError as error:
        raise explained(error, f"trying --publish=exchange at {link}") from error
    finally:
        nolinks.remove_empty(one)
        nolinks.remove_empty(other)
