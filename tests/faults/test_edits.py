"""Consumers change what is published: that is found, put right by publishing a clean tree, and counted."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.figures import RecordProperty
from tests.faults.invariants import Watch
from tests.faults.remains import Bounds
from tests.support.origin import Origin

SERIES = "gitsync_repairs_total"
OPTIONS: dict[str, Any] = {"period": "100ms", "heal_period": "200ms", "stale_worktree_timeout": "0s", "link": "site"}


def edit(tree: Path, elsewhere: Path) -> None:
    """Write into a file."""
    (tree / "index.html").write_text("edited\n")


def edit_unseen(tree: Path, elsewhere: Path) -> None:
    """Write as many bytes into a file, and put its times back."""
    file = tree / "index.html"
    before = file.stat()
    file.write_text("x" * before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove(tree: Path, elsewhere: Path) -> None:
    """Remove a file and a directory."""
    (tree / "index.html").unlink()
    shutil.rmtree(tree / "docs")


def make_directory(tree: Path, elsewhere: Path) -> None:
    """Put a directory in the place of a file."""
    (tree / "index.html").unlink()
    (tree / "index.html").mkdir()


def make_pipe(tree: Path, elsewhere: Path) -> None:
    """Put a pipe, which nobody writes into, in the place of a file."""
    (tree / "index.html").unlink()
    os.mkfifo(tree / "index.html")


def lead_elsewhere(tree: Path, elsewhere: Path) -> None:
    """Have a file lead to somebody else's."""
    (tree / "index.html").unlink()
    (tree / "index.html").symlink_to(elsewhere / "guide.txt")


def lead_directory_elsewhere(tree: Path, elsewhere: Path) -> None:
    """Have a directory lead to somebody else's, but where it would count as somebody's, too: in place."""
    shutil.rmtree(tree / "docs")
    if tree.parent.name == ".worktrees" or (tree / ".git").exists():
        (tree / "docs").symlink_to(elsewhere)


def change_mode(tree: Path, elsewhere: Path) -> None:
    """Make a program of a file, and a file of a program."""
    (tree / "index.html").chmod(0o755)
    (tree / "bin" / "run").chmod(0o644)


def lead_link_elsewhere(tree: Path, elsewhere: Path) -> None:
    """Have a link of the commit lead elsewhere."""
    (tree / "latest").unlink()
    (tree / "latest").symlink_to(elsewhere)


Edit = Callable[[Path, Path], None]
EDITS: tuple[Edit, ...] = (
    *(edit, edit_unseen, remove, make_directory, make_pipe, lead_elsewhere, lead_directory_elsewhere),
    *(change_mode, lead_link_elsewhere),
)


@fault(
    area="damage",
    what="consumers edit, remove, replace or redirect published files, with or without another size or time, or give "
    "them other modes",
    then="found within `--heal-period`, replaced by what the commit has, and counted; nothing is touched elsewhere",
)
@pytest.mark.parametrize("form", ["symlink", "exchange", "inplace"])
def test_edits(
    start_daemon: StartDaemon,
    origin: Origin,
    root: Path,
    tmp_path: Path,
    form: str,
    record_property: RecordProperty,
) -> None:
    """Given published files, when consumers do each of these, then all is as the commit has it, and each is counted."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "guide.txt").write_text("precious\n")
    with Watch(origin, root / "site", root, form=form, bounds=Bounds(trees=3)) as watch:
        daemon = watch.follow(start_daemon(origin.url, root, publish=form, **OPTIONS))
        for number, change in enumerate(EDITS):
            # Repairs of one commit in a row come ever more slowly.
            commit = origin.commit({"index.html": f"{number}\n"})
            watch.wait_published(commit, daemon)
            watch.check(commit)
            before = daemon.metrics().get(SERIES, 0)
            change((root / "site").resolve(), elsewhere)
            daemon.until(lambda before=before: daemon.metrics().get(SERIES, 0) > before)  # type: ignore[misc]
            watch.wait_published(commit, daemon)
            # Readers have seen what was done, and nobody else's doing.
            watch.problems.clear()
            watch.check(commit)
            assert daemon.metrics()[SERIES] == before + 1, change.__name__
        assert not daemon.logs("sync_finished", outcome="failed")
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == {"guide.txt": "precious\n"}
    record_property("faults", len(EDITS))
