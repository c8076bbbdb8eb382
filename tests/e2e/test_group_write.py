"""The promise: with --group-write, whoever shares the group can go on with the root."""

from pathlib import Path

from tests.conftest import StartDaemon
from tests.support.origin import Origin


def unwritable(root: Path) -> list[str]:
    """Return what the group may not write; links have no mode, and git's objects are never written again."""
    return [
        str(path)
        for path in root.rglob("*")
        if not path.is_symlink()
        and not path.stat().st_mode & 0o020
        and not (path.is_file() and "objects" in path.parts)
    ]


def test_everything_is_writable_for_the_group(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given --group-write, when something was published, then store, trees and files are the group's to change."""
    # Once, so that nothing comes or goes while the files are looked at.
    assert start_daemon(origin.url, root, group_write=True, one_time=True).wait_exit() == 0
    assert unwritable(root) == []


def test_nothing_is_writable_for_the_group_otherwise(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given no such option and the usual umask, then files are their owner's to change."""
    start_daemon(origin.url, root).wait_ready()
    assert not (root / "site.git" / "index.html").stat().st_mode & 0o020
