"""A daemon that something happens to: it fails as long as that lasts, says so, and goes on by itself."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from tests.faults.invariants import Watch
from tests.support.daemon import DaemonProcess
from tests.support.origin import Origin, noise

# Bytes of a file that each commit changes, so that it needs room.
_LARGE: Final = 200_000


@dataclass(frozen=True)
class Endurance:
    """A daemon whose passes come quickly, what it follows, and who watches."""

    daemon: DaemonProcess
    origin: Origin
    watch: Watch

    def push(self) -> str:
        """Push a commit that needs room, and return it."""
        seed = int.from_bytes(os.urandom(4))
        return self.origin.commit({"large.bin": noise(_LARGE, seed=seed), "number": f"{seed}\n"})

    def endure(self, trouble: AbstractContextManager[None], reason: str) -> None:
        """Have a trouble come, a push fail for this reason, and the trouble go."""
        before = self.daemon.status()["hash"]
        with trouble:
            mark, new = self.daemon.mark(), self.push()
            failures = self.daemon.wait_events("sync_finished", count=2, since=mark, outcome="failed")
            told = [(failure["reason"], bool(failure["message"]), bool(failure["hint"])) for failure in failures]
            assert told == [(reason, True, True)] * len(told), failures
            self._check_told(reason, before)
            self.watch.check(before)
        self.wait_published(new)

    def wait_published(self, commit: str) -> None:
        """Wait until a commit is published, and all is told to be well."""
        self.watch.wait_published(commit, self.daemon)
        self.daemon.until(lambda: self.daemon.status()["error"] is None)
        assert self.daemon.get("/readyz")[0] == 200
        assert self.daemon.status()["consecutive_failures"] == 0
        self.watch.check(commit)

    def _check_told(self, reason: str, published: str) -> None:
        """Status and metrics say what is wrong, and what is published all the same."""
        status, metrics = self.daemon.status(), self.daemon.metrics()
        assert status["error"]["reason"] == reason
        assert status["hash"] == published
        assert min(status["consecutive_failures"], metrics["gitsync_consecutive_failures"]) >= 2
        assert metrics[f'gitsync_failures_total{{reason="{reason}"}}'] >= 2
        (shown,) = (name for name in metrics if name.startswith("gitsync_published_info"))
        assert f'hash="{published}"' in shown
