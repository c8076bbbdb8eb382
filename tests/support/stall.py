"""TCP servers that misbehave on purpose: one that accepts and stays silent, and a proxy that can be switched."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
CHUNK = 65536


class TcpServer:
    """Listens on a free loopback port and hands each connection to `serve` on a thread of its own.

    The port stays ours while the server refuses: a second socket holds it, bound and not listening.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keeper = _bound(0)
        self.port: int = self._keeper.getsockname()[1]
        self._listener: socket.socket | None = None
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self.accepted = 0

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The http:// address; a git URL with a path of its own."""
        return f"http://{LOOPBACK}:{self.port}"

    def listen(self) -> None:
        """Accept connections (again)."""
        if self._listener is None:
            listener = _bound(self.port)
            listener.listen(64)
            with self._lock:
                self._listener = listener
            self._start(lambda: self._accept(listener))

    def refuse(self) -> None:
        """Refuse new connections and reset those that exist."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            shut(listener)
        self.drop()

    def drop(self) -> None:
        """Close every connection that exists."""
        with self._lock:
            sockets = list(self._sockets)
        for connection in sockets:
            shut(connection)

    def close(self) -> None:
        """Stop listening, close everything and wait for the threads."""
        self._closed = True
        self.refuse()
        for thread in self._threads:
            thread.join(timeout=10)
        self._keeper.close()

    def serve(self, connection: socket.socket) -> None:
        """Handle one connection; it is closed afterwards."""
        raise NotImplementedError

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:  # shut down by us
                    return
                self.accepted += 1
                if not self._admit(listener, connection):
                    return
                self._start(lambda held=connection: self._handle(held))  # type: ignore[misc]

    def _admit(self, listener: socket.socket, connection: socket.socket) -> bool:
        """Remember a connection, unless its listener was shut while it came: `drop` would not have seen it."""
        with self._lock:
            if self._listener is listener:
                self._sockets.add(connection)
                return True
        connection.close()
        return False

    def _handle(self, connection: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):  # either side may go away at any time
                self.serve(connection)
        finally:
            self.forget(connection)

    def track(self, connection: socket.socket) -> None:
        """Remember a socket so that `drop` reaches it."""
        with self._lock:
            self._sockets.add(connection)

    def forget(self, connection: socket.socket) -> None:
        """Close a socket and stop remembering it."""
        with self._lock:
            self._sockets.discard(connection)
        connection.close()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()


class SilentServer(TcpServer):
    """Accepts every connection, reads what is sent and never answers; `heard` is all of that."""

    heard = b""

    def serve(self, connection: socket.socket) -> None:
        """Read until the client gives up."""
        while block := connection.recv(CHUNK):
            self.heard += block


class Proxy(TcpServer):
    """Forwards to a target port until told otherwise: pass on, stall after some bytes of answer, refuse."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target
        self._change = threading.Condition()
        self._limit: int | None = None

    def pass_through(self) -> None:
        """Forward everything, from now on and what was held back."""
        self._set(None)
        self.listen()

    def stall(self, *, after: int = 0) -> None:
        """From now on let each connection through for `after` bytes of the server's answer, then hold the rest."""
        self._set(after)
        self.listen()

    def _set(self, limit: int | None) -> None:
        with self._change:
            self._limit = limit
            self._change.notify_all()

    def close(self) -> None:
        """Let held connections end, then close."""
        self._closed = True
        self._set(None)
        super().close()

    def serve(self, connection: socket.socket) -> None:
        """Copy both directions until one side closes."""
        with socket.create_connection((LOOPBACK, self._target)) as upstream:
            self.track(upstream)
            sender = threading.Thread(target=copy, args=(connection, upstream), daemon=True)
            sender.start()
            try:
                self._answer(upstream, connection)
            finally:
                shut(upstream)
                shut(connection)
                sender.join(timeout=10)
                self.forget(upstream)

    def _answer(self, upstream: socket.socket, connection: socket.socket) -> None:
        limit, passed = self._limit, 0
        while block := upstream.recv(CHUNK):
            while block:
                with self._change:
                    if self._limit != limit:
                        limit, passed = self._limit, 0
                    room = len(block) if limit is None else max(0, limit - passed)
                    if not room:
                        self._change.wait()
                        if self._closed:
                            return
                        continue
                part, block = block[:room], block[room:]
                passed += len(part)
                connection.sendall(part)


class Tunnel(Proxy):
    """A proxy for https: says yes to CONNECT, and passes on what follows."""

    asked = b""

    def serve(self, connection: socket.socket) -> None:
        """Open the tunnel."""
        self.asked = connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        super().serve(connection)


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(CHUNK):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((LOOPBACK, port))
    return bound


def shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
