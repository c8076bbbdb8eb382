"""An HTTP server that records what is sent to it, and answers as it is told: with a status, or not at all."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast

from tests.support.eventually import TIMEOUT, GaveUpError


@dataclass(frozen=True)
class Received:
    """One request; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Sink:
    """Records every request to a free loopback port; `statuses` are for the next answers, `status` for all others."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._requests: list[Received] = []
        self._open = threading.Event()
        self._open.set()
        self.status = 200
        self.statuses: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"sink": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """A URL of the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/published?from=test"

    @property
    def requests(self) -> list[Received]:
        """What has been received so far."""
        with self._news:
            return list(self._requests)

    def hold(self) -> None:
        """From now on record requests, and do not answer them."""
        self._open.clear()

    def release(self) -> None:
        """Answer again, also what was held."""
        self._open.set()

    def wait(self, count: int = 1, *, timeout: float = TIMEOUT) -> list[Received]:
        """Wait until so many requests have been received, and return all of them."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._requests) >= count, timeout):
                raise GaveUpError(f"{len(self._requests)} of {count} requests after {timeout:g} s")
            return list(self._requests)

    def hashes(self) -> list[str | None]:
        """Return the header `Gitsync-Hash` of each request."""
        return [request.headers.get("gitsync-hash") for request in self.requests]

    def receive(self, request: Received) -> int | None:
        """Record a request; return the status to answer with, None for no answer."""
        with self._news:
            self._requests.append(request)
            status = self.statuses.pop(0) if self.statuses else self.status
            self._news.notify_all()
        return status if self._open.wait(TIMEOUT) else None


class _Handler(BaseHTTPRequestHandler):
    sink: Sink

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.sink.receive(Received(self.command, self.path, headers, body))
        if status is not None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # whoever asked has not waited

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Close the connection, whoever has closed it before."""
        try:
            super().finish()
        except OSError:
            cast(Any, self).close_connection = True
