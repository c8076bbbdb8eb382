"""The question for refs in version 2 of git's protocol, and its answer. Pure functions.

https://git-scm.com/docs/gitprotocol-v2#_ls_refs
"""

import re
from collections.abc import Sequence
from typing import Final

from gitsync import __version__
from gitsync.remote.pktline import DELIMITER, FLUSH, framed, lines

_SHA1: Final = 40
# A line is `HASH NAME`, then what is known of it; a name holds no blank, and neither does a hash.
_LINE: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([\x21-\x7e\x80-\xff]+)((?: [\x21-\x7e\x80-\xff]+)*)")
_TARGET: Final = b"symref-target:"
_PEELED: Final = b"peeled:"


def question(names: Sequence[str], *, known: str) -> bytes:
    """Return the request for refs that begin with these names, of a repository with hashes like the one known."""
    capabilities = [f"agent=gitsync/{__version__}"]
    capabilities += [] if len(known) == _SHA1 else ["object-format=sha256"]
    wanted = ["peel", "symrefs", *(f"ref-prefix {name}" for name in names)]
    return b"".join(
        [*map(framed, ["command=ls-refs", *capabilities]), DELIMITER, *map(framed, wanted), FLUSH],
    )


def answer(body: bytes) -> list[tuple[str, str]]:
    """Return what an answer says as lines of `git ls-remote`; raise `ValueError` if any byte is not as it should be."""
    found = []
    seen: set[bytes] = set()
    for line in lines(body):
        match = _LINE.fullmatch(line)
        if not match or match[2] in seen:
            raise ValueError("no ref")
        seen.add(match[2])
        name = match[2].decode(errors="surrogateescape")
        peeled, target = _attributes(match[3].split())
        if target:
            found.append((f"ref: {target}", name))
        found.append((match[1].decode(), name))
        if peeled:
            found.append((peeled, f"{name}^{{}}"))
    return found


def _attributes(written: Sequence[bytes]) -> tuple[str | None, str | None]:
    """Return what a tag leads to, and what a symbolic ref means."""
    peeled = target = None
    for attribute in written:
        if attribute.startswith(_PEELED) and peeled is None:
            peeled = attribute.removeprefix(_PEELED).decode()
            if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", peeled):
                raise ValueError("no hash")
        elif attribute.startswith(_TARGET) and target is None:
            target = attribute.removeprefix(_TARGET).decode(errors="surrogateescape")
        else:
            raise ValueError("no attribute of a ref")
    return peeled, target
