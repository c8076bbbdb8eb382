"""What stands before a server and misbehaves on the way, over any transport: every kind of trouble of a network."""

import contextlib
import ctypes
import socket
import threading
from collections.abc import Callable

from tests.support.stall import CHUNK, LOOPBACK, TcpServer, copy, shut

# Hands on a part of an answer, of which so many bytes have been handed on before; an OSError closes the connection.
Way = Callable[["Front", socket.socket, bytes, int], None]


class Front(TcpServer):
    """Leads to a port, in a way that can be changed; a change ends the connections that there are."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target
        self._way: Way | None = None
        # What is called before each connection is led on.
        self.knock: Callable[[], object] | None = None
        self._changed = threading.Event()
        self._queued: list[socket.socket] = []

    def behave(self, way: Way | None, *, target: int | None = None) -> None:
        """Treat connections so from now on, and lead them to another port, if one is given; None is as it should be."""
        self._way = way
        self._target = target or self._target
        self._changed.set()
        self.refuse()
        for waiting in self._queued:
            waiting.close()
        self._queued.clear()
        self._changed = threading.Event()
        self.listen()

    def drop_everything(self) -> None:
        """Have the kernel drop whatever asks for a connection: the queue of those that wait for us is full."""
        self.behave(None)
        self.refuse()
        full = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((LOOPBACK, self.port))
        full.listen(0)
        self._queued.append(full)
        with contextlib.suppress(TimeoutError):
            while True:
                waiting = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                self._queued.append(waiting)
                waiting.settimeout(0.2)
                waiting.connect((LOOPBACK, self.port))

    def close(self) -> None:
        """Let everything end, then close."""
        self.behave(None)
        super().close()

    def wait(self, seconds: float | None = None) -> None:
        """Wait, but not beyond the next change."""
        if self._changed.wait(seconds):
            raise ConnectionError("it is over")

    def serve(self, connection: socket.socket) -> None:
        """Copy both directions until one side closes."""
        way = self._way
        if self.knock:
            self.knock()
        with socket.create_connection((LOOPBACK, self._target)) as upstream:
            self.track(upstream)
            sender = threading.Thread(target=copy, args=(connection, upstream), daemon=True)
            sender.start()
            try:
                passed = 0
                while block := upstream.recv(CHUNK):
                    if way:
                        way(self, connection, block, passed)
                    else:
                        connection.sendall(block)
                    passed += len(block)
            finally:
                shut(upstream)
                shut(connection)
                sender.join(timeout=10)
                self.forget(upstream)


def stall(after: int) -> Way:
    """Return what hands on so many bytes and holds the rest."""

    def way(front: Front, connection: socket.socket, block: bytes, passed: int) -> None:
        connection.sendall(block[: max(0, after - passed)])
        if passed + len(block) > after:
            front.wait()

    return way


def cut(after: int) -> Way:
    """Return what ends the connection in order after so many bytes."""

    def way(front: Front, connection: socket.socket, block: bytes, passed: int) -> None:
        connection.sendall(block[: max(0, after - passed)])
        if passed + len(block) > after:
            raise ConnectionError

    return way


def reset(after: int) -> Way:
    """Return what resets the connection after so many bytes."""

    def way(front: Front, connection: socket.socket, block: bytes, passed: int) -> None:
        connection.sendall(block[: max(0, after - passed)])
        if passed + len(block) > after:
            # https://man7.org/linux/man-pages/man2/connect.2.html: AF_UNSPEC dissolves it, at once and with a reset.
            ctypes.CDLL(None).connect(connection.fileno(), bytes(16), 16)
            raise ConnectionError

    return way


def drip(front: Front, connection: socket.socket, block: bytes, passed: int) -> None:
    """Hand on a byte a second."""
    for byte in block:
        connection.sendall(bytes([byte]))
        front.wait(1.0)


def flip(at: int) -> Way:
    """Return what changes the byte at a place."""

    def way(front: Front, connection: socket.socket, block: bytes, passed: int) -> None:
        changed = bytearray(block)
        if 0 <= at - passed < len(block):
            changed[at - passed] ^= 0xFF
        connection.sendall(changed)

    return way
