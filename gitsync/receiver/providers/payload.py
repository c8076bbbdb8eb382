"""Reads what a verified event says of itself, whatever that looks like. Pure functions that raise nothing.

Who knows the secret may still send anything: what has another type or size than it should have counts as not there.
Refs and what is logged come out fit to be shown.
"""

import binascii
import json
from collections.abc import Iterable
from itertools import islice
from typing import Final

from gitsync.base.printable import printable_name
from gitsync.receiver.request import Request

_LONGEST: Final = 2048
# An event about more of them is about anything.
_MOST: Final = 100
_KINDS: Final = {"branch": "refs/heads/", "tag": "refs/tags/"}
_FORM: Final = b"application/x-www-form-urlencoded"
_FIELD: Final = b"payload="


def document(request: Request) -> bytes:
    """Return the JSON of a request: its body, or the field `payload` of a form.

    curl calls everything a form, so one without that field may be JSON as well.
    """
    if not request.header("Content-Type").lower().startswith(_FORM):
        return request.body
    field = next((field for field in request.body.split(b"&", _MOST) if field.startswith(_FIELD)), None)
    if field is None:
        return request.body
    # The same as urllib.parse.unquote_to_bytes, which makes an object of each escape: of a large form, a hundred
    # megabytes for somebody who has not proved anything. https://docs.python.org/3/library/binascii.html#binascii.a2b_qp
    encoded = field.removeprefix(_FIELD).replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"=")
    return binascii.a2b_qp(encoded)


def parse(request: Request) -> object:
    """Return the values of a request's JSON; None if there is none. Numbers are of no use here, and may be endless."""
    try:
        return json.loads(document(request), parse_int=_none, parse_float=_none, parse_constant=_none)
    except (ValueError, RecursionError):
        return None


def _none(number: str) -> None:
    return None


def at(value: object, *path: str) -> object:
    """Return what lies behind these keys; None if there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: object, *path: str) -> str | None:
    """Return the text behind these keys; None if there is none, or one that is too long to be a name."""
    found = at(value, *path)
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST else None


def entries(value: object, *path: str) -> list[object]:
    """Return the entries of the list behind these keys; none if there is no list."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def label(written: bytes | str | None) -> str:
    """Return a word of the sender's as it may be logged."""
    shown = written.decode(errors="replace") if isinstance(written, bytes) else written
    return printable_name(shown or "")


def full_name(kind: str | None, name: str | None) -> str | None:
    """Return the full name of a branch or a tag; None if there is no name, or if it is of another kind."""
    if not name or name.startswith("refs/"):
        return name
    return _KINDS[kind] + name if kind in _KINDS else None


def refs(names: Iterable[str | None]) -> tuple[str, ...] | None:
    """Return the full names of all refs that an event is about; None if there is one that is not understood."""
    found = list(islice(names, _MOST + 1))
    named = [printable_name(name) for name in found if name and name.startswith("refs/")]
    return tuple(dict.fromkeys(named)) if named and len(named) == len(found) <= _MOST else None


def repositories(names: Iterable[str | None]) -> tuple[str, ...] | None:
    """Return the names by which an event calls its repository; None if there are none."""
    return tuple(dict.fromkeys(name for name in islice(names, _MOST) if name)) or None
