"""Text as people and programs really write it: with a byte order mark, with line breaks of other systems or too many.

Pure functions.
"""

import codecs
from typing import Final

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(content: bytes) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with its mark, as some shells write it; raise `ValueError`."""
    text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    if "\0" in text:
        raise ValueError("a NUL character")
    return text


def unwrapped(written: str) -> str:
    """Return what is meant: the line breaks around it, and a byte order mark, are what editors and programs add."""
    return written.strip("\r\n").removeprefix("\ufeff").strip("\r\n")


def entries(written: str) -> tuple[str, ...]:
    """Return the lines of a text that lists something, without those that hold nothing.

    Nothing else ends a line, whatever Unicode says: of a text that others have a say in they could make more of them.
    """
    return tuple(line for line in lines(unwrapped(written)).split("\n") if line.strip())


def lines(written: str) -> str:
    """Return a text with the line breaks that programs want, the last line included."""
    text = written.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else f"{text}\n"
