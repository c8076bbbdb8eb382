"""The form that is the default: a symbolic link that leads to the tree, replaced in one step.

rename(2) replaces the link atomically, so it leads to one complete tree at every instant. Called by the worker's
thread; what only reads is called by others as well.
"""

import math
import os
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import PublishError
from gitsync.base.files import temporary_beside
from gitsync.volume.linkplace import LinkPlace, explained
from gitsync.volume.tree import Tree

_CANNOT_LINK: Final = "the directory of --link has to be writable, and its file system has to have symbolic links"


class LinkPublisher:
    """Publishes by one symbolic link; a `Publisher`. `work` is the directory that our own ones lie in."""

    reuses = True

    def __init__(self, link: Path, work: Path) -> None:
        self.link = link
        self._place = LinkPlace(link, work)

    def check(self) -> None:
        """Raise `PublishError` if something of others stands where the link has to be."""
        self._place.check()

    def current(self) -> Path | None:
        """Return the tree that the link leads to, or into, or a directory of ours; None without either."""
        return self._place.current()

    def shows(self, path: Path) -> bool:
        """Say whether the link leads there; raise `OSError` if it cannot be told."""
        return self.link != path == self._place.target()

    def published_at(self) -> float | None:
        """Return when the link was made, as Unix time."""
        return self._place.since()

    def leads_to_tree(self) -> bool:
        """Say whether a consumer finds a directory, in a few system calls; raise `OSError` if it cannot be told."""
        return self._place.leads_to_tree()

    def publish(self, tree: Tree, content: Path, *, deadline: float = math.inf) -> Tree:
        """Make the link lead to `content`; raise `PublishError`, with what stands in its place untouched."""
        self.check()
        temporary = temporary_beside(self.link)
        try:
            leaving = self._place.leaving()
            if leaving and tree.path == self.link:
                # It goes where the link is to lead.
                tree, content = leaving, leaving.path / content.relative_to(self.link)
            nolinks.make_directory(self.link.parent)
            nolinks.symlink(os.path.relpath(content, os.path.realpath(self.link.parent)), temporary)
            if leaving:
                self._place.replace(temporary, leaving)
            else:
                nolinks.rename(temporary, self.link)
        except OSError as error:
            told = explained(error, f"making the link {self.link}")
            hint = told.hint if told.reason in {"no_space", "no_exchange", "link_blocked"} else _CANNOT_LINK
            raise PublishError(str(told), reason=told.reason, hint=hint) from error
        finally:
            nolinks.unlink(temporary)
        return tree

    def damage(self, content: Path, *, deadline: float) -> list[str]:
        """Return nothing: consumers see the files themselves."""
        return []

    def sweep(self) -> None:
        """Remove what a killed process left beside the link."""
        self._place.sweep()
