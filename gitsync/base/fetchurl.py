"""HTTP requests of ours: one, with one deadline for all of it, through the usual proxies, trusting one CA file more.

The request runs on a thread of its own, because neither a name lookup nor a server that sends a byte now and then knows
a deadline; at ours the thread is left behind, and its connection shut down. Redirects lead nowhere but to the same
scheme, host and port, because headers and body may hold secrets. Safe to call from any thread.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from gitsync import __version__
from gitsync.base.errors import FetchError
from gitsync.base.promise import fulfil
from gitsync.base.proxies import place_of
from gitsync.base.reaching import failure, manager_for, plain_url, proxy_of, read_answer, root_of, take_login, trust

if TYPE_CHECKING:
    import urllib3

_MOST_REDIRECTS: Final = 5


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever the status; the body is cut off nowhere.

    `by` is empty, or says for a message that it came through a proxy, which may have answered in its own name.
    """

    status: int
    body: bytes
    by: str = ""
    content_type: str = ""
    # When it came is no part of what was answered.
    date: str = field(default="", compare=False)
    # For how many seconds the server wants to be left alone, where it says so.
    retry_after: float | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What is sent: the method, headers of its own, and a body, if there is one; either may be secret."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


_GET: Final = Sent()


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


def fetch(
    url: str,
    sent: Sent = _GET,
    *,
    timeout: float,
    ca_file: Path | None = None,
    direct: bool = False,
    cancellation: Cancellation | None = None,
) -> Answer:
    """Send a request and return the answer, of any status; raise `FetchError` where there is none.

    A login in the URL is sent as basic authentication. Only a GET is redirected. `direct` is for what no proxy reaches.
    """
    proxy = None if direct else proxy_of(url)
    by = f" (through the proxy {place_of(proxy)})" if proxy else ""
    headers = {"User-Agent": f"gitsync/{__version__}", **sent.headers}
    request = {"method": sent.method, "body": sent.body, "headers": headers}
    connect = partial(manager_for, proxy, trust(ca_file, url, proxy), timeout)
    send = partial(_run, url=url, request=request, connect=connect)
    return replace(wait_for(f"{plain_url(url)}{by}", send, timeout=timeout, cancellation=cancellation), by=by)


def wait_for(
    name: str, send: Callable[[Future[Answer]], None], *, timeout: float, cancellation: Cancellation | None = None
) -> Answer:
    """Have `send` give a future its answer on a thread of its own, and return that; raise `FetchError`."""
    future = Future[Answer]()
    running = cancellation.running if cancellation else set()
    running.add(future)
    try:
        if cancellation and cancellation.cancelled:
            raise CancelledError
        threading.Thread(target=send, args=(future,), name=f"request {name}", daemon=True).start()
        met = future.exception(timeout)
    except CancelledError:
        raise FetchError(f"{name}: ended, as whoever asks is to end", reason="cancelled") from None
    except (TimeoutError, RuntimeError) as error:
        # The second one says that there are too many threads.
        met = error
    finally:
        running.discard(future)
        future.cancel()
    # The errors behind ours stay hidden, as they may show URLs whole.
    if isinstance(met, TimeoutError):
        raise FetchError(f"{name}: no answer within {timeout:.1f}s", reason="timeout")
    if met:
        raise failure(met, name)
    return future.result()


def _run(
    future: Future[Answer], *, url: str, request: dict[str, Any], connect: Callable[[], "urllib3.PoolManager"]
) -> None:
    def work() -> Answer:
        plain, login = take_login(url)
        with connect() as manager:
            return _follow(manager, plain, {**request, "headers": login | request["headers"]}, future)

    fulfil(future, work, told=root_of)


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
                    return Answer(response.status, read_answer(response), date=response.headers.get("Date", ""))
            url, _login = take_login(urljoin(url, target))
            if not server.is_same_host(url):
                raise ConnectionError(f"it redirects to another place ({plain_url(url)}), which is not followed")
        raise ConnectionError("it redirects again and again")


def _when_done(future: Future[Answer], stop: Callable[[], object]) -> None:
    def act(_: Future[Answer]) -> None:
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # closed before
            stop()

    future.add_done_callback(act)
