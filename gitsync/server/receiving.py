"""The routes of the receiver: requests as they come over HTTP, for the door to judge. Called by HTTP threads."""

from dataclasses import dataclass
from http import HTTPStatus

from gitsync.receiver.door import Door
from gitsync.receiver.request import Request
from gitsync.server.asked import asked, names_one, no_such_repository
from gitsync.server.routes import Environ, Response, Route
from gitsync.telling.status import StatusBoard

_FIELDS = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}


@dataclass(frozen=True)
class Receiving:
    """What lets webhooks in."""

    door: Door
    board: StatusBoard

    def routes(self) -> dict[str, Route]:
        """Return the routes by their paths."""
        return {"/webhook": Route("POST", self._webhook)}

    def _webhook(self, environ: Environ) -> Response:
        snapshots = self.board.all()
        named = {each.watched.repo for each in asked(environ, snapshots)} if names_one(environ) else None
        verdict = self.door.receive(request_of(environ), only=named)
        if named == set() and verdict.status == HTTPStatus.NOT_FOUND:
            return no_such_repository(snapshots)
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
