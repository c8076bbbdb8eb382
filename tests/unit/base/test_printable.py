"""What others have named is shown as it is, and does nothing to a terminal or to the line that it stands in."""

import pytest

from gitsync.base.printable import printable, printable_name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, größer, 日本", "plain, größer, 日本"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\0", r"a\rb\x00"),
        ("abc\u202etxt\u200b", r"abc\u202etxt\u200b"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_does_not_show_is_escaped(text: str, shown: str) -> None:
    """Controls, invisible characters and bytes that are no text are written out."""
    assert printable(text) == shown


def test_name_is_one_bounded_line() -> None:
    """A name may become a label, so that it has no line breaks, and an end."""
    assert printable_name("a\nb\tc") == r"a\nb\tc"
    assert printable_name("a" * 255) == "a" * 255
    assert printable_name("a" * 100_000) == "a" * 255 + "…"
