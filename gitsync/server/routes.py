"""The WSGI side of an HTTP server: which handler a request is for, and what it answers. Called by HTTP threads."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Environ = Mapping[str, Any]

_REASONS: Final = {
    200: "OK",
    202: "Accepted",
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    424: "Failed Dependency",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
# What the server adds to an environ: a handler that waits calls it first, so that another thread takes the place of its
# own until it has answered; what it returns says whether the handler may wait.
STEP_ASIDE: Final = "gitsync.step_aside"


@dataclass(frozen=True)
class Response:
    """What a route answers: an HTTP status, a body in bytes, and after how many seconds it is worth to ask again.

    `headers` are what this answer has beside those that all of them have.
    """

    status: int
    body: bytes
    content_type: str = TEXT
    retry_after: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Route:
    """What answers the requests of one method; GET stands for HEAD, too."""

    method: str
    handler: Callable[[Environ], Response]

    @property
    def allowed(self) -> frozenset[str]:
        """The methods that it takes."""
        return frozenset({"GET", "HEAD"} if self.method == "GET" else {self.method})


class Site:
    """A WSGI application of routes by their paths (https://peps.python.org/pep-3333)."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = dict(routes)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. Called by the threads of the server's queue."""
        route = self._routes.get(environ.get("PATH_INFO", "/"))
        asked = environ["REQUEST_METHOD"]
        headers = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        if route is None:
            response = Response(404, b"not found\n")
        elif asked in route.allowed:
            response = route.handler(environ)
        else:
            response = Response(405, b"method not allowed\n")
            headers.append(("Allow", ", ".join(sorted(route.allowed))))
        if response.retry_after is not None:
            headers.append(("Retry-After", str(response.retry_after)))
        headers += response.headers
        headers += [("Content-Type", response.content_type), ("Content-Length", str(len(response.body)))]
        start_response(f"{response.status} {_REASONS[response.status]}", headers)
        return [b"" if asked == "HEAD" else response.body]
