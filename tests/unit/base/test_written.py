"""Text as people write it is text as programs want it."""

import pytest

from gitsync.base.written import decode, lines, unwrapped


@pytest.mark.parametrize(
    "content",
    [b"w\xc3\xb6rd", b"\xef\xbb\xbfw\xc3\xb6rd", "wörd".encode("utf-16"), b"\xfe\xff" + "wörd".encode("utf-16-be")],
)
def test_encodings(content: bytes) -> None:
    """A mark at the beginning says how the rest is to be read, and is no part of it."""
    assert decode(content) == "wörd"


@pytest.mark.parametrize("content", [b"\xff\xff", b"a\0b", b"\xff\xfe\0", "wörd".encode("latin-1")])
def test_what_is_no_text(content: bytes) -> None:
    """Half a character and a NUL are refused."""
    with pytest.raises(ValueError, match=r"."):
        decode(content)


@pytest.mark.parametrize("written", ["word", "word\n", "word\r\n", "word\n\n\r\n", "\nword", "\ufeffword\n"])
def test_line_breaks_around_are_not_meant(written: str) -> None:
    """Editors and programs put them there."""
    assert unwrapped(written) == "word"


@pytest.mark.parametrize("written", [" word ", "wo\nrd", "\tword"])
def test_all_else_is_meant(written: str) -> None:
    """A blank may be part of a password."""
    assert unwrapped(written) == written


@pytest.mark.parametrize("written", ["a\nb\n", "a\nb", "a\r\nb\r\n", "a\rb"])
def test_lines(written: str) -> None:
    """Each line ends as lines do."""
    assert lines(written) == "a\nb\n"
