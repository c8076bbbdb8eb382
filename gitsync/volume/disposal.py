"""Gets trees and other directories out of the way at once, and removes them when there is time for it.

What is not needed any more becomes `.gone-<id>`. Called by the worker's thread.
"""

from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.files import unique
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.tree import Tree

_GONE: Final = ".gone-"


class Disposal:
    """What is on its way out of one root."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        # What waits to be removed; nothing else is there under these names.
        self.gone: list[Path] = []

    def discard(self, path: Path) -> bool:
        """Take something out of the way at once, and leave a directory's removal for later; say whether it is gone."""
        if path.name.startswith(_GONE) or not nolinks.is_directory(path):
            gone = path
        else:
            gone = self._catalogue.directory / unique(_GONE)
            try:
                nolinks.rename(path, gone)
            except OSError:
                gone = path
        if not gone.name.startswith(_GONE):
            return nolinks.remove(gone)
        if gone not in self.gone:
            self.gone.append(gone)
        return True

    def delete(self, tree: Tree) -> None:
        """Discard a tree, and remove its metadata and that of the submodules in it."""
        nested = tree.nested()
        if self.discard(tree.path):
            for submodule in nested:
                nolinks.remove(submodule.metadata)
            nolinks.remove(tree.metadata)

    def remove_first(self) -> None:
        """Remove what waits longest, now."""
        nolinks.remove(self.gone.pop(0))

    def drop_private(self, stores: list[Path]) -> None:
        """Remove what is not published, to make room on a full volume."""
        for tree in self._catalogue.all(stores):
            if tree.private:
                self.delete(tree)
        for path in self.gone:
            nolinks.remove(path)
