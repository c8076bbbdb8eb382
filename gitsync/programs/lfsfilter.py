"""What git asks of files that are kept in LFS, a program of its own: which pointer stands for this content?

git compares the files of a tree with its index through this filter, and so finds those right that have their content in
place of the pointer. It reads only, keeps none of what it reads, and has no answer to any other question: pointers are
replaced by `volume.large`, as git would hold the whole of a file in memory.
https://git-scm.com/docs/gitattributes#_long_running_filter_process

Started by git, which reads the command in its configuration. It imports little, as git starts it anew each time.
"""

import shlex
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from gitsync.base.pointer import LARGEST, Pointer

# For git's configuration. Of Python only what belongs to it is loaded, whatever the environment says.
_START: Final = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); import {__name__} as it; it.main()"
)
SETTINGS: Final = (
    ("filter.lfs.process", shlex.join([sys.executable, "-I", "-S", "-c", _START])),
    # What has no answer stays as it is.
    ("filter.lfs.required", "false"),
)
_FLUSH: Final = b"0000"
_LENGTH: Final = 4


def main() -> None:
    """Answer until git closes its end."""
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(read: BinaryIO, write: BinaryIO) -> None:
    """Speak version 2 of git's protocol for filters: the greetings, then one file after another."""
    for said in (["git-filter-server", "version=2"], ["capability=clean"]):
        list(_section(read))
        _send(write, "".join(f"{line}\n" for line in said).encode().splitlines(keepends=True))
    while list(_section(read)):
        pointer = _pointer(_section(read))
        _send(write, [b"status=success\n"])
        _send(write, [pointer] if pointer else [])
        # That the status stays what it was.
        _send(write, [])


def _pointer(content: Iterator[bytes]) -> bytes:
    """Return the pointer for a content; one that is a pointer already, or empty, stands for itself."""
    digest, size, head = sha256(), 0, b""
    for part in content:
        digest.update(part)
        size += len(part)
        if len(head) <= LARGEST:
            head += part
    if size <= LARGEST and (not head or Pointer.parse(head.decode(errors="replace"))):
        return head
    return Pointer(digest.hexdigest(), size).text.encode()


def _section(read: BinaryIO) -> Iterator[bytes]:
    """Yield what is in the frames up to the next flush, or up to the end."""
    while (head := read.read(_LENGTH)) not in {_FLUSH, b""}:
        yield read.read(int(head, 16) - _LENGTH)


def _send(write: BinaryIO, lines: list[bytes]) -> None:
    for line in lines:
        write.write(b"%04x%s" % (len(line) + _LENGTH, line))
    write.write(_FLUSH)
    write.flush()
