"""Looks for secrets wherever they could be seen: the volume, the log, every page, and what /proc shows of children."""

import base64
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tests.support.daemon import DaemonProcess
from tests.support.processes import Sampler

PAGES = ("/", "/status", "/metrics", "/readyz", "/healthz")


class Secrecy:
    """Watches a daemon; `check` fails with the place of a secret that was seen."""

    def __init__(self, daemon: DaemonProcess, *, root: Path, secrets: Sequence[str]) -> None:
        self._daemon = daemon
        self._root = root
        self.secrets = list(secrets)
        self._sampler = Sampler(daemon.descendants)

    def __enter__(self) -> Self:
        self._sampler.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sampler.__exit__()

    def check(self) -> None:
        """Look everywhere; the daemon is ended on the way, if it still runs."""
        daemon = self._daemon
        if daemon.process.poll() is None and daemon.logs("http_listening"):
            for page in PAGES:
                self._assert_none(page, daemon.get(page)[1].encode())
            daemon.terminate()
        fetched = daemon.logs("sync_finished", outcome="updated")
        self._sampler.__exit__()
        self._assert_none("the log", daemon.log_text().encode())
        for directory in (self._root, daemon.home, daemon.tmpdir):
            for path in directory.rglob("*"):
                self._assert_none("a file's name", str(path).encode())
                if path.is_file() and not path.is_symlink():
                    self._assert_none(str(path), path.read_bytes())
        # A child that has not yet called exec is still a copy of the daemon.
        copy = " ".join(daemon.arguments)
        children = [seen for seen in self._sampler.seen if seen[1] not in ("", copy)]
        assert children or not (fetched and self.secrets), "no child was seen, so nothing was proven"
        for _, arguments, environment in children:
            self._assert_none(f"the arguments of {arguments.split(' ')[0]}", arguments.encode())
            self._assert_none(f"the environment of {arguments}", environment)

    def _assert_none(self, place: str, content: bytes) -> None:
        for secret in self.secrets:
            for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
                assert form.encode() not in content, f"a secret is in {place}"
