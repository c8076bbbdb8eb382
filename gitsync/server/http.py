"""Serves the application with waitress, in a thread of the daemon's.

waitress reads and limits requests before the application sees them, so a slow or large one holds no thread.
"""

import errno
import socket
from typing import Any, Final

import waitress
from waitress import wasyncore

from gitsync.base.errors import GitSyncError
from gitsync.base.log import get_logger
from gitsync.config import Bind
from gitsync.receiver.verify import BODY_LIMIT
from gitsync.server.app import Application

_THREADS: Final = 4
_CONNECTIONS: Final = 100
# Seconds between looks for connections that have gone quiet; in between the thread sleeps.
_QUIET: Final = 30


class HttpServer:
    """The listening socket and the loop that serves it."""

    def __init__(self, bind: Bind, app: Application) -> None:
        self._socket = _listen(bind)
        address, port = self._socket.getsockname()[:2]
        get_logger().info("http_listening", address=address, port=port)
        self._open: dict[int, Any] = {}
        self._server: Any = waitress.create_server(
            app,
            map=self._open,
            sockets=[self._socket],
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            channel_timeout=_QUIET,
            asyncore_loop_timeout=_QUIET,
            asyncore_use_poll=True,
            # waitress refuses a body of exactly this size.
            max_request_body_size=BODY_LIMIT + 1,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )

    def serve(self) -> None:
        """Serve until `close`; the body of a thread."""
        self._server.run()

    def close(self) -> None:
        """Stop accepting and drop what is open. Called by the main thread."""
        # The loop's own thread has to close what it polls; with nothing left to poll it ends.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._open, ignore_all=True))
        self._server.task_dispatcher.shutdown(timeout=1)


def _listen(bind: Bind) -> socket.socket:
    """Return a listening socket; an empty host means all addresses of both families where the system has them."""
    try:
        if not bind.host and socket.has_dualstack_ipv6():
            return socket.create_server(("", bind.port), family=socket.AF_INET6, dualstack_ipv6=True)
        family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
        return socket.create_server((bind.host, bind.port), family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise GitSyncError(
            f"cannot listen on {bind.host or '*'}:{bind.port}: {error.strerror}",
            reason="port_taken" if taken else "http",
            hint="choose another address with --http-bind, or `off`",
        ) from error
