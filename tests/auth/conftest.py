"""What the tests of logins share: a daemon that is searched for secrets, an authority, and an ssh server."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
import trustme

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.secrecy import Secrecy
from tests.support.sshd import SshServer

SECRET = "aVerySecretWord-4711"


class StartSecret(Protocol):
    """The `start_secret` fixture's function."""

    def __call__(
        self, repo: str, *, secrets: list[str], environment: dict[str, str] | None = None, **options: object
    ) -> DaemonProcess:
        """Start the program at its most talkative; passes are started by `daemon.sync_by_signal()`.

        `secrets` may be added to later. When the test is over they are looked for everywhere.
        """


@pytest.fixture
def start_secret(start_daemon: StartDaemon, root: Path) -> Iterator[StartSecret]:
    """Start daemons that must keep secrets."""
    watched: list[tuple[Secrecy, list[str]]] = []
    with ExitStack() as stack:

        def start(
            repo: str, *, secrets: list[str], environment: dict[str, str] | None = None, **options: object
        ) -> DaemonProcess:
            flags = {"period": "1h", "sync_on_signal": "HUP", "jitter": "0", **options}
            daemon = start_daemon(repo, root, "-v9", environment=environment, **flags)
            watched.append((stack.enter_context(Secrecy(daemon, root=root, secrets=secrets)), secrets))
            return daemon

        yield start
        for secrecy, secrets in watched:
            secrecy.secrets = secrets
            secrecy.check()


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """A certificate authority that nobody trusts yet; its certificate is ca.pem below tmp_path."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    """An ssh server for git; skipped where there is no sshd."""
    with SshServer(tmp_path / "sshd") as server:
        yield server
