"""The filter speaks git's protocol, and says of each content which pointer stands for it."""

import hashlib
from io import BytesIO

import pytest

from gitsync.programs.lfsfilter import serve
from tests.support.lfs import pointer_to

FLUSH = b"0000"


def framed(*parts: bytes) -> bytes:
    """Return a section of git's protocol."""
    return b"".join(b"%04x%s" % (len(part) + 4, part) for part in parts) + FLUSH


GREETING = framed(b"git-filter-client\n", b"version=2\n") + framed(b"capability=clean\n", b"capability=smudge\n")
ANSWER = framed(b"git-filter-server\n", b"version=2\n") + framed(b"capability=clean\n")


def asked(*contents: list[bytes]) -> bytes:
    """Return what the filter says to contents that come in these parts."""
    question = b"".join(framed(b"command=clean\n", b"pathname=a b.bin\n") + framed(*parts) for parts in contents)
    said = BytesIO()
    serve(BytesIO(GREETING + question), said)
    assert said.getvalue().startswith(ANSWER)
    return said.getvalue().removeprefix(ANSWER)


@pytest.mark.parametrize(
    "parts", [[b"small"], [b"x" * 65516, b"y" * 65516, b"z"], [b"v" * 1024], [pointer_to(b"x").encode() + b"\n" * 900]]
)
def test_content(parts: list[bytes]) -> None:
    """A content has a pointer, however many parts it comes in."""
    pointer = pointer_to(b"".join(parts)).encode()
    assert asked(parts) == framed(b"status=success\n") + framed(pointer) + FLUSH


@pytest.mark.parametrize("content", [b"", pointer_to(b"other").encode()], ids=["empty", "a pointer"])
def test_what_stands_for_itself(content: bytes) -> None:
    """What is empty, or a pointer already, stays what it is."""
    whole = framed(content) if content else FLUSH
    assert asked([content] if content else []) == framed(b"status=success\n") + whole + FLUSH


def test_several() -> None:
    """One file after another is answered, until git closes its end."""
    assert asked([b"a"], [b"b"]).count(b"oid sha256:") == 2
    assert hashlib.sha256(b"b").hexdigest().encode() in asked([b"a"], [b"b"])


def test_nothing_is_asked() -> None:
    """git may end before it has greeted."""
    said = BytesIO()
    serve(BytesIO(b""), said)
