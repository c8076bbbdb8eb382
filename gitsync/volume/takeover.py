"""What kubernetes/git-sync has left in a root that is ours now: named in the log, and removed once it has no readers.

git-sync v4 keeps its repository in `ROOT/.git` and its trees in `ROOT/.worktrees/<hash>`, v3 its trees in
`ROOT/rev-<hash>`. A repository counts as git-sync's only if nothing was ever checked out in the root itself and all of
its worktrees are of these forms; anything else is somebody's own. Called by the worker's thread.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig

_TREE: Final = re.compile(r"(\.worktrees/|rev-)([0-9a-f]{40}|[0-9a-f]{64})")


class Takeover:
    """The left-overs in one root; in a directory below it, which is ours alone, there are none."""

    def __init__(self, repo: RepoConfig) -> None:
        self._root = repo.root
        self._keep = repo.upkeep.keep
        self._log = get_logger(repo=repo.name)
        self._found: list[Path] | None = None if repo.work == repo.root else []
        self._since = 0.0

    def sweep(self, linked: Path | None, discard: Callable[[Path], bool]) -> None:
        """Look once for left-overs, after a publication; discard them when the link has left them for long enough."""
        if self._found is None:
            self._found = leftovers(self._root)
            self._since = time.monotonic()
            if self._found:
                names = [str(path.relative_to(self._root)) for path in self._found]
                self._log.info("git_sync_leftovers", root=str(self._root), paths=names, removed_after=self._keep)
        if self._found and time.monotonic() - self._since >= self._keep:
            self._found = [path for path in self._found if path == linked or not discard(path)]


def leftovers(root: Path) -> list[Path]:
    """Return what is recognisably git-sync's: its trees, and last its repository."""
    store = root / ".git"
    if not nolinks.is_directory(store / "worktrees") or nolinks.exists(store / "index"):
        return []
    trees = []
    for entry in nolinks.entries(store / "worktrees"):
        pointer = (nolinks.read(entry / "gitdir") or "").strip()
        # The volume may have been mounted elsewhere, so only the end of the path counts.
        match = re.search(rf"(?:^|/)({_TREE.pattern})/\.git$", pointer)
        if not match:
            return []
        trees.append(root / match[1])
    if not trees:
        return []
    # Trees in .worktrees are swept with everything there that nobody knows.
    return [*(tree for tree in trees if tree.parent == root and nolinks.is_directory(tree)), store]
