"""What only an end half way leaves on a volume: locks, temporary files and links, trees and stores of nobody."""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LEFT: Final = re.compile(r"tmp_.*|\.tmp-.*|.*\.lock|.*\.keep|.*\.gitsync-tmp|gc\.pid|packed-refs\.new|\.gone-.*")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much may be there when nothing goes on: trees, one of which is published, and stores."""

    trees: int = 2
    stores: int = 1


def remains(root: Path, *, published: Collection[Path], bounds: Bounds) -> list[str]:
    """Say in words what is there that should not be; the files of commits may be called as they like.

    `published` is what else than trees has such files: the directories at the places of links.
    """
    works = [root, *(path for path in (root / ".repositories").glob("*") if path.is_dir())]
    found = [f"left: {path.relative_to(root)}" for path in _files(root, published) if _LEFT.fullmatch(path.name)]
    found += [
        f"left: {path}" for place in published if place.is_dir() for path in place.rglob("*.gitsync-tmp")
    ]  # copies in place lie beside what they are to become
    for work in works:
        found += _crowd(work, bounds)
    return found


def _files(root: Path, published: Collection[Path]) -> Iterator[Path]:
    """Yield all that is below a root, but for what trees have in them."""
    for directory, folders, files in os.walk(root):
        here = Path(directory)
        yield from (here / name for name in [*folders, *files])
        if here.name == ".worktrees":
            folders.clear()
        folders[:] = [name for name in folders if here / name not in published]


def _crowd(work: Path, bounds: Bounds) -> list[str]:
    """Say what there is too much of: trees, stores, metadata without a tree."""
    trees = sorted(path.name for path in (work / ".worktrees").glob("*"))
    stores = sorted(path for path in (work / ".gitsync").glob("*-*") if (path / "objects").is_dir())
    metadata = [path for store in stores for path in (store / "worktrees").glob("*")]
    own = [path for path in metadata if not path.name.startswith("sub-")]
    found = [f"{len(trees)} trees: {trees}"] if len(trees) > bounds.trees else []
    if len(stores) > bounds.stores:
        found.append(f"{len(stores)} stores: {[path.name for path in stores]}")
    if len(own) > bounds.trees:
        found.append(f"metadata of {len(own)} trees")
    if len(metadata) - len(own) > bounds.trees * max(1, bounds.stores - 1):
        found.append(f"metadata of {len(metadata) - len(own)} trees of submodules")
    return found
