"""Careful file operations."""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsync.base.errors import GitSyncError
from gitsync.base.filelock import Lock
from gitsync.base.files import read_small, temporary_beside, unique
from gitsync.base.nolinks import remove, sweep_temporaries
from gitsync.base.nolinks import write as write_atomically
from gitsync.base.scratch import Scratch

NOBODY = 65534


def names(directory: Path) -> list[str]:
    """Return what is in a directory."""
    return sorted(entry.name for entry in directory.iterdir())


def test_unique() -> None:
    """A unique name is never made twice."""
    made = {unique("x-") for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"x-[0-9a-f]{12}", name) for name in made)


def test_write(tmp_path: Path) -> None:
    """A new file has the text, and nothing is left beside it."""
    path = tmp_path / "a"
    write_atomically(path, "ü\n")
    assert path.read_text() == "ü\n"
    assert names(tmp_path) == ["a"]


def test_write_replaces(tmp_path: Path) -> None:
    """A reader that holds the old file keeps the old text."""
    path = tmp_path / "a"
    path.write_text("old")
    with path.open() as held:
        write_atomically(path, "new")
        assert held.read() == "old"
    assert path.read_text() == "new"


def test_write_does_not_follow(tmp_path: Path) -> None:
    """A link in the place of the file is replaced, and what it leads to is left alone."""
    (tmp_path / "target").write_text("mine")
    (tmp_path / "a").symlink_to("target")
    write_atomically(tmp_path / "a", "new")
    assert (tmp_path / "target").read_text() == "mine"
    assert not (tmp_path / "a").is_symlink()


def test_write_fails(tmp_path: Path) -> None:
    """A failure leaves what was there, and no temporary file."""
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"):
        write_atomically(tmp_path / "a", "new", clear=False)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").is_dir()


def test_write_over_a_directory(tmp_path: Path) -> None:
    """Where only files of ours are, a directory makes way."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    write_atomically(tmp_path / "a", "new")
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "new"


def test_sweep(tmp_path: Path) -> None:
    """Only the temporaries of this very path are removed."""
    mine, others = tmp_path / "site", [tmp_path / "site.git", tmp_path / "sit", tmp_path / "mysite"]
    left = [temporary_beside(mine) for _ in range(3)]
    kept = [
        mine,
        *(temporary_beside(other) for other in others),
        tmp_path / ".site.tmp",
        tmp_path / ".site.gitsync-tmp",
    ]
    for path in [*left, *kept]:
        path.touch()
    sweep_temporaries(mine)
    assert names(tmp_path) == sorted(path.name for path in kept)


def test_sweep_goes_on(tmp_path: Path) -> None:
    """What cannot be removed does not keep the rest."""
    resisting = [temporary_beside(tmp_path / "a") for _ in range(3)]
    left = [temporary_beside(tmp_path / "a") for _ in range(3)]
    temporary_beside(tmp_path / "a").mkdir()
    for path in resisting:
        (path / "full").mkdir(parents=True)
    for path in left:
        path.touch()
    sweep_temporaries(tmp_path / "a")
    assert names(tmp_path) == sorted(path.name for path in resisting)


@pytest.mark.parametrize("name", ["a[b]*", "a.+"])
def test_sweep_special_names(tmp_path: Path, name: str) -> None:
    """A name that means something in a pattern means itself."""
    other = temporary_beside(tmp_path / "abb")
    for path in (other, temporary_beside(tmp_path / name)):
        path.touch()
    sweep_temporaries(tmp_path / name)
    assert names(tmp_path) == [other.name]


def test_read(tmp_path: Path) -> None:
    """The start of a regular file is read as text, whatever the bytes are."""
    path = tmp_path / "a"
    path.write_bytes(b"12345\xff789")
    assert read_small(path, limit=6) == "12345\ufffd"
    path.write_bytes(b"")
    assert read_small(path) == ""


def test_read_nothing_else(tmp_path: Path) -> None:
    """What is no regular file is not read, and nothing is waited for: links, pipes, directories, missing files."""
    (tmp_path / "real").write_text("secret")
    (tmp_path / "link").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    for name in ("link", "pipe", "directory", "missing", "real/below"):
        assert read_small(tmp_path / name) is None
    assert read_small(Path("/dev/zero"), limit=1) is None


def test_read_leaks_nothing(tmp_path: Path) -> None:
    """Whatever is read, no descriptor stays open."""
    (tmp_path / "file").touch()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (a directory that changes while it is read)
    for _ in range(20):
        read_small(tmp_path)
        read_small(tmp_path / "file")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_remove(tmp_path: Path) -> None:
    """Files, links and whole directories go; what a link leads to stays, and nothing to remove is fine."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "directory" / "a" / "b").mkdir(parents=True)
    (tmp_path / "directory" / "a" / "link").symlink_to(tmp_path / "kept")
    for name in ("file", "link", "dangling", "directory", "missing"):
        assert remove(tmp_path / name)
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]


