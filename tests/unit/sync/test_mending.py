"""What is done about an error of the volume: as little as possible, and nothing that is not in our own way."""

import errno
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from gitsync.base.log import get_logger
from gitsync.base.refusals import Refusals
from gitsync.programs.gitcmd import Git
from gitsync.sync.mending import Mending
from gitsync.volume.stores import Stores


@dataclass
class FakeStores:
    """One store, which counts how often it was given up, and is no other path's."""

    path: Path
    renewed: int = field(default=0)

    def at(self, path: Path) -> "FakeStores | None":
        return self if self.path in path.parents else None

    def renew(self) -> None:
        self.renewed += 1


@pytest.fixture
def store(tmp_path: Path) -> FakeStores:
    """A store with the metadata of two trees."""
    for name in ("worktrees/a", "worktrees/b", "objects"):
        (tmp_path / "store" / name).mkdir(parents=True)
    return FakeStores(tmp_path / "store")


@pytest.fixture
def mending(store: FakeStores) -> Mending:
    """The repairs of that store. Git has no part in those of the volume's errors."""
    return Mending(cast(Stores, store), cast(Git, None), Refusals(lambda failures: 0.0), get_logger())


def mend(mending: Mending, number: int, path: Path | None) -> bool:
    """Have an error of the system mended."""
    error = OSError(number, "what the system says", *([str(path)] if path else []))
    return mending.mend(error, "0" * 40, deadline=0.0)


@pytest.mark.parametrize("number", [errno.EISDIR, errno.ENOTDIR, errno.ENOENT, errno.ELOOP])
def test_metadata_of_a_tree(mending: Mending, store: FakeStores, number: int) -> None:
    """It goes, alone, as another tree can be made; once, until a pass has succeeded."""
    in_the_way = store.path / "worktrees" / "a" / "index"
    assert mend(mending, number, in_the_way)
    assert [path.name for path in (store.path / "worktrees").iterdir()] == ["b"]
    assert not mend(mending, number, in_the_way)
    mending.forget()
    assert mend(mending, number, in_the_way)
    assert not store.renewed


@pytest.mark.parametrize(("number", "renewed"), [(errno.EISDIR, 1), (errno.ENOTEMPTY, 1), (errno.ENOENT, 0)])
def test_other_parts_of_a_store(mending: Mending, store: FakeStores, number: int, renewed: int) -> None:
    """What stands in the way of other things costs the store; what is not there may be there at the next try."""
    assert mend(mending, number, store.path / "objects" / "12")
    assert store.renewed == renewed
    assert mend(mending, number, store.path / "worktrees")
    assert store.renewed == 2 * renewed
    assert len(list((store.path / "worktrees").iterdir())) == 2


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_sick_volume(mending: Mending, store: FakeStores, number: int) -> None:
    """Nothing is removed for an error that says nothing about what stands there."""
    assert not mend(mending, number, store.path / "worktrees" / "a" / "index")
    assert not mend(mending, number, store.path / "objects" / "12")
    assert len(list((store.path / "worktrees").iterdir())) == 2
    assert not store.renewed


def test_what_is_in_no_store(mending: Mending, store: FakeStores, tmp_path: Path) -> None:
    """What lies elsewhere, or is not named, is left to others."""
    assert not mend(mending, errno.EISDIR, tmp_path / "elsewhere")
    assert not mend(mending, errno.ENOENT, None)
    assert not store.renewed
