"""The question for refs and its answer: what is not exactly an answer is none."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsync.remote.lsrefs import answer, question
from gitsync.remote.pktline import DELIMITER, FLUSH, framed

HASH, OTHER, LONG = "1" * 40, "2" * 40, "3" * 64
MAIN, TAG = "refs/heads/main", "refs/tags/v1"


def told(*lines: str) -> bytes:
    """Return an answer of these lines."""
    return b"".join(map(framed, lines)) + FLUSH


GOOD = told(f"{HASH} HEAD symref-target:{MAIN}", f"{HASH} {MAIN}", f"{OTHER} {TAG} peeled:{HASH}")


LINES = [(f"ref: {MAIN}", "HEAD"), (HASH, "HEAD"), (HASH, MAIN), (OTHER, TAG), (HASH, f"{TAG}^{{}}")]


def test_answer() -> None:
    """Hashes, what a tag leads to, and what a symbolic ref means, as git lists them."""
    assert answer(GOOD) == LINES
    assert answer(FLUSH) == []


def test_name_that_is_no_text() -> None:
    """Bytes of a name come out as they are in the name of a file."""
    named = b"".join([b"0033", HASH.encode(), b" refs/\xff\n", FLUSH]).replace(b"0033", b"0034")
    assert answer(named) == [(HASH, "refs/\udcff")]


@pytest.mark.parametrize("known", [HASH, LONG])
def test_question(known: str) -> None:
    """It names what is wanted, and the form of hashes where that is not the usual one."""
    asked = question([MAIN], known=known)
    assert asked.startswith(b"0014command=ls-refs\n")
    assert (b"object-format=sha256\n" in asked) is (known == LONG)
    assert asked.partition(DELIMITER)[2] == b"0009peel\n000csymrefs\n001fref-prefix refs/heads/main\n0000"


BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "no end": GOOD.removesuffix(FLUSH),
    "more after the end": GOOD + FLUSH,
    "a page": b"<html>moved</html>",
    "delimiter": GOOD.removesuffix(FLUSH) + DELIMITER + FLUSH,
    "length of the frame itself": b"0004" + FLUSH,
    "shorter than its frame": b"0003" + FLUSH,
    "longer than the answer": b"ffff" + FLUSH,
    "large digits": b"003D" + GOOD[4:],
    "no line end": b"0032" + f"{HASH} HEADER".encode()[:46] + FLUSH,
    "short hash": told(f"{HASH[:-1]} {MAIN}"),
    "large hash": told(f"{'A' * 40} {MAIN}"),
    "unborn": told("unborn HEAD symref-target:refs/heads/main"),
    "two blanks": told(f"{HASH}  {MAIN}"),
    "blank at the end": told(f"{HASH} {MAIN} "),
    "unknown attribute": told(f"{HASH} {MAIN} more:1"),
    "peeled to nothing": told(f"{OTHER} {TAG} peeled:"),
    "peeled twice": told(f"{OTHER} {TAG} peeled:{HASH} peeled:{OTHER}"),
    "a ref twice": told(f"{HASH} {MAIN}", f"{OTHER} {MAIN}"),
    "line break": told(f"{HASH} {MAIN}\n{OTHER} {TAG}"),
    "error": framed("ERR no such repository") + FLUSH,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_is_no_answer(body: bytes) -> None:
    """A byte that is not as it should be makes all of it worthless."""
    with pytest.raises(ValueError, match=r"^no |^more than"):
        answer(body)


def decided(body: bytes) -> list[tuple[str, str]] | None:
    """Return the lines of an answer, None for what is none."""
    try:
        return answer(body)
    except ValueError:
        return None


@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    """Whatever a server sends, it says something of a ref only if that is framed as it should be."""
    found = decided(body)
    assert not found or any(f"{value} {name}".encode(errors="surrogateescape") in body for value, name in found)


MUTATIONS: list[Callable[[bytes, int, int], bytes]] = [
    lambda body, at, byte: body[:at] + bytes([byte]) + body[at + 1 :],
    lambda body, at, byte: body[:at] + bytes([byte]) + body[at:],
    lambda body, at, byte: body[:at] + body[at + 1 :],
    lambda body, at, byte: body[:at],
]


@given(st.sampled_from(MUTATIONS), st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_fault_on_the_way(mutate: Callable[[bytes, int, int], bytes], at: int, byte: int) -> None:
    """A byte more, less or another never makes it say more than it says."""
    body = mutate(GOOD, at, byte)
    found, whole = decided(body), LINES
    # Another digit of a hash, or letter of a name, cannot be told from what a server means.
    if found is not None and body != GOOD:
        assert len(body) == len(GOOD)
        assert found != whole or mutate is MUTATIONS[0]
