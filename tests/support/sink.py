"""A server that records the calls of webhooks, and answers as it is told: with a status, or not at all."""

import threading

from tests.support.eventually import TIMEOUT, GaveUpError
from tests.support.web import Asked, Reply, WebServer


class Sink(WebServer):
    """Records every request; `statuses` are for the next answers, `status` for all others."""

    def __init__(self) -> None:
        super().__init__(self._record)
        self._news = threading.Condition()
        self._requests: list[Asked] = []
        self._open = threading.Event()
        self._open.set()
        self.status = 200
        self.statuses: list[int] = []

    def close(self) -> None:
        """Answer what is held, and stop."""
        self.release()
        super().close()

    @property
    def target(self) -> str:
        """The URL to call."""
        return f"{self.url}/published?from=test"

    @property
    def requests(self) -> list[Asked]:
        """What has been received so far."""
        with self._news:
            return list(self._requests)

    def hold(self) -> None:
        """From now on record requests, and do not answer them."""
        self._open.clear()

    def release(self) -> None:
        """Answer again, also what was held."""
        self._open.set()

    def wait(self, count: int = 1, *, timeout: float = TIMEOUT) -> list[Asked]:
        """Wait until so many requests have been received, and return all of them."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._requests) >= count, timeout):
                raise GaveUpError(f"{len(self._requests)} of {count} requests after {timeout:g} s")
            return list(self._requests)

    def hashes(self) -> list[str | None]:
        """Return the header `Gitsync-Hash` of each request."""
        return [request.headers.get("Gitsync-Hash") for request in self.requests]

    def _record(self, request: Asked) -> Reply:
        with self._news:
            self._requests.append(request)
            status = self.statuses.pop(0) if self.statuses else self.status
            self._news.notify_all()
        self._open.wait(TIMEOUT)
        return Reply(status)
