"""Where the other replicas are: all addresses that a name has at this moment, but our own."""

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from typing import Any, Final

from gitsync.base.errors import FetchError
from gitsync.base.promise import fulfil
from gitsync.config import Place

_ANY: Final = {"0.0.0.0", "::"}  # noqa: S104 (they are compared with)
# Any port does: nothing is sent to it.
_DISCARD: Final = 9
_HINT: Final = "check the name of the headless Service in --peers, and the pod's DNS"

Resolve = Callable[..., Iterable[tuple[Any, ...]]]


class Lookup:
    """Asks for the addresses of a name, of both families, each time anew, as pods come and go.

    getaddrinfo(3) knows no deadline, so it runs on a thread that is left behind at ours; there is one at most. Used by
    one thread; `cancel` is called by the main thread.
    """

    def __init__(self, place: Place, *, resolve: Resolve = socket.getaddrinfo) -> None:
        self._place = place
        self._resolve = resolve
        self._running: Future[list[str]] = Future()
        self._running.cancel()

    def ask(self, timeout: float) -> list[str]:
        """Return the addresses, each once; raise `FetchError` if there are none within `timeout` seconds.

        `RuntimeError` says that there are too many threads.
        """
        name = f"--peers={self._place}"
        if self._running.done():
            future: Future[list[str]] = Future()
            threading.Thread(target=self._run, args=[future], name="peers lookup", daemon=True).start()
            self._running = future
        try:
            return self._running.result(timeout)
        except CancelledError:
            raise FetchError(f"{name}: ended, as the process shuts down", reason="cancelled") from None
        except TimeoutError:
            message = f"{name}: the name was not resolved within {timeout:g}s"
            raise FetchError(message, reason="dns", hint=_HINT) from None
        # A name that cannot be one is refused with a UnicodeError.
        except (OSError, ValueError) as error:
            told = (isinstance(error, OSError) and error.strerror) or "this is no name"
            raise FetchError(f"{name}: {told}", reason="dns", hint=_HINT) from None

    def cancel(self) -> None:
        """End the wait."""
        self._running.cancel()

    def _run(self, future: Future[list[str]]) -> None:
        def work() -> list[str]:
            found = self._resolve(self._place.host, self._place.port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(entry[4][0]) for entry in found))

        fulfil(future, work)


def is_local(address: str) -> bool:
    """Say whether an address is one of this machine's, or pod's.

    What is sent to such an address comes from it, and the system says so without sending anything. Whether a socket can
    be bound to it would tell less: with net.ipv4.ip_nonlocal_bind any address will do.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, _DISCARD))
            return str(probe.getsockname()[0]) == address
    except OSError:
        return False


def others(
    found: Iterable[str], place: Place, bound: tuple[str, int], *, is_local: Callable[[str], bool] = is_local
) -> list[str]:
    """Return the addresses that are other replicas'; `bound` is the address and port that we listen on ourselves.

    What can be no pod's (multicast, link-local, unspecified) is left out as well.
    """

    def is_own(address: str) -> bool:
        host, port = bound
        return port == place.port and (is_local(address) if host in _ANY else address == host)

    return [address for address in found if _is_usable(address) and not is_own(address)]


def _is_usable(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (parsed.is_multicast or parsed.is_link_local or parsed.is_unspecified)
