"""Gets trees and other directories out of the way at once, and removes them when there is time for it.

What is not needed any more becomes `.gone-<id>`. What resists (a consumer with another user id has made a directory in
it, or something is immutable) is left where it is, without what could go, and holds nothing up: it is told of once, and
tried again now and then, as its owner may have thought better of it. Called by the worker's thread.
"""

import contextlib
import time
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.files import unique
from gitsync.base.log import get_logger
from gitsync.telling.events import Observers, Undeletable
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.tree import Tree

_GONE: Final = ".gone-"
# After so many seconds what has resisted is tried again.
_RETRY: Final = 3600.0
# What keeps a directory lies deeper than this only by intention.
_DEEPEST: Final = 32


class Disposal:
    """What is on its way out of one root."""

    def __init__(self, name: str, catalogue: Catalogue, observers: Observers) -> None:
        self._name = name
        self._catalogue = catalogue
        self._observers = observers
        # When what has resisted was tried last, monotonic.
        self._tried: dict[Path, float] = {}
        # What waits to be removed; nothing else is there under these names.
        self.gone: list[Path] = []

    def discard(self, path: Path) -> bool:
        """Take something out of the way at once, and leave a directory's removal for later; say whether it is gone.

        Raises `OSError` where nothing can be moved or removed.
        """
        if path.name.startswith(_GONE) or not nolinks.is_directory(path):
            gone = path
        else:
            gone = self._catalogue.directory / unique(_GONE)
            try:
                nolinks.rename(path, gone)
            except OSError:
                # Is it the fault of this one, or of the volume? Then this raises.
                nolinks.make_directory(gone)
                nolinks.remove_empty(gone)
                gone = path
        if not gone.name.startswith(_GONE):
            return self.finish(gone)
        if gone not in self.gone:
            self.gone.append(gone)
        return True

    def finish(self, path: Path) -> bool:
        """Remove what is still there of something that has to go; say whether it is gone."""
        if path in self.gone:
            self.gone.remove(path)
        if nolinks.remove(path):
            if self._tried.pop(path, None) is not None:
                self._tell()
            return True
        known, silent = path in self._tried, bool(self._tried)
        self._tried[path] = time.monotonic()
        if not known:
            self._tell()
            resisting = _innermost(path)
            log = get_logger(repo=self._name)
            (log.info if silent else log.warning)(
                "undeletable",
                path=str(resisting),
                owner=_owner(resisting.parent),
                hint="updates go on beside it; let consumers write elsewhere, or run them as the user of this process",
            )
        return False

    def retry_at(self, path: Path) -> float:
        """Return when something is worth a try (monotonic seconds), which is now unless it has resisted lately."""
        return self._tried[path] + _RETRY if path in self._tried else 0.0

    @property
    def resisting(self) -> int:
        """How much there is that cannot be removed."""
        return len(self._tried)

    def forget_missing(self) -> None:
        """Forget what has resisted, and is gone all the same."""
        missing = [path for path in self._tried if not nolinks.exists(path)]
        for path in missing:
            del self._tried[path]
        if missing:
            self._tell()

    def delete(self, tree: Tree) -> None:
        """Discard a tree, and remove its metadata and that of the submodules in it; without them it is none."""
        nested = tree.nested()
        self.discard(tree.path)
        for submodule in nested:
            nolinks.remove(submodule.metadata)
        nolinks.remove(tree.metadata)

    def retire(self, tree: Tree) -> list[Tree]:
        """Make a standby of a tree that nobody reads; none of one that cannot be moved, of which goes what can go.

        Raises `OSError`.
        """
        try:
            return [self._catalogue.make_private(tree)]
        except OSError:
            self.delete(tree)
            return []

    def remove_first(self) -> None:
        """Remove what waits longest, now."""
        self.finish(self.gone[0])

    def drop_private(self, stores: list[Path]) -> None:
        """Remove what is not published, to make room on a full volume."""
        for tree in self._catalogue.all(stores):
            if tree.private:
                self.delete(tree)
        for path in list(self.gone):
            self.finish(path)

    def _tell(self) -> None:
        self._observers.notify(Undeletable(repo=self._name, count=self.resisting))


def _innermost(path: Path) -> Path:
    """Return what keeps a directory that was emptied as far as possible, or the directory that hides it."""
    with contextlib.suppress(OSError):
        for _ in range(_DEEPEST):
            path = next(iter(nolinks.entries(path)), path)
    return path


def _owner(path: Path) -> int | None:
    """Return the user id of whoever decides about what is in a directory."""
    with contextlib.suppress(OSError):
        found = nolinks.status(path)
        return found.st_uid if found else None
    return None
