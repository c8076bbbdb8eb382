"""More of what gitsync is about to do when a fault strikes: repairs of each form, changes of the form, files of LFS."""

import shutil
from collections.abc import Mapping, Sequence
from typing import ClassVar

from tests.faults.remains import Bounds
from tests.faults.scenes import DamagedFile, Scene, Takeover
from tests.support.lfs import ATTRIBUTES, keep
from tests.support.origin import noise


class DamagedFileOfExchange(DamagedFile):
    """A consumer has written into a directory that stands in the link's place."""

    options: ClassVar[Mapping[str, str]] = {"publish": "exchange"}
    form: ClassVar[str] = "exchange"
    places: ClassVar[Sequence[str]] = (".gitsync/*/gitsync-place", ".gitsync/exchanged", "site.git")


class DamagedFileInPlace(DamagedFile):
    """A consumer has written into a file that was placed."""

    options: ClassVar[Mapping[str, str]] = {"publish": "inplace"}
    form: ClassVar[str] = "inplace"
    places: ClassVar[Sequence[str]] = (".gitsync/inplace-*/journal", "site.git/index.html", ".gitsync/inplace-*/placed")


class _Change(Scene):
    """Another commit is there, and it is to be published in another form than before."""

    before: ClassVar[str] = "symlink"
    bounds: ClassVar[Bounds] = Bounds(trees=3)

    def prepare(self) -> None:
        """Go back to the form of before."""
        self.commit()
        self.run_once(publish=self.before)
        self.commit()


class ToExchange(_Change):
    """A directory takes the place of the link."""

    options: ClassVar[Mapping[str, str]] = {"publish": "exchange"}
    form: ClassVar[str] = "exchange"
    places: ClassVar[Sequence[str]] = (".worktrees/{new}", ".gitsync/exchanged", "site.git", ".gitsync/*/gitsync-left")


class FromExchange(_Change):
    """A link takes the place of a directory."""

    before: ClassVar[str] = "exchange"
    form: ClassVar[str] = "exchange"
    places: ClassVar[Sequence[str]] = (".gitsync/*/gitsync-place", ".worktrees/{new}", "site.git")


class ToInPlace(_Change):
    """A directory that stays takes the place of the link, file by file."""

    options: ClassVar[Mapping[str, str]] = {"publish": "inplace"}
    form: ClassVar[str] = "inplace"
    places: ClassVar[Sequence[str]] = (
        *(".worktrees/{new}", ".gitsync/inplace-*/journal", "site.git", "site.git/.gitsync-complete"),
        *("site.git/index.html", ".gitsync/inplace-*/placed"),
    )

    def prepare(self) -> None:
        """Take the directory away, as people have to who want a link again."""
        if self.link.is_dir() and not self.link.is_symlink():
            shutil.rmtree(self.link)
        super().prepare()


class TakeoverOfThree(Takeover):
    """A root that version 3 of git-sync has written."""

    version: ClassVar[str] = "v3"


class Lfs(Scene):
    """An update that has another content of a file which is kept in LFS."""

    options: ClassVar[Mapping[str, str]] = {"lfs": "true"}
    places: ClassVar[Sequence[str]] = (
        *(
            ".gitsync/*/lfs",
            ".gitsync/*/gitsync-pointers",
            ".gitsync/*/*gitsync-content*",
            ".worktrees/.tree-*/large.bin",
        ),
        *(".gitsync/*/worktrees/*/gitsync-index", ".worktrees/{new}"),
    )

    def commit(self) -> None:
        """Commit a pointer, and have its content."""
        pointer = keep(self.origin.path, noise(3000, seed=self.number))
        self.origin.commit({".gitattributes": ATTRIBUTES, "large.bin": pointer})
        super().commit()


SCENES_OF_FORMS: Mapping[str, type[Scene]] = {
    "damaged-exchange": DamagedFileOfExchange,
    "damaged-inplace": DamagedFileInPlace,
    "to-exchange": ToExchange,
    "from-exchange": FromExchange,
    "to-inplace": ToInPlace,
    "takeover-3": TakeoverOfThree,
    "lfs": Lfs,
}
