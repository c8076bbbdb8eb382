"""What the HTTP servers of the tests have in common: the standard library's server, and the thread that it runs on."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_CHUNK = 65536


class Serving:
    """Runs a server on a thread, from the start of a `with` block to its end; `closing` says that it is over."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.closing = threading.Event()
        self.port = int(server.server_address[1])
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self.closing.set()
        self._server.shutdown()
        self.drop_connections()
        self._server.server_close()
        self._thread.join()

    def drop_connections(self) -> None:
        """End what is still connected, where the server knows of it."""


class Server(ThreadingHTTPServer):
    """A server that does not mind clients that go away, or do not trust it: they are what tests are about."""

    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Report nothing."""


class Handler(BaseHTTPRequestHandler):
    """A handler whose requests are kept in a list, and not printed."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""

    def body(self) -> Iterator[bytes]:
        """Yield the request's body, whichever way it is framed."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b"\n", b""):  # trailers
                pass
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left and (block := self.rfile.read1(min(left, _CHUNK))):
            left -= len(block)
            yield block
