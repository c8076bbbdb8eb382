"""The frames of git's protocol: four hexadecimal digits of length, and what is in them. Pure functions.

https://git-scm.com/docs/gitprotocol-common#_pkt_line_format
"""

import re
from typing import Final

FLUSH: Final = b"0000"
DELIMITER: Final = b"0001"
_LENGTH: Final = 4
_HEX: Final = re.compile(rb"[0-9a-f]{4}")


def framed(line: str) -> bytes:
    """Return a line in its frame."""
    content = f"{line}\n".encode()
    return f"{len(content) + _LENGTH:04x}".encode() + content


def lines(section: bytes) -> list[bytes]:
    """Return the lines of a section that ends with its only flush, which nothing follows; raise `ValueError`."""
    found = []
    at = 0
    while section[at : at + _LENGTH] != FLUSH:
        head = section[at : at + _LENGTH]
        if not _HEX.fullmatch(head):
            raise ValueError("no frame")
        end = at + int(head, 16)
        line = section[at + _LENGTH : end]
        if end > len(section) or not line.endswith(b"\n"):
            raise ValueError("no line")
        found.append(line[:-1])
        at = end
    if at + _LENGTH != len(section):
        raise ValueError("more than a section")
    return found
