"""The trees of one repository: which there are, how they are made, and how they go. Each has a module of its own."""

from typing import TYPE_CHECKING

from gitsync.config import RepoConfig
from gitsync.programs.gitcmd import Git
from gitsync.telling.events import Observers
from gitsync.volume.catalogue import Catalogue
from gitsync.volume.disposal import Disposal
from gitsync.volume.limit import TreeLimit
from gitsync.volume.retirement import Retirement
from gitsync.volume.staging import Makers, Staging
from gitsync.volume.stores import Stores
from gitsync.volume.submodules import Submodules
from gitsync.volume.symlinks import Symlinks
from gitsync.volume.times import Times
from gitsync.volume.weight import Weight

if TYPE_CHECKING:
    from gitsync.volume.large import LargeFiles


class Trees:
    """All that has to do with the trees of one root. Used by the worker's thread."""

    def __init__(self, repo: RepoConfig, git: Git, stores: Stores, observers: Observers) -> None:
        self.catalogue = Catalogue(repo, git)
        self.disposal = Disposal(repo.name, self.catalogue, observers)
        self.limit = TreeLimit(repo, catalogue=self.catalogue, disposal=self.disposal)
        self.weight = Weight(repo.content.limits, git)
        self.symlinks = Symlinks(git)
        submodules = Submodules(repo, git, stores, weight=self.weight, symlinks=self.symlinks)
        makers = Makers(submodules=submodules, large=_large_files(repo, git, self.weight))
        self.staging = Staging(repo, git, makers, catalogue=self.catalogue, disposal=self.disposal, limit=self.limit)
        self.times = Times(self.catalogue, git, self.staging.changes)
        self.retirement = Retirement(repo, catalogue=self.catalogue, disposal=self.disposal)


def _large_files(repo: RepoConfig, git: Git, weight: Weight) -> "LargeFiles | None":
    if not repo.git.lfs:
        return None
    # Only who has --lfs pays for it.
    from gitsync.volume.large import LargeFiles

    return LargeFiles(repo, git, weight)
