"""The routes of the receiver: requests as they come over HTTP, for the door to judge. Called by HTTP threads."""

from dataclasses import dataclass

from gitsync.receiver.door import Door
from gitsync.receiver.request import Request
from gitsync.server.routes import Environ, Response, Route

_FIELDS = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}


@dataclass(frozen=True)
class Receiving:
    """What lets webhooks in."""

    door: Door

    def routes(self) -> dict[str, Route]:
        """Return the routes by their paths."""
        return {"/webhook": Route("POST", self._webhook)}

    def _webhook(self, environ: Environ) -> Response:
        verdict = self.door.receive(request_of(environ))
        return Response(verdict.status, f"{verdict.message}\n".encode())


def request_of(environ: Environ) -> Request:
    """Return what was sent, whose body the server has read by now; one that is too large it has refused."""
    # WSGI hands headers over as text of Latin-1: https://peps.python.org/pep-3333/#unicode-issues
    headers = {
        _FIELDS.get(name) or name.removeprefix("HTTP_").replace("_", "-").lower(): str(value).encode("latin-1")
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in _FIELDS
    }
    return Request(headers=headers, body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