@pytest.fixture
def as_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be an ordinary user in a directory of his own: modes do not hold root back."""
    home = tmp_path / "own"
    home.mkdir()
    monkeypatch.chdir(home)
    if os.geteuid() != 0:
        yield Path()
        return
    os.chown(home, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield Path()
    finally:
        os.seteuid(0)


def test_remove_closed_directories(as_user: Path) -> None:
    """Directories that a consumer has made read-only, at any depth, are removed all the same."""
    tree = as_user / "tree"
    inner = tree / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    for directory in (inner, tree / "a", tree):
        directory.chmod(0o500)
    with pytest.raises(PermissionError):
        (inner / "file").unlink()
    assert remove(tree)
    assert not tree.exists()


def test_remove_resisted(as_user: Path) -> None:
    """What cannot be removed is told, not raised."""
    parent = as_user / "parent"
    for path in (parent / "directory", parent / "directory" / "inner"):
        path.mkdir(parents=True, exist_ok=True)
    (parent / "file").touch()
    parent.chmod(0o500)
    assert not remove(parent / "file")
    assert not remove(parent / "directory")
    parent.chmod(0o700)


def test_lock_is_exclusive(tmp_path: Path) -> None:
    """The second descriptor does not get the lock until the first has given it back."""
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert first.try_acquire()
    assert not second.try_acquire()
    assert [lock.held for lock in (first, second)] == [True, False]
    first.release()
    assert second.try_acquire()
    assert [lock.held for lock in (first, second)] == [False, True]
    second.release()


def test_lock_twice(tmp_path: Path) -> None:
    """Who holds the lock may ask again, and giving it back twice does no harm."""
    lock = Lock(tmp_path / "lock")
    assert lock.try_acquire()
    descriptor = lock.fileno
    assert lock.try_acquire()
    assert lock.fileno == descriptor
    lock.release()
    lock.release()
    again = Lock(tmp_path / "lock")
    assert again.try_acquire()
    again.release()


def test_lock_is_inherited_by_descriptor(tmp_path: Path) -> None:
    """The lock lives as long as any copy of its descriptor, as in a child."""
    lock = Lock(tmp_path / "lock")
    assert lock.try_acquire()
    copy = os.dup(lock.fileno)
    lock.release()
    assert not Lock(tmp_path / "lock").try_acquire()
    os.close(copy)
    again = Lock(tmp_path / "lock")
    assert again.try_acquire()
    again.release()


def test_lock_is_not_inherited_unasked(tmp_path: Path) -> None:
    """A child gets the descriptor only when it is handed over on purpose."""
    lock = Lock(tmp_path / "lock")
    assert lock.try_acquire()
    assert not os.get_inheritable(lock.fileno)
    lock.release()


def test_lock_holder(tmp_path: Path) -> None:
    """The lock file says who holds it, also to others, and over an older and longer entry."""
    (tmp_path / "lock").write_text("1234567890 on a-host-with-quite-a-long-name-that-does-not-exist\n")
    lock = Lock(tmp_path / "lock")
    assert lock.try_acquire()
    assert re.fullmatch(rf"{os.getpid()} on \S+", Lock(tmp_path / "lock").holder())
    assert (tmp_path / "lock").read_text().count("\n") == 1
    lock.release()
    assert Lock(tmp_path / "missing").holder() == "unknown"


def test_lock_through_a_link(tmp_path: Path) -> None:
    """A link in the place of the lock file is refused, so that it cannot make us write elsewhere."""
    (tmp_path / "target").write_text("mine")
    (tmp_path / "lock").symlink_to("target")
    with pytest.raises(OSError, match="lock"):
        Lock(tmp_path / "lock").try_acquire()
    assert (tmp_path / "target").read_text() == "mine"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in the place of the system's one for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_scratch(temporary: Path) -> None:
    """A scratch is private, and gone when it is removed."""
    scratch = Scratch()
    assert scratch.path.parent == temporary
    assert scratch.path.stat().st_mode & 0o777 == 0o700
    (scratch.path / "0").mkdir()
    (scratch.path / "0" / "login").touch()
    scratch.remove()
    assert names(temporary) == []


def test_scratch_of_the_dead(temporary: Path) -> None:
    """What a killed process has left is removed by the next one; what a living one uses stays."""
    alive = Scratch()
    dead = temporary / "gitsync-dead"
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "login").write_text("password=x")
    scratch = Scratch()
    assert names(temporary) == sorted([alive.path.name, scratch.path.name])
    alive.remove()
    scratch.remove()


def test_scratch_of_one_that_died_at_once(temporary: Path) -> None:
    """A directory that was never locked is removed if nothing is in it."""
    (temporary / "gitsync-0a_b1c2d").mkdir()
    (temporary / "gitsync-data_000").mkdir()
    (temporary / "gitsync-data_000" / "mine").touch()
    Scratch().remove()
    assert names(temporary) == ["gitsync-data_000"]


def test_scratch_leaves_others_alone(temporary: Path) -> None:
    """Only directories with our name and a lock are taken for ours."""
    (temporary / "gitsync-file").touch()
    (temporary / "gitsync-nolock").mkdir()
    (temporary / "other").mkdir()
    (temporary / "other" / "lock").touch()
    (temporary / "gitsync-link").symlink_to("other")
    before = names(temporary)
    Scratch().remove()
    assert names(temporary) == before
    assert stat.S_ISDIR((temporary / "other").stat().st_mode)


def test_scratch_of_another_user(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What belongs to another user is his, even if we could remove it."""
    foreign = temporary / "gitsync-foreign"
    foreign.mkdir()
    (foreign / "lock").touch()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    Scratch().remove()
    assert names(temporary) == ["gitsync-foreign"]


@pytest.fixture
def no_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process that may write nowhere but in its working directory, as in a container without /tmp."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "missing"), str(tmp_path)])
    return tmp_path


def test_scratch_without_a_place(no_temporary: Path) -> None:
    """The error names the remedy; the working directory, which may be the published volume, is not made use of."""
    with pytest.raises(GitSyncError, match="no directory for temporary files") as caught:
        Scratch()
    assert caught.value.reason == "no_tmp"
    assert "emptyDir" in (caught.value.hint or "")
    assert names(no_temporary) == []


def test_scratch_where_we_work_if_that_is_asked_for(no_temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names the working directory himself means it."""
    monkeypatch.setenv("TMPDIR", str(no_temporary))
    scratch = Scratch()
    assert scratch.path.parent == no_temporary
    scratch.remove()


def test_scratch_in_a_full_or_closed_place(temporary: Path) -> None:
    """It is the same if the directory is there and cannot be written to."""
    temporary.rmdir()
    with pytest.raises(GitSyncError, match="No such file"):
        Scratch()
