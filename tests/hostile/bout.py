"""A daemon that is shown hostile things one after the other, and what has to be so after each of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitsync.base import nolinks
from tests.conftest import StartDaemon
from tests.faults.invariants import Watch
from tests.faults.remains import Bounds
from tests.support.daemon import DaemonProcess
from tests.support.origin import Origin

# No line of the log says more, in characters.
LONGEST_LINE = 20_000
# What the program may need, whatever is shown to it, in KiB; a tenth of what it is shown at most.
MEMORY = 250 * 1024
# A pass at once after whatever has gone wrong.
QUICK: dict[str, Any] = {"period": "100ms", "max_backoff": "100ms", "jitter": "0", "stale_worktree_timeout": "0s"}


@dataclass
class Bout:
    """One daemon, and the repository that it follows; `good` is what it has published last."""

    daemon: DaemonProcess
    watch: Watch
    origin: Origin
    good: str

    def publishes(self, commit: str) -> None:
        """Wait until a commit is published, whatever is odd about it."""
        self.daemon.wait_published(commit)
        self.watch.check(commit)
        self.good = commit

    def refuses(self, reason: str, *, since: int) -> dict[str, Any]:
        """Wait for a failure since a mark: it has this reason, and what was published stays; return what is logged."""
        line = self.daemon.wait_event("sync_finished", since=since, outcome="failed")
        assert line["reason"] == reason, line
        assert line["hint"], line
        self.watch.check(self.good)
        return line

    def turn_back(self) -> None:
        """Have the remote lead to what is published again, and the daemon find that."""
        self.origin.rewind(self.good)
        self.daemon.until(lambda: self.daemon.status()["error"] is None)

    def check(self) -> None:
        """All that was logged are lines of JSON that print, with an end, and no more memory was taken than there is."""
        for line in self.daemon.log_text().split("\n"):
            assert line.isprintable(), repr(line)
            assert len(line) < LONGEST_LINE, f"{len(line)}: {line[:300]}"
            for text in _texts(json.loads(line)):
                assert text.replace("\n", "").replace("\t", "").isprintable(), repr(text)
        for line in Path(f"/proc/{self.daemon.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            assert name != "VmHWM" or int(value.split()[0]) < MEMORY, line


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


@contextmanager
def bout(start: StartDaemon, url: str, origin: Origin, root: Path, **options: object) -> Iterator[Bout]:
    """Start a daemon that has published what the origin has; `check` comes at the end."""
    link = root / url.rpartition("/")[2]
    with Watch(origin, link, root, bounds=Bounds(trees=3, stores=2)) as watch:
        daemon = watch.follow(start(url, root, **{**QUICK, **options}))
        daemon.wait_published(origin.head)
        made = Bout(daemon, watch, origin, origin.head)
        try:
            yield made
            made.check()
        except BaseException:
            # What is deeper than a path can be long others do not get removed.
            daemon.kill_tree()
            nolinks.remove(root)
            raise
