"""The power fails right after a publication: what nobody has forced to the disk by then is empty at the next start.

So do journals of file systems have it: names come to the disk in their order, and the content of files when there is
time (https://www.kernel.org/doc/html/latest/admin-guide/ext4.html, delayed allocation). The remote, whose power has
failed too, is not there yet.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.catalogue import fault
from tests.faults.reading import Sight
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.commits import Commits
from tests.support.origin import Origin

FORMS = ("symlink", "exchange", "inplace")
SOURCE = Path(__file__).with_name("synced.c")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that notes what is forced to the disk."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc, and the headers of the C library)")
    made = tmp_path_factory.mktemp("synced") / "synced.so"
    command = [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", str(made), str(SOURCE)]
    subprocess.run([*command, "-ldl"], check=True)
    return made


@dataclass
class Disk:
    """What is on the disk by now, of a root that a git works on which notes what it forces there."""

    root: Path
    log: Path
    git: Path
    # The inodes of files that are whole there, with the time of their last change.
    whole: dict[int, int] = field(default_factory=dict)

    def settle(self) -> None:
        """Let so much time pass that all is there."""
        self.whole = {found.st_ino: found.st_ctime_ns for found in map(os.stat, self._files())}

    def lose_power(self, *, spare: Callable[[Path], bool]) -> list[Path]:
        """Empty what is not there, but for what is spared; return those files."""
        synced = {int(line) for line in self.log.read_text().split()} if self.log.exists() else set()
        lost = []
        for path in self._files():
            found = path.stat()
            if found.st_ino in synced or self.whole.get(found.st_ino) == found.st_ctime_ns or spare(path):
                continue
            if found.st_size:
                path.chmod(0o644)
                os.truncate(path, 0)
                lost.append(path.relative_to(self.root))
        return lost

    def _files(self) -> list[Path]:
        return [path for path in sorted(self.root.rglob("*")) if path.is_file() and not path.is_symlink()]


@pytest.fixture
def disk(library: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk that the root is on; what this process forces there is noted as well."""
    made = Disk(root, tmp_path / "synced", tmp_path / "git-that-notes")
    made.git.write_text(f"#!/bin/sh\nLD_PRELOAD='{library}' SYNCED='{made.log}' exec git \"$@\"\n")
    made.git.chmod(0o755)
    real = os.fsync

    def fsync(file: int) -> None:
        real(file)
        with made.log.open("a") as log:
            log.write(f"{os.fstat(file).st_ino}\n")

    monkeypatch.setattr(os, "fsync", fsync)
    return made


@fault(
    area="damage",
    what="the power fails right after a publication, and all files that were not forced to the disk are empty, or some",
    then="the first pass after the start puts what is published right, from the store, before it asks the remote",
)
@pytest.mark.parametrize("share", ["all", "some"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "update"])
@pytest.mark.parametrize("form", FORMS)
def test_power_failure(
    make_workbench: MakeWorkbench, origin: Origin, disk: Disk, form: str, first: bool, share: str
) -> None:
    """Given files that are empty after a power failure, when started without a remote, then the first pass publishes
    the same commit whole, and later ones go on."""

    def begin() -> Workbench:
        bench = make_workbench(origin.url, publish=form, git=disk.git)
        bench.sync.adopt()
        return bench

    bench = begin()
    for number in range(0 if first else 4):
        origin.commit({"index.html": f"{number}\n"})
        assert bench.run().failure is None
        bench.do_chores()
        disk.settle()
    published = origin.commit({"index.html": "the last\n", "docs/more": "more\n"})
    assert bench.run().failure is None
    bench.close()
    chance = random.Random(published + form)  # noqa: S311 (no secrets)
    lost = disk.lose_power(spare=lambda path: share == "some" and chance.random() < 0.5)
    print(*lost, sep="\n")
    assert lost
    sight = Sight(bench.repo.link, Commits([origin.path]), form=form)
    assert share == "some" or sight.look().problem
    later = begin()
    away = origin.path.rename(origin.path.with_name("away"))
    failure = later.run().failure
    away.rename(origin.path)
    assert failure
    assert failure.reason == "not_found"
    assert sight.look().commits == {published}
    new = origin.commit({"index.html": "afterwards\n"})
    assert later.run().failure is None
    later.sync.heal(deadline=soon())
    assert later.run().failure is None
    assert sight.look().commits == {new}
