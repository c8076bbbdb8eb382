"""HTTP requests of ours: one, with one deadline for all of it, through the usual proxies, trusting one CA file more.

The request runs on a thread of its own, because neither a name lookup nor a server that sends a byte now and then knows
a deadline; at ours the connection is shut down. Redirects lead nowhere but to the same scheme, host and port, because
the headers and the body may hold secrets. Safe to call from any thread.
"""

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from gitsync import __version__
from gitsync.errors import FetchError
from gitsync.redact import Secret, scrub

_ANSWER_LIMIT: Final = 1024 * 1024
_MESSAGE_LIMIT: Final = 200
_CHUNK: Final = 65536
_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever the status; the body is cut off nowhere."""

    status: int
    body: bytes


class Cancellation:
    """Ends requests from another thread: those that run, and those that would follow."""

    def __init__(self) -> None:
        # The handler of a second signal may interrupt the main thread while it holds it.
        self._lock = threading.RLock()
        self._endings: set[Callable[[], None]] = set()
        self.cancelled = False

    def cancel(self) -> None:
        """End everything."""
        with self._lock:
            self.cancelled = True
            endings = list(self._endings)
        for end in endings:
            end()

    def add(self, end: Callable[[], None]) -> None:
        """Have `end` called when all is ended, at once if that has happened."""
        with self._lock:
            self._endings.add(end)
        if self.cancelled:
            end()

    def discard(self, end: Callable[[], None]) -> None:
        """Forget `end`."""
        with self._lock:
            self._endings.discard(end)


def fetch(  # noqa: PLR0913 (the parts of a request)
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float,
    ca_file: Path | None = None,
    cancellation: Cancellation | None = None,
) -> Answer:
    """Send a request and return the answer, of any status; raise `FetchError` where there is none.

    A login in the URL is sent as basic authentication. Only a GET is redirected.
    """
    exchange = _Exchange(timeout=timeout)
    cancellation = cancellation or Cancellation()
    name = plain_url(url)
    cancellation.add(exchange.end)
    try:
        context = _trust(ca_file)
        request = _Request(url, method=method, headers=dict(headers or {}), body=body)
        thread = threading.Thread(target=exchange.run, args=(request, context), name=f"request {name}", daemon=True)
        thread.start()
        in_time = exchange.done.wait(timeout)
        answer, error = exchange.answer, exchange.error
    finally:
        cancellation.discard(exchange.end)
        exchange.end()
    if answer:
        return answer
    if cancellation.cancelled:
        raise FetchError(f"{name}: ended, as the process shuts down", reason="cancelled")
    raise _failure(error if in_time and error else TimeoutError(), name, timeout)


def plain_url(url: str) -> str:
    """Return a URL as it may be shown: without login and query, which may both be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


@dataclass(frozen=True)
class _Request:
    url: str
    method: str
    headers: dict[str, str]
    body: bytes | None


class _Exchange:
    """One request on its thread, and the sockets by which it can be ended."""

    def __init__(self, *, timeout: float) -> None:
        self.done = threading.Event()
        self.answer: Answer | None = None
        self.error: Exception | None = None
        self._deadline = time.monotonic() + timeout
        self._lock = threading.RLock()
        self._sockets: list[socket.socket] = []
        self._ended = False

    def end(self) -> None:
        """Shut the connection down, whatever it waits for; the caller goes on at once."""
        with self._lock:
            self._ended = True
            for held in self._sockets:
                with contextlib.suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
                held.close()
            self._sockets.clear()
        self.done.set()

    def run(self, request: _Request, context: ssl.SSLContext) -> None:
        """Do it, on the thread of the request."""
        try:
            self.answer = self._follow(request, context)
        except Exception as error:
            self.error = error
        self.done.set()

    def _follow(self, request: _Request, context: ssl.SSLContext) -> Answer:
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            _HttpHandler(self._connect),
            _HttpsHandler(self._connect, context),
        ):
            opener.add_handler(handler)
        url, headers = _take_login(request.url, request.headers)
        for _ in range(_MOST_REDIRECTS + 1):
            asked = urllib.request.Request(url, data=request.body, headers=headers, method=request.method)  # noqa: S310
            response = opener.open(asked, timeout=self._left())
            if response is None:
                raise ValueError("use an http or https URL")
            with response:
                if request.method != "GET" or response.status not in _REDIRECTS:
                    return Answer(response.status, self._read(response))
                target = urljoin(url, response.headers.get("Location", ""))
            if _origin(urlsplit(target)) != _origin(urlsplit(url)):
                raise ConnectionError(f"it redirects to another place ({plain_url(target)}), which is not followed")
            url = target
        raise ConnectionError("it redirects again and again")

    def _connect(self, *arguments: Any) -> socket.socket:
        made = socket.create_connection(*arguments)
        with self._lock:
            # A copy stays ours when TLS takes the socket over, and a shutdown of it ends the connection.
            self._sockets.append(made.dup())
            if self._ended:
                self.end()
        return made

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        content = bytearray()
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > _ANSWER_LIMIT:
                raise ConnectionError(f"the answer is larger than {_ANSWER_LIMIT} bytes")
        return bytes(content)

    def _left(self) -> float:
        return max(0.001, self._deadline - time.monotonic())


class _HttpHandler(urllib.request.HTTPHandler):
    def __init__(self, connect: Callable[..., socket.socket]) -> None:
        super().__init__()
        self._connect = connect

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_made, http.client.HTTPConnection, self._connect), request)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, connect: Callable[..., socket.socket], context: ssl.SSLContext) -> None:
        super().__init__()
        self._connect = connect
        self._trusting = context

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        make = partial(_made, http.client.HTTPSConnection, self._connect, context=self._trusting)
        return self.do_open(make, request)


def _made(kind: Any, connect: Callable[..., socket.socket], host: str, /, **details: Any) -> Any:
    connection = kind(host, **details)
    # The only way to see the socket before TLS and the proxy's answer, both of which can take for ever.
    connection._create_connection = connect
    return connection


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Return what trusts the system's authorities and those of the file, as it is now."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            message = f"--ca-file={ca_file}: {error.strerror or error}"
            raise FetchError(
                message, reason="tls", hint="name a readable file with certificates in PEM form"
            ) from error
    return context


def _take_login(url: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Move a login from the URL into the headers."""
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    headers = {"User-Agent": f"gitsync/{__version__}", **headers}
    if not at:
        return url, headers
    login = Secret(unquote(userinfo))
    token = base64.b64encode(login.reveal().encode()).decode()
    return parts._replace(netloc=host).geturl(), {"Authorization": f"Basic {token}", **headers}


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _failure(error: Exception, name: str, timeout: float) -> FetchError:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return FetchError(f"{name}: no answer within {timeout:.1f}s", reason="timeout")
    reason = "connect"
    if isinstance(cause, ssl.SSLError):
        reason = "tls"
    elif isinstance(cause, socket.gaierror):
        reason = "dns"
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return FetchError(f"{name}: {scrub(text or type(cause).__name__)[:_MESSAGE_LIMIT]}", reason=reason)
