"""A pointer is three lines of exactly one form; whatever else a file holds is no pointer."""

import pytest

from gitsync.base.pointer import Pointer

OID = "0a" * 32
TEXT = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12\n"


@pytest.mark.parametrize("text", [TEXT, TEXT.rstrip("\n"), TEXT.replace("\n", "\r\n")])
def test_pointer(text: str) -> None:
    """Line ends may be those of another system, and the last may be missing."""
    assert Pointer.parse(text) == Pointer(OID, 12)


def test_text() -> None:
    """What is written is what was read."""
    assert Pointer(OID, 12).text == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        f"{TEXT}\n",
        f"\n{TEXT}",
        f"{TEXT}x",
        TEXT.replace("v1", "v2"),
        TEXT.replace(OID, OID[1:]),
        TEXT.replace("0a", "0A"),
        TEXT.replace("12", "-1"),
        TEXT.replace("12", "9" * 30),
        TEXT.replace("12", "\N{ARABIC-INDIC DIGIT ONE}"),
        TEXT.replace("oid", f"ext-0-x sha256:{OID}\noid"),
    ],
)
def test_no_pointer(text: str) -> None:
    """Other versions, extensions and everything that is not of the form are passed over."""
    assert Pointer.parse(text) is None
