"""Consumers who may write to the volume: what they write where we look ends nothing, and hides nothing."""

import contextlib
import os
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.invariants import Watch
from tests.faults.remains import Bounds
from tests.hostile.bout import QUICK
from tests.support.daemon import DaemonProcess
from tests.support.origin import Origin
from tests.support.volumes import mounted

FORMS = ("symlink", "exchange", "inplace")
HTML = {"Accept": "text/html"}
# Texts that what we have noted there could be taken for, at a first look.
TEXTS = ("\u00b2", "9" * 5000, "[" * 100_000, "null", '{"a": {"b": [1]}}', "[[1, 2, 3]]", "-1", "1e999", "\x1b[2J\n\0")
# Beside objects and refs, which git itself looks after.
NOTED = ("*/gitsync-*", "*/worktrees/*/gitsync-*", "*/worktrees/*/HEAD", "lock", "inplace-*/*", "exchanged/*")


def ours(root: Path) -> list[Path]:
    """Return the files that we note things in."""
    found = [path for pattern in NOTED for path in (root / ".gitsync").glob(pattern) if path.is_file()]
    return [path for path in found if "index" not in path.name]


def set_times(root: Path, seconds: int) -> None:
    """Give all that lies there a time that no date can be made of."""
    # Unlike rglob, which minds what goes meanwhile.
    found = [Path(above, name) for above, folders, files in os.walk(root) for name in (*folders, *files)]
    for path in found:
        with contextlib.suppress(FileNotFoundError):  # what is ours may go at any time
            os.utime(path, (seconds, seconds), follow_symlinks=False)


def note(root: Path, text: str) -> None:
    """Write a text into each file that we note things in."""
    for path in ours(root):
        # One of the names may be that of another file.
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            path.write_text(text)


def check_told(daemon: DaemonProcess) -> None:
    """Whoever asks is answered, and nothing was a mistake of ours."""
    for page in ("/status", "/metrics", "/", "/healthz"):
        assert daemon.get(page)[0] == 200, page
    assert daemon.request("GET", "/", headers=HTML)[0] == 200
    assert not daemon.logs("internal_error")
    assert not daemon.logs("sync_finished", outcome="failed", reason="internal")


@fault(
    area="hostile",
    what="who can write to the volume gives files of ours times that no date can be made of",
    then="updates go on; status, page and metrics answer as ever",
)
@pytest.mark.parametrize("seconds", [10**12, -(10**11)])
@pytest.mark.parametrize("form", FORMS)
def test_times(start_daemon: StartDaemon, origin: Origin, root: Path, form: str, seconds: int) -> None:
    """Given a volume that keeps any time, when such are set before a start and during a run, then all goes on."""
    with mounted(root, "size=64m"):
        options = {**QUICK, "link": "site", "publish": form}
        assert start_daemon(origin.url, root, one_time=True, **options).wait_exit() == 0
        set_times(root, seconds)
        with Watch(origin, root / "site", root, form=form, bounds=Bounds(trees=3)) as watch:
            daemon = watch.follow(start_daemon(origin.url, root, **options))
            daemon.wait_ready()
            check_told(daemon)
            for number in range(2):
                watch.wait_published(origin.commit({"index.html": f"{number}\n"}), daemon)
                set_times(root, seconds)
                check_told(daemon)


@fault(
    area="hostile",
    what="who can write to the volume writes numbers without end, other digits, or other JSON into what we have noted",
    then="it is believed as far as it names what is ours; updates and chores go on, and nothing ends",
)
@pytest.mark.parametrize("form", FORMS)
def test_notes(start_daemon: StartDaemon, origin: Origin, root: Path, form: str) -> None:
    """Given a daemon, when each of these texts comes in the place of all of its notes, then the next commit follows."""
    options = {**QUICK, "link": "site", "publish": form, "heal_period": "200ms"}
    with Watch(origin, root / "site", root, form=form, bounds=Bounds(trees=3)) as watch:
        daemon = watch.follow(start_daemon(origin.url, root, **options))
        daemon.wait_ready()
        for text in TEXTS:
            note(root, text)
            for number in range(2):
                watch.wait_published(origin.commit({"index.html": f"{number}\n", "text": text}), daemon)
            check_told(daemon)
