"""The form of the page, by which a browser asks for a pass. Pure functions.

There are no cookies, and the secret is typed in each time, so another site cannot make use of who looks at the page. It
could have visitors' browsers try secrets out, so a form counts only if the browser says that it is the page's.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qs, urlsplit

from gitsync.receiver.request import Request
from gitsync.server.routes import Environ, Response

_FORM: Final = b"application/x-www-form-urlencoded"
# Bytes: more than any secret and its name.
_LARGEST: Final = 4096
# What a pass has come to is on the page; what else there is to say the answer itself says.
_ON_THE_PAGE: Final = frozenset({200, 202, 409, 424, 504})

Handler = Callable[[Environ, Request], Response]


def or_form(handler: Handler) -> Handler:
    """Return a handler that lets the form in as well, with its secret as the token, and leads back to the page."""

    def handle(environ: Environ, request: Request) -> Response:
        token = _token(request)
        if token is None:
            return handler(environ, request)
        headers = {**request.headers, "authorization": b"Bearer " + token}
        response = handler(environ, replace(request, headers=headers))
        if response.status not in _ON_THE_PAGE:
            return response
        return Response(303, b"", headers=(("Location", "./"),))

    return handle


def _token(request: Request) -> bytes | None:
    """Return what was typed into the form of the page, None if the request is something else."""
    kind = request.header("content-type").partition(b";")[0].strip().lower()
    if kind != _FORM or request.header("authorization") or len(request.body) > _LARGEST or not _is_ours(request):
        return None
    # As bytes, which Python calls so: whatever the browser has made of the characters, the secret has the same.
    fields = parse_qs(request.body.decode("latin-1"), encoding="latin-1")
    return fields.get("token", [""])[-1].encode("latin-1")


def _is_ours(request: Request) -> bool:
    """Say whether the page that has sent it is one of this address.

    https://www.rfc-editor.org/rfc/rfc6454#section-7; what ends TLS before us makes another scheme of it.
    """
    try:
        origin = urlsplit(request.header("origin").decode("latin-1")).netloc
    except ValueError:
        return False
    return bool(origin) and origin.lower() == request.header("host").decode("latin-1").lower()
