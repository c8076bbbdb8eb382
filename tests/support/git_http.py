"""A real smart-HTTP server: `git http-backend` behind the standard library's HTTP server, on a free port.

Bodies are streamed both ways; gzip bodies go to http-backend as they are, chunked ones are decoded here; the
Git-Protocol header is passed on, so protocol v2 is spoken.
"""

import base64
import contextlib
import os
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast
from urllib.parse import unquote, urlsplit

from tests.support.git import git_environment
from tests.support.lfs import PREFIX, LfsContents
from tests.support.serving import Handler, Server, Serving

CHUNK = 65536


@dataclass
class Request:
    """What one request was, when it came (on the monotonic clock) and how much went through."""

    method: str
    path: str
    query: str
    authorized: bool
    protocol: str
    login: str = ""
    status: int = 0
    received: int = 0
    sent: int = 0
    at: float = field(default_factory=time.monotonic)

    head: bytes = field(default=b"", repr=False)

    @property
    def is_fetch(self) -> bool:
        """Tell whether the client asked for objects, not only for refs (protocol v2)."""
        gzipped = self.head.startswith(b"\x1f\x8b")
        head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(self.head) if gzipped else self.head
        return b"command=fetch" in head


class GitHttpServer(Serving):
    """Serves every bare repository in a directory; its behaviour can be changed while it runs."""

    def __init__(
        self,
        directory: Path,
        *,
        username: str = "",
        password: str = "",
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls
        self.directory = directory
        self.credentials = f"{username}:{password}" if username or password else ""
        self.delay = 0.0
        self.cookie = ""
        # How many requests with the right login are refused nevertheless.
        self.refusals = 0
        self.redirect_to = ""
        self.fail_with: int | None = None
        self.retry_after: str | None = None
        # Environment of http-backend, such as what turns version 2 of the protocol off.
        self.environment: dict[str, str] = {}
        # Whether each answer is the last one of its connection, and what is made of an answer about refs.
        self.closes = False
        self.rewrite: Callable[[str, bytes], tuple[str, bytes]] | None = None
        # What is made of a part of what is asked, and what is done before any of it is looked at.
        self.reword: Callable[[bytes], bytes] | None = None
        self.before: Callable[[Request], object] | None = None
        # How many connections there have been, and handshakes of TLS that came to their end.
        self.connections = 0
        self.handshakes = 0
        self.requests: list[Request] = []
        self.lfs: LfsContents | None = None
        self._connected = _Server((host, 0), self)
        super().__init__(self._connected)

    def drop_connections(self) -> None:
        """Drop every connection, so that nobody has to be waited for."""
        self._connected.drop_connections()

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def url_of(self, repository: Path, *, port: int | None = None) -> str:
        """Return a repository's URL, through another port if a proxy stands in front."""
        return f"{self.url.rpartition(':')[0]}:{port or self.port}/{repository.relative_to(self.directory)}"

    @property
    def lfs_requests(self) -> list[Request]:
        """Those of git-lfs."""
        return [request for request in list(self.requests) if PREFIX in request.path]

    @property
    def fetches(self) -> int:
        """How many requests asked for objects."""
        return sum(request.is_fetch for request in list(self.requests))

    def wanted_credentials(self) -> str:
        """Return the Authorization header that is let in, or nothing."""
        return "Basic " + base64.b64encode(self.credentials.encode()).decode() if self.credentials else ""


class _Server(Server):
    daemon_threads = False  # so that server_close() joins them

    def __init__(self, address: tuple[str, int], owner: GitHttpServer) -> None:
        self.owner = owner
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        with self._lock:
            self._connections.add(cast(socket.socket, request))
            self.owner.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def finish_request(self, request: object, client_address: object) -> None:
        if self.owner.tls is None:
            super().finish_request(request, client_address)  # type: ignore[arg-type]
            return
        # On the connection's own thread, so that a client that does not trust us keeps nobody waiting.
        with self.owner.tls.wrap_socket(cast(socket.socket, request), server_side=True) as wrapped:
            with self._lock:
                self._connections.add(wrapped)
                self.owner.handshakes += 1
            try:
                super().finish_request(wrapped, client_address)
            finally:
                with self._lock:
                    self._connections.discard(wrapped)

    def shutdown_request(self, request: object) -> None:
        with self._lock:
            self._connections.discard(cast(socket.socket, request))
        super().shutdown_request(request)  # type: ignore[arg-type]

    def drop_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(Handler):
    protocol_version = "HTTP/1.1"
    # As real servers do: the small writes of an answer must not wait for the client to confirm the one before.
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        owner, url = self.server.owner, urlsplit(self.path)
        wanted = owner.wanted_credentials()
        login = self.headers.get("Authorization", "")
        authorized = (not wanted or login == wanted) and owner.cookie in self.headers.get("Cookie", "")
        if authorized and owner.refusals and login:
            owner.refusals -= 1
            authorized = False
        protocol = self.headers.get("Git-Protocol", "")
        record = Request(self.command, unquote(url.path), url.query, authorized, protocol, login)
        owner.requests.append(record)
        if owner.delay:
            owner.closing.wait(owner.delay)
        if owner.before:
            owner.before(record)
        if owner.fail_with is not None:
            self._refuse(owner.fail_with, record)
        elif owner.redirect_to:
            self._refuse(302, record)
        elif not authorized:
            self._refuse(401, record)
        elif owner.lfs and PREFIX in record.path:
            self._answer_lfs(owner.lfs, record)
        else:
            self._run_backend(record)

    def _refuse(self, status: int, record: Request) -> None:
        record.received = sum(len(block) for block in self.body())
        record.status = status
        body = f"refused with {status}\n".encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="tests"')
        if status == 302:
            self.send_header("Location", f"{self.server.owner.redirect_to}{self.path}")
        if self.server.owner.retry_after is not None:
            self.send_header("Retry-After", self.server.owner.retry_after)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_lfs(self, lfs: LfsContents, record: Request) -> None:
        reply = lfs.answer(self.command, record.path, b"".join(self.body()), self.server.owner.url)
        record.status, record.sent = reply.status, len(reply.body)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _run_backend(self, record: Request) -> None:
        with subprocess.Popen(
            ["git", "http-backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment(record)
        ) as process:
            stdin, stdout = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            feeder = threading.Thread(target=self._feed, args=(stdin, record), daemon=True)
            feeder.start()
            try:
                self._relay(stdout, record)
                feeder.join()
            finally:
                process.kill()

    def _feed(self, stdin: IO[bytes], record: Request) -> None:
        for block in self.body():
            record.received += len(block)
            record.head = (record.head + block)[:256]
            block = self.server.owner.reword(block) if self.server.owner.reword else block
            with contextlib.suppress(BrokenPipeError):
                stdin.write(block)
        with contextlib.suppress(BrokenPipeError):
            stdin.close()

    def _relay(self, stdout: IO[bytes], record: Request) -> None:
        status, headers = 200, []
        while (line := stdout.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value.strip()))
        record.status = status
        self.close_connection |= self.server.owner.closes
        if self.server.owner.rewrite and not record.is_fetch:
            self._relay_rewritten(status, dict(headers).get("Content-Type", ""), stdout.read())
            return
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while block := stdout.read1(CHUNK):  # type: ignore[attr-defined]
            record.sent += len(block)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _relay_rewritten(self, status: int, content_type: str, body: bytes) -> None:
        assert self.server.owner.rewrite
        content_type, body = self.server.owner.rewrite(content_type, body)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _environment(self, record: Request) -> dict[str, str]:
        names = {
            "CONTENT_TYPE": "Content-Type",
            "CONTENT_LENGTH": "Content-Length",
            "HTTP_CONTENT_ENCODING": "Content-Encoding",
            "GIT_PROTOCOL": "Git-Protocol",
        }
        sent = {name: self.headers[header] for name, header in names.items() if self.headers.get(header)}
        return {
            **git_environment(),
            "GIT_PROJECT_ROOT": os.fspath(self.server.owner.directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": record.method,
            "PATH_INFO": record.path,
            "QUERY_STRING": record.query,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_PROTOCOL": self.request_version,
            **sent,
            **self.server.owner.environment,
        }
