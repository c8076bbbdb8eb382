"""Mounts of directories, read from what the kernel tells of each process."""

from pathlib import Path

from gitsync.volume.mounts import Mounts

ROOT = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"


def processes(tmp_path: Path, **mounts: str) -> Path:
    """Make a directory such as /proc: `self` and other processes, each in a namespace of its own."""
    for name, text in mounts.items():
        process = tmp_path / "proc" / name.removeprefix("p")
        (process / "ns").mkdir(parents=True)
        (process / "ns" / "mnt").symlink_to(f"mnt:[{name}]")
        (process / "mountinfo").write_text(text)
    return tmp_path / "proc"


def test_directory_that_another_process_has_mounted(tmp_path: Path) -> None:
    """Found in whichever namespace it is, by where it lies on the file system; so is one within it."""
    other = (
        ROOT + "40 21 8:1 /volume/a /mnt rw - ext4 /dev/sda1 rw\n41 21 8:1 /volume/b/in /in rw - ext4 /dev/sda1 rw\n"
    )
    mounts = Mounts(processes(tmp_path, self=ROOT, p1=ROOT, p77=other))
    assert mounts.shows(Path("/volume/a"))
    assert mounts.shows(Path("/volume/b"))
    assert not mounts.shows(Path("/volume/c"))
    assert not mounts.shows(Path("/volume/a/in"))
    assert not mounts.shows(Path("/volume/ab"))


def test_volume_that_is_mounted_itself(tmp_path: Path) -> None:
    """In a container the volume is a mount, with other paths than elsewhere; blanks are written as escapes."""
    own = ROOT + "30 21 0:50 /pods/my\\040pod/content /git rw - ext4 /dev/sdb rw\n"
    other = ROOT + "55 21 0:50 /pods/my\\040pod/content/.worktrees/a /www rw - ext4 /dev/sdb rw\n"
    mounts = Mounts(processes(tmp_path, self=own, p2=other))
    assert mounts.shows(Path("/git/.worktrees/a"))
    assert not mounts.shows(Path("/git/.worktrees/b"))
    assert not mounts.shows(Path("/.worktrees/a"))


def test_same_path_on_another_device(tmp_path: Path) -> None:
    """It is another directory."""
    other = ROOT + "40 21 8:2 /volume/a /mnt rw - ext4 /dev/sdc rw\n"
    assert not Mounts(processes(tmp_path, self=ROOT, p3=other)).shows(Path("/volume/a"))


def test_system_that_tells_nothing(tmp_path: Path) -> None:
    """Then nothing is known to be mounted."""
    assert not Mounts(tmp_path / "nothing").shows(Path("/volume/a"))
    assert not Mounts(processes(tmp_path, self="garbage\n")).shows(Path("/volume/a"))


def test_mount_point(tmp_path: Path) -> None:
    """It counts for us only, and not for what is above or below it."""
    own = ROOT + "30 21 8:1 /data /srv/site rw - ext4 /dev/sda1 rw\n"
    mounts = Mounts(processes(tmp_path, self=own, p2=ROOT + "31 21 8:1 /data /mnt rw - ext4 /dev/sda1 rw\n"))
    paths = ("/srv/site", "/srv", "/srv/site/in", "/mnt")
    assert [path for path in paths if mounts.has_point(Path(path))] == ["/srv/site"]
