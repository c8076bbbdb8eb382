"""What is made of a corpus: pieces go, come, are repeated and exchanged, and now and then it is anything at all."""

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

# Bytes.
_LONGEST: Final = 65536
# What parsers stumble over.
_TOKENS: Final = (
    *(
        b"\0",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"\t",
        b"\x1b[2J",
        b"\x85",
        b"\xff",
        b"\xe2\x80\xa8",
        b"\xed\xa0\x80",
        b"\xd9\xa3",
    ),
    *(
        b"..",
        b"/",
        b"-",
        b"--",
        b"'",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"&a",
        b"*a",
        b"!!",
        b"|",
        b">",
        b"#",
        b",",
        b"=",
    ),
    *(
        b"0000",
        b"0004",
        b"ffff",
        b"9" * 30,
        b"1e999",
        b"-1",
        b"NaN",
        b"null",
        b"true",
        b"0x",
        b"%00",
        b"%",
        b"$x",
        b"~",
    ),
    *(b"@", b":", b"://", b"::", b"[::1]", b"refs/heads/", b"^{}", b"a" * 40, b"sha256=", b"Bearer ", b"Basic "),
)
_WHERE: Final = st.floats(0, 1)
_EDIT: Final = st.tuples(
    st.sampled_from(["insert", "delete", "repeat", "replace", "move"]),
    _WHERE,
    _WHERE,
    st.integers(0, 40),
    st.sampled_from(_TOKENS) | st.binary(max_size=8),
    st.sampled_from([1, 2, 3, 10, 100, 3000]),
)
_Edit = tuple[str, float, float, int, bytes, int]


def inputs(corpus: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return what a parser is shown."""
    edited = st.builds(_edited, st.sampled_from(list(corpus)), st.lists(_EDIT, max_size=6))
    return edited | st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode(errors="replace"))


def _edited(seed: bytes, edits: Sequence[_Edit]) -> bytes:
    for kind, where, other, length, token, count in edits:
        at, to = round(where * len(seed)), round(other * len(seed))
        piece = seed[at : at + length]
        if kind == "insert":
            seed = seed[:at] + token * min(count, 100) + seed[at:]
        elif kind == "delete":
            seed = seed[:at] + seed[at + length :]
        elif kind == "repeat":
            seed = seed[:at] + piece * count + seed[at:]
        elif kind == "replace":
            seed = seed[:at] + token + seed[at + len(token) :]
        else:
            seed = seed[:to] + piece + seed[to:]
    return seed[:_LONGEST]
