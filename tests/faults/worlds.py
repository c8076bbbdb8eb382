"""A repository behind a network that misbehaves: its server, what stands before it, and a daemon that follows it."""

import contextlib
import itertools
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import trustme

from tests.faults.invariants import Watch
from tests.support.daemon import LOOPBACK, DaemonProcess, Event
from tests.support.eventually import AT_ONCE
from tests.support.front import Front
from tests.support.git_daemon import GitDaemon
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin, noise
from tests.support.rewording import NONE, Change, through
from tests.support.sshd import SshServer, make_key
from tests.support.web import server_context

TRANSPORTS = ("http", "https", "ssh", "git")
BACKOFF = 1.5
# An update brings this much, none of which can be compressed.
SIZE = 400_000


class World:
    """One transport's server and daemon, which tests share: each of them leaves both as it has found them."""

    server: GitHttpServer | SshServer | GitDaemon

    def __init__(
        self, transport: str, directory: Path, stack: ExitStack, *, host: str = LOOPBACK, resolver: str = ""
    ) -> None:
        """Start all; `host` is what the server is called, `resolver` has options of resolv.conf(5) for the daemon."""
        self.transport = transport
        # Seconds for a pass; a handshake of ssh is slow.
        self.patience = 8.0 if transport == "ssh" else 3.0
        self.directory = directory
        self.root = directory / "root"
        self.link = self.root / "site.git"
        # What a trouble needs, and ends with it.
        self.trouble_stack = ExitStack()
        self._numbers = itertools.count(1)
        (directory / "origins").mkdir()
        self.origin = Origin(directory / "origins" / "site.git")
        self.origin.commit({"index.html": "first\n"})
        self.authority = trustme.CA()
        self._host = host
        self._resolver = resolver
        self.server = self._serve()
        stack.enter_context(self.server)
        self.front = stack.enter_context(Front(self.server.port))
        self.daemon = stack.enter_context(self._start())
        self.daemon.link = self.link
        self.daemon.wait_ready()
        # It reads all the while, and looks at what is left when all tests are over.
        self.watch = stack.enter_context(Watch(self.origin, self.link, self.root))
        self.watch.follow(self.daemon)

    def _serve(self) -> GitHttpServer | SshServer | GitDaemon:
        place = self.origin.path.parent
        if self.transport == "ssh":
            return SshServer(self.directory / "sshd")
        if self.transport == "git":
            return GitDaemon(place)
        return GitHttpServer(
            place, tls=server_context(self.authority, self._host) if self.transport == "https" else None
        )

    def _start(self) -> DaemonProcess:
        flags: dict[str, Any] = {
            "repo": self.url,
            "root": self.root,
            "period": "300ms",
            "max-backoff": f"{BACKOFF}s",
            "sync-timeout": f"{self.patience}s",
            "stale-worktree-timeout": "0s",
            "http-bind": "127.0.0.1:0",
            "log-format": "json",
            **self._login(),
        }
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        environment = {"RES_OPTIONS": self._resolver}
        return DaemonProcess(*arguments, workdir=self.directory / "daemon", environment=environment)

    @property
    def url(self) -> str:
        """The URL that the daemon follows, through what stands in front."""
        if isinstance(self.server, SshServer):
            url = self.server.url_of(self.origin.path).replace(f":{self.server.port}/", f":{self.front.port}/")
        else:
            url = self.server.url_of(self.origin.path, port=self.front.port)
        return url.replace(LOOPBACK, self._host)

    def _login(self) -> dict[str, Path]:
        if isinstance(self.server, SshServer):
            self.server.authorize(make_key(self.directory / "key"))
            known = self.directory / "known_hosts"
            line = self.server.known_hosts.replace(f":{self.server.port} ", f":{self.front.port} ")
            known.write_text(line.replace(LOOPBACK, self._host))
            return {"ssh-key-file": self.directory / "key", "ssh-known-hosts-file": known}
        authority = self.directory / "ca.pem"
        self.authority.cert_pem.write_to_path(str(authority))
        return {"ca-file": authority}

    def push(self) -> str:
        """Commit something that is large enough to be on its way for a while."""
        number = next(self._numbers)
        return self.origin.commit({"large.bin": noise(SIZE, seed=number), "index.html": f"{number}\n"})

    @property
    def web(self) -> GitHttpServer:
        """The server, where it is one of HTTP."""
        assert isinstance(self.server, GitHttpServer)
        return self.server

    def reword(self, *, asked: Change = NONE, told: Change = NONE) -> None:
        """Have the server change what it is asked, and what it tells of refs, or of anything if that is not HTTP."""
        if isinstance(self.server, GitHttpServer):
            self.server.reword = lambda part: re.sub(*asked, part)
            self.server.rewrite = lambda kind, body: (kind, re.sub(*told, body))
        else:
            self.server.serve_through(*through(asked, told))

    def clear(self) -> None:
        """Have everything work again."""
        if isinstance(self.server, GitHttpServer):
            web = self.server
            web.fail_with = web.retry_after = web.rewrite = web.reword = web.before = None
        else:
            self.server.serve_through()
        self.front.knock = None
        self.front.behave(None, target=self.server.port)
        self.trouble_stack.close()

    @contextlib.contextmanager
    def trouble(self) -> Iterator[None]:
        """Begin with the head published; end with everything cleared, and with that again."""
        self.daemon.wait_published(self.origin.head)
        self.daemon.until(lambda: not self.daemon.metrics()["gitsync_consecutive_failures"])
        try:
            yield
        finally:
            self.clear()

    def failures(self, count: int) -> list[Event]:
        """Wait for so many failed passes that begin from now on; each ends in time, and is tried again soon."""
        mark = self.daemon.mark()
        # What one meets that is under way may be anything.
        running = self.daemon.status()["next_pass"] is None
        found = self.daemon.wait_events("sync_finished", count=count + running, since=mark, outcome="failed")[running:]
        for event in found:
            assert event["duration"] <= self.patience + AT_ONCE, event
            # A tenth more is what servers that ask for it are given.
            assert 0 < event["next_delay"] <= BACKOFF * 1.1, event
        return found

    def check_kept(self, commit: str) -> None:
        """What was published is served, the probes say so, and nothing of a failed pass runs on."""
        self.watch.check(commit)
        status, body = self.daemon.get("/readyz")
        assert status == 200, body
        self.daemon.check_nothing_runs()

    def check_recovered(self, commit: str) -> None:
        """Nobody does anything, and the head is published, without a word of the trouble."""
        self.daemon.wait_published(commit)
        self.daemon.until(lambda: not self.daemon.metrics()["gitsync_consecutive_failures"])
        self.watch.check(commit)
        assert self.daemon.status()["error"] is None


def self_signed(directory: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate nobody has signed but itself."""
    key, certificate = directory / "self.key", directory / "self.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
