"""Daemons under measurement: ended with everything that they started, their logs shown only if something fails."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from tests.support.daemon import DaemonProcess

SECRET = "the-receiver's-secret"  # noqa: S105 (it guards nothing)


@contextlib.contextmanager
def pod(url: str, directory: Path, *options: str) -> Iterator[DaemonProcess]:
    """Run a daemon that publishes as `directory/root/link`, and has a webhook receiver."""
    directory.mkdir()
    root = directory / "root"
    fixed = (f"--repo={url}", f"--root={root}", "--link=link", "--http-bind=127.0.0.1:0", "--log-format=json")
    daemon = DaemonProcess(*fixed, *options, workdir=directory, environment={"GITSYNC_RECEIVER_SECRET": SECRET})
    daemon.link = root / "link"
    with quietly(daemon):
        yield daemon


@contextlib.contextmanager
def quietly(daemon: DaemonProcess) -> Iterator[DaemonProcess]:
    """End a daemon without its log."""
    try:
        yield daemon
    finally:
        with contextlib.redirect_stdout(io.StringIO()):
            daemon.close()
