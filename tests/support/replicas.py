"""Replicas of one pod: real daemons at one port of several addresses, which find each other by a name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from tests.support.daemon import DaemonProcess

PORT: Final = 9484
SERVICE: Final = "gitsync-peers.shop.svc.cluster.local"
SECRET: Final = "s3cret-of-the-receiver"


class Start(Protocol):
    """What starts a daemon: the fixture `start_daemon`, or the like."""

    def __call__(
        self, repo: str, root: Path, *arguments: str, environment: dict[str, str] | None = None, **options: object
    ) -> DaemonProcess: ...


class Replicas:
    """Starts replicas that follow `url`, each with a root of its own below `directory`."""

    def __init__(self, start: Start, url: str, directory: Path) -> None:
        self._start = start
        self._url = url
        self._directory = directory

    def start(self, addresses: Sequence[str], *, secret: str = SECRET, **options: object) -> list[DaemonProcess]:
        """Start one at each address, all at the same time, and return them when all have published."""
        self._directory.mkdir(exist_ok=True)
        file = self._directory / f"secret-of-{addresses[0]}"
        file.write_text(f"{secret}\n")
        flags: dict[str, Any] = {"period": "1h", "peers": f"{SERVICE}:{PORT}", "receiver_secret_file": file}
        started = [
            self._start(
                self._url,
                self._directory / f"root-of-{address}",
                "-v1",
                **{**flags, "http_bind": f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT}", **options},
            )
            for address in addresses
        ]
        for replica in started:
            replica.wait_ready()
        return started


def published_at(replica: DaemonProcess) -> float:
    """Return when the link of a replica was made, in Unix seconds."""
    assert replica.link
    return replica.link.lstat().st_mtime


def heard(replica: DaemonProcess, outcome: str = "accepted") -> float:
    """Return how many messages of others have come to this at a replica."""
    return replica.metrics().get(f'gitsync_receiver_requests_total{{outcome="{outcome}",provider="peer"}}', 0.0)


def told(replica: DaemonProcess) -> dict[str, float]:
    """Return what became of the messages of a replica, by outcome, without what has not happened."""
    begin, end = 'gitsync_peers_told_total{outcome="', '"}'
    samples = replica.metrics().items()
    return {
        name.removeprefix(begin).removesuffix(end): value for name, value in samples if name.startswith(begin) and value
    }
