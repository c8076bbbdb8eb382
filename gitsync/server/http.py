"""Serves the application with waitress, in a thread of the daemon's.

waitress reads and limits requests before the application sees them, so a slow or large one holds no thread.
"""

import threading
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import waitress
from waitress import wasyncore

from gitsync.base.log import get_logger
from gitsync.config import Bind
from gitsync.receiver.request import BODY_LIMIT
from gitsync.server.connections import MOST, Connection, Keeper, Queue
from gitsync.server.listening import listen
from gitsync.server.routes import STEP_ASIDE, Environ, Site, StartResponse

_THREADS: Final = 4
# Seconds between looks at the connections that are open; without one the thread sleeps.
_LOOK: Final = 2
_SLEEP: Final = 3600
# Bytes.
_LARGEST_HEAD: Final = 32 * 1024
# More bytes of a body than these lie in a temporary file.
_IN_MEMORY: Final = 64 * 1024


class HttpServer:
    """The listening socket and the loop that serves it."""

    def __init__(self, bind: Bind, site: Site, *, name: str = "http") -> None:
        """Listen from now on, as `name` in the log; raise `GitSyncError` if that cannot be. Main thread."""
        self._socket = listen(bind)
        address, port = self.bound = self._socket.getsockname()[:2]
        get_logger().info(f"{name}_listening", address=address, port=port)
        self._open: dict[int, Any] = {}
        self._site = site
        self._guard = threading.Lock()
        self._closing = False
        self._server: Any = waitress.create_server(
            self._answer,
            map=self._open,
            sockets=[self._socket],
            threads=0,  # it gets a queue of ours
            # It would leave new ones waiting; what we do about them is in `connections`.
            connection_limit=10 * MOST,
            max_request_header_size=_LARGEST_HEAD,
            inbuf_overflow=_IN_MEMORY,
            # waitress refuses a body of exactly this size.
            max_request_body_size=BODY_LIMIT + 1,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._keeper = Keeper()
        self._queue = self._server.task_dispatcher = Queue(_THREADS)
        self._server.channel_class = partial(Connection, self._keeper)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._site({**environ, STEP_ASIDE: self._queue.step_aside}, start_response)

    def serve(self) -> None:
        """Serve until `close`. The body of a thread of its own."""
        connections = self._server.active_channels
        while not self._closing:
            wasyncore.loop(timeout=_LOOK if connections else _SLEEP, use_poll=True, map=self._open, count=1)
            self._keeper.tidy(list(connections.values()))
        with self._guard:
            for connection in list(connections.values()):
                connection.handle_close()
            wasyncore.close_all(self._open, ignore_all=True)

    def close(self) -> None:
        """Stop accepting, and drop what is open; return within a second or two. Called by the main thread.

        Those who wait for a pass should have been told by now that they need not; they get that answer.
        """
        self._queue.finish(timeout=1)
        # The loop's own thread closes what it polls; it may be awake already, and must not do so while it is called.
        with self._guard:
            self._closing = True
            self._server.trigger.pull_trigger()
        self._queue.shutdown(timeout=1)
