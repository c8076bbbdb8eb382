"""A connection to one server that is kept from one request to the next, for what is asked again and again.

A request has one deadline for all of it, and an answer that is larger than a limit is none. As for other requests, a
thread does the work that is left behind at the deadline, and its connection shut down. Used by one thread at a time;
`Cancellation` ends a request from another.
"""

import contextlib
import socket
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gitsync.base.errors import FetchError
from gitsync.base.fetchurl import Answer, Cancellation, wait_for
from gitsync.base.promise import fulfil
from gitsync.base.reaching import manager_for, network_errors, plain_url, proxy_of, read_answer, root_of
from gitsync.base.retryafter import seconds_until

if TYPE_CHECKING:
    import ssl


# The other end may have closed it in the meantime, which shows when it is used.
_TRIES: Final = 2


class KeptConnection:
    """What leads to the server of one URL, which holds no login; opened when needed, and again when it is gone."""

    def __init__(self, url: str, context: "ssl.SSLContext | None", cancellation: Cancellation) -> None:
        self._url = url
        self._context = context
        self._cancellation = cancellation
        self._line: _Line | None = None

    def post(self, *, headers: Mapping[str, str], body: bytes, timeout: float) -> Answer:
        """Send a request within so many seconds and return the answer, of any status; raise `FetchError`."""
        line = self._line = self._line or _Line(self._url, self._context, timeout)
        request = {"method": "POST", "headers": dict(headers), "body": body}
        send = partial(line.ask, request=request)
        try:
            return wait_for(plain_url(self._url), send, timeout=timeout, cancellation=self._cancellation)
        except FetchError:
            self.close()
            raise

    def close(self) -> None:
        """Shut it down, whatever it is busy with."""
        line, self._line = self._line, None
        if line:
            line.end()


class _Line:
    """One connection at a time, and whatever takes its place when it breaks."""

    def __init__(self, url: str, context: "ssl.SSLContext | None", timeout: float) -> None:
        self._url = url
        self._manager = manager_for(proxy_of(url), context, timeout)
        self._connection: Any = None
        self._ended = False
        self._pool = pool = self._manager.connection_from_url(url)
        line = self

        class Watched(pool.ConnectionCls):  # type: ignore[name-defined, misc]
            def connect(self) -> None:
                # Before TLS and a proxy's answer, both of which can take for ever.
                line._connection = self
                super().connect()
                if line._ended:
                    self.close()
                    raise ConnectionError("nobody waits any more")

        pool.ConnectionCls = Watched

    def ask(self, future: Future[Answer], *, request: Mapping[str, Any]) -> None:
        """Send a request and give its answer to the future. The body of a thread."""
        fulfil(future, lambda: self._answer(request), told=root_of)

    def end(self) -> None:
        """Shut down what there is, and let nothing new be opened."""
        self._ended = True
        with contextlib.suppress(OSError, AttributeError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        # The manager would leave that to the end of the pool, which would not come: its connections know of it.
        self._pool.close()

    def _answer(self, request: Mapping[str, Any]) -> Answer:
        for left in reversed(range(_TRIES)):
            before = self._connection
            try:
                return self._send(request)
            except network_errors():
                # One that was opened for this request has not been closed in the meantime.
                if not left or self._ended or self._connection is not before or before is None:
                    raise
        raise AssertionError

    def _send(self, request: Mapping[str, Any]) -> Answer:
        with self._manager.request(
            url=self._url, **request, redirect=False, preload_content=False, decode_content=False
        ) as response:
            told = response.headers
            return Answer(
                response.status,
                read_answer(response),
                content_type=told.get("Content-Type", ""),
                retry_after=seconds_until(told.get("Retry-After", ""), date=told.get("Date", "")),
            )
