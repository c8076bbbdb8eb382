"""Which connections the HTTP server keeps: there is always room for one more, whoever holds the others.

A probe has a second or so to be answered, and comes over a new connection. So there is a limit, and at the limit a new
connection takes the place of another one, of whoever has most, the one that came first. And nobody is waited for
without end: for a request, for its body, for the taking of an answer. All of it runs on the loop's thread.

Requests are answered by a few threads: those of probes first, then those of people and Prometheus, and last what comes
from outside. A request that waits for a pass has a thread of its own meanwhile, so that these few never do.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ThreadedTaskDispatcher

from gitsync.base.log import get_logger

# Connections at one time.
MOST: Final = 100
# Bodies are few and short, and what is there of them has to be kept.
MOST_BODIES: Final = 16
# Requests that wait for a pass at one time; each has a thread of its own.
MOST_WAITS: Final = 16
# Nobody who means well sends so many requests before the first one is answered.
_MOST_REQUESTS: Final = 8
# Who is answered first: probes have a second or so, and what anybody may send in any number comes last.
_FIRST: Final = frozenset({"/", "/healthz", "/readyz"})
_LAST: Final = frozenset({"/webhook", "/sync", "/pause", "/resume"})
# For how many seconds the peer is waited for.
PATIENCE: Final = {"head": 10.0, "body": 30.0, "answer": 30.0, "idle": 30.0}
# Seconds between two lines of the log about dropped connections.
_TOLD_EVERY: Final = 30.0


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request as it comes; one that is none is answered with 400, whatever it is."""

    # Of one whose first line is none.
    path = ""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the first line and the headers; raise `ParsingError`."""
        try:
            super().parse_header(header_plus)
        except ValueError:
            raise ParsingError("the URL cannot be read") from None


class Connection(HTTPChannel):  # type: ignore[misc]
    """One connection, and what it waits for."""

    parser_class = Parser

    def __init__(self, keeper: "Keeper", server: Any, *details: Any, **more: Any) -> None:
        """Take the place of another one if there are too many; called by waitress when one is accepted."""
        self._keeper = keeper
        self._waits: tuple[str, object] = ("idle", None)
        self._since = time.monotonic()
        super().__init__(server, *details, **more)
        keeper.make_room(self._others, MOST)

    def received(self, data: bytes) -> bool:
        """Take the bytes that the peer has sent; if too many bodies are on their way now, another one ends."""
        taken: bool = super().received(data)
        if len(self.requests) > _MOST_REQUESTS:
            self._keeper.drop(self)
        if self.sends_body:
            self._keeper.make_room([other for other in self._others if other.sends_body], MOST_BODIES)
        return taken

    def service(self) -> None:
        """Answer the next request. Called by a thread of the queue."""
        super().service()
        self.server.task_dispatcher.rejoin()

    @property
    def peer(self) -> str:
        """The address at the other end."""
        return str(self.addr[0])

    @property
    def is_answered(self) -> bool:
        """Whether a request is complete, so that it is our turn."""
        return bool(self.requests)

    @property
    def sends_body(self) -> bool:
        """Whether the body of a request is on its way."""
        return self.request is not None and self.request.headers_finished

    def is_late(self, now: float) -> bool:
        """Say whether its peer has been waited for long enough; asked every few seconds (`now`: monotonic seconds)."""
        # Of one that is used again and again each request is another one.
        waits: tuple[str, object] = ("idle", self.last_activity)
        if self.request is not None:
            waits = ("body" if self.sends_body else "head", self.request)
        elif self.total_outbufs_len:
            waits = ("answer", None)
        ours = self.is_answered and not self.total_outbufs_len
        if ours or waits != self._waits:
            self._waits, self._since = waits, now
        return now - self._since > PATIENCE[waits[0]]

    @property
    def _others(self) -> "list[Connection]":
        """All others, in the order in which they came."""
        return [other for other in self.server.active_channels.values() if other is not self]


class Keeper:
    """Drops connections, and tells of it in the log. Called by the loop's thread."""

    def __init__(self) -> None:
        self._log = get_logger()
        # Since the log has told of it, by their peers.
        self._dropped: Counter[str] = Counter()
        self._told_at = -_TOLD_EVERY

    def make_room(self, others: Sequence[Connection], most: int) -> None:
        """Drop one of the connections, which are in the order in which they came, if a new one would be too much."""
        if len(others) < most:
            return
        waiting = [other for other in others if not other.is_answered] or others
        counted = Counter(other.peer for other in waiting)
        crowd = max(counted.values())
        self.drop(next(other for other in waiting if counted[other.peer] == crowd))

    def tidy(self, connections: Sequence[Connection]) -> None:
        """Drop the connections whose peers are late; called every few seconds while there are any."""
        now = time.monotonic()
        for connection in connections:
            if connection.is_late(now):
                self.drop(connection)
        if self._dropped and now - self._told_at >= _TOLD_EVERY:
            self._told_at = now
            (peer, _), *_ = self._dropped.most_common(1)
            self._log.warning("http_connections_dropped", count=self._dropped.total(), most_of=peer)
            self._dropped.clear()

    def drop(self, connection: Connection) -> None:
        """Close a connection at once, whatever is on its way."""
        self._dropped[connection.peer] += 1
        connection.handle_close()


class Queue(ThreadedTaskDispatcher):  # type: ignore[misc]
    """The requests that wait for a thread, and the threads."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._usual = threads
        self._changed = threading.Condition()
        # The threads whose requests wait.
        self._aside: set[int] = set()
        self._ending = False
        self.set_thread_count(threads)

    def step_aside(self) -> bool:
        """Have another thread take the place of the calling one, which is about to wait; say whether it may."""
        with self._changed:
            if self._ending or len(self._aside) >= MOST_WAITS:
                return False
            self._aside.add(threading.get_ident())
            self.set_thread_count(self._usual + len(self._aside))
            return True

    def rejoin(self) -> None:
        """Note that the calling thread has answered, and waits no more if it did."""
        with self._changed:
            if threading.get_ident() in self._aside:
                self._aside.discard(threading.get_ident())
                if not self._ending:
                    self.set_thread_count(self._usual + len(self._aside))
                self._changed.notify_all()

    def finish(self, timeout: float) -> None:
        """Let nobody wait any more, and give those who do so many seconds for their answers. Main thread."""
        with self._changed:
            self._ending = True
            self._changed.wait_for(lambda: not self._aside, timeout)

    def add_task(self, task: Connection) -> None:
        """Put the next request of a connection into the queue; called by the loop's thread and by those here."""
        rank = _rank(task)
        with self.lock:
            place = next((place for place, other in enumerate(self.queue) if _rank(other) > rank), len(self.queue))
            self.queue.insert(place, task)
            self.queue_cv.notify()


def _rank(task: Connection) -> int:
    """Return whose turn it is: that of the lowest comes first."""
    path = task.requests[0].path if task.requests else ""
    return 0 if path in _FIRST else 2 if path in _LAST else 1
