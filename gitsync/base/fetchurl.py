"""HTTP requests of ours: one, with one deadline for all of it, through the usual proxies, trusting one CA file more.

The request runs on a thread of its own, because neither a name lookup nor a server that sends a byte now and then knows
a deadline; at ours the thread is left behind, and its connection shut down. Redirects lead nowhere but to the same
scheme, host and port, because headers and body may hold secrets. Safe to call from any thread.
"""

import base64
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, InvalidStateError
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urljoin, urlsplit

from gitsync import __version__
from gitsync.base.errors import FetchError
from gitsync.base.proxies import place_of, proxy_for
from gitsync.base.redact import Secret, scrub
from gitsync.base.written import decode, lines

if TYPE_CHECKING:
    import urllib3

_ANSWER_LIMIT: Final = 1024 * 1024
_MESSAGE_LIMIT: Final = 200
_CHUNK: Final = 65536
_MOST_REDIRECTS: Final = 5
# The system counts the milliseconds of a wait in 31 bits.
_LONGEST_WAIT: Final = 86400.0


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever the status; the body is cut off nowhere.

    `by` is empty, or says for a message that it came through a proxy, which may have answered in its own name.
    """

    status: int
    body: bytes
    by: str = ""


class Cancellation:
    """Ends requests from another thread: those that run, and those that would follow."""

    def __init__(self) -> None:
        # No lock, which the handler of a second signal could find taken: a set changes in one step.
        self.running: set[Future[Answer]] = set()
        self.cancelled = False

    def cancel(self) -> None:
        """End everything."""
        self.cancelled = True
        for future in self.running.copy():
            future.cancel()


def fetch(  # noqa: PLR0913 (the parts of a request)
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float,
    ca_file: Path | None = None,
    direct: bool = False,
    cancellation: Cancellation | None = None,
) -> Answer:
    """Send a request and return the answer, of any status; raise `FetchError` where there is none.

    A login in the URL is sent as basic authentication. Only a GET is redirected. `direct` is for what no proxy reaches.
    """
    proxy = None if direct else _proxy_for(url)
    by = f" (through the proxy {place_of(proxy)})" if proxy else ""
    name, context, future = f"{plain_url(url)}{by}", _trust(ca_file, url, proxy), Future[Answer]()
    request = {"method": method, "body": body, "headers": {"User-Agent": f"gitsync/{__version__}", **(headers or {})}}
    running = cancellation.running if cancellation else set()
    running.add(future)
    try:
        if cancellation and cancellation.cancelled:
            raise CancelledError
        manager = partial(_manager, proxy, context, timeout)
        arguments = (future, url, request, manager)
        threading.Thread(target=_run, args=arguments, name=f"request {plain_url(url)}", daemon=True).start()
        return replace(future.result(timeout), by=by)
    # The errors behind ours stay hidden, as they may show URLs whole.
    except CancelledError:
        raise FetchError(f"{name}: ended, as the process shuts down", reason="cancelled") from None
    except TimeoutError:
        raise FetchError(f"{name}: no answer within {timeout:.1f}s", reason="timeout") from None
    except Exception as error:
        raise _failure(error, name) from None
    finally:
        running.discard(future)
        future.cancel()


def plain_url(url: str) -> str:
    """Return a URL as it may be shown: without login and query, which may both be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names, None also for what is no URL: that is told when it is used."""
    try:
        return proxy_for(url, os.environ)
    except ValueError:
        return None


def _run(
    future: Future[Answer], url: str, request: dict[str, Any], connect: Callable[[], "urllib3.PoolManager"]
) -> None:
    try:
        url, login = _take_login(url)
        request["headers"] = login | request["headers"]
        with connect() as manager:
            tell = partial(future.set_result, _follow(manager, url, request, future))
    except Exception as error:
        root: BaseException = error
        # What happened is below what urllib3 says of it, except for what it cannot make sense of.
        while not isinstance(root, ValueError) and (inner := root.__cause__ or root.__context__):
            root = inner
        tell = partial(future.set_exception, root)
    with contextlib.suppress(InvalidStateError):  # nobody waits any more
        tell()


def _follow(manager: "urllib3.PoolManager", url: str, request: dict[str, Any], future: Future[Answer]) -> Answer:
    import urllib3  # here, because only some processes send requests

    pool, server = manager.connection_from_url(url), urllib3.connection_from_url(url)

    class Watched(pool.ConnectionCls):  # type: ignore[name-defined, misc]
        def connect(self) -> None:
            # Before TLS and a proxy's answer, both of which can take for ever.
            _when_done(future, lambda: self.sock and self.sock.shutdown(socket.SHUT_RDWR))
            super().connect()

    pool.ConnectionCls = Watched
    # The manager leaves that to the end of the pool, which would not come: its connections know of it.
    with contextlib.closing(pool):
        for _ in range(_MOST_REDIRECTS + 1):
            with manager.request(
                url=url, **request, redirect=False, preload_content=False, decode_content=False
            ) as response:
                _when_done(future, response.shutdown)
                target = request["method"] == "GET" and response.get_redirect_location()
                if not target:
                    return Answer(response.status, _read(response))
            url, _login = _take_login(urljoin(url, target))
            if not server.is_same_host(url):
                raise ConnectionError(f"it redirects to another place ({plain_url(url)}), which is not followed")
        raise ConnectionError("it redirects again and again")


def _read(response: "urllib3.BaseHTTPResponse") -> bytes:
    content = bytearray()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > _ANSWER_LIMIT:
            raise ConnectionError(f"the answer is larger than {_ANSWER_LIMIT} bytes")
    return bytes(content)


def _when_done(future: Future[Answer], stop: Callable[[], object]) -> None:
    def act(_: Future[Answer]) -> None:
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # closed before
            stop()

    future.add_done_callback(act)


def _manager(proxy: str | None, context: ssl.SSLContext | None, timeout: float) -> "urllib3.PoolManager":
    """Return what leads to a server, directly or through a proxy."""
    import urllib3

    # Its timeout is there for a thread that is left behind, and comes after ours.
    options: dict[str, Any] = {
        "ssl_context": context,
        "retries": False,
        "timeout": urllib3.Timeout(total=min(timeout, _LONGEST_WAIT) + 1),
    }
    if not proxy:
        return urllib3.PoolManager(**options)
    place, login = _take_login(proxy, header="Proxy-Authorization")
    return urllib3.ProxyManager(place, proxy_headers=login, proxy_ssl_context=context, **options)


def _trust(ca_file: Path | None, *urls: str | None) -> ssl.SSLContext | None:
    """Return what trusts the system's authorities and those of the file, as it is now; None where nothing asks for it.

    To read all of the system's takes longer than a request.
    """
    if not ca_file and not any(url and url.lower().startswith("https:") for url in urls):
        return None
    context = ssl.create_default_context()
    try:
        if ca_file:
            context.load_verify_locations(cadata=lines(decode(ca_file.read_bytes())))
    except (OSError, ValueError) as error:
        told = (isinstance(error, OSError) and error.strerror) or str(error)
        hint = "name a readable file with certificates in PEM form"
        raise FetchError(f"--ca-file={ca_file}: {told}", reason="tls", hint=hint) from error
    return context


def _take_login(url: str, *, header: str = "Authorization") -> tuple[str, dict[str, str]]:
    """Return the URL without its login, and that as a header."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ConnectionError("use an http or https URL, also for a proxy")
    userinfo, at, host = parts.netloc.rpartition("@")
    url = parts._replace(netloc=host if host.isascii() else host.encode("idna").decode()).geturl()
    login = Secret(unquote(userinfo)).reveal()
    return url, {header: f"Basic {base64.b64encode(login.encode()).decode()}"} if at else {}


def _failure(error: Exception, name: str) -> FetchError:
    reason = "tls" if isinstance(error, ssl.SSLError) else "dns" if isinstance(error, socket.gaierror) else "connect"
    message = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        message = "the URL, that of a proxy or a header is not valid"  # its own may show all of them
    return FetchError(f"{name}: {scrub(message)[:_MESSAGE_LIMIT]}", reason=reason)
