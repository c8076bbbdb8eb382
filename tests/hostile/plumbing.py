"""Objects that git itself would not make, written into a repository as they are."""

import hashlib
import struct
import zlib
from collections.abc import Sequence

from tests.support.git import git, run_git
from tests.support.origin import Origin

FILE, LINK, DIRECTORY, SUBMODULE = "100644", "120000", "40000", "160000"
Entry = tuple[str, str, bytes]


def write(origin: Origin, kind: str, content: bytes) -> str:
    """Write an object of a kind, whatever is in it; return its hash."""
    command = ("hash-object", "-t", kind, "-w", "--literally", "--stdin")
    return run_git(origin.path, *command, stdin=content).decode().strip()


def tree(origin: Origin, *entries: Entry) -> str:
    """Write a tree of entries (mode, hash, name), in this order."""
    raw = b"".join(b"%s %s\0" % (mode.encode(), name) + bytes.fromhex(hash_) for mode, hash_, name in entries)
    return write(origin, "tree", raw)


def push(origin: Origin, top: str) -> str:
    """Push a commit of a tree; return it."""
    return origin.rewind(git(origin.path, "commit-tree", "-p", "HEAD", "-m", "Odd", top))


def push_file(origin: Origin, name: bytes, *, mode: str = FILE) -> str:
    """Push a commit with one file of a name; return it."""
    return push(origin, tree(origin, (mode, write(origin, "blob", b"x\n"), name)))


def push_commit(origin: Origin, *, author: bytes, message: bytes = b"m", headers: Sequence[bytes] = ()) -> str:
    """Push a commit with an author line and a message as they are, and a file of its own; return it."""
    top = tree(origin, (FILE, write(origin, "blob", author + message[:1000]), b"x"))
    lines = [b"tree %s" % top.encode(), b"parent %s" % origin.head.encode()]
    lines += [b"author %s" % author, b"committer %s" % author, *headers, b"", message]
    commit = write(origin, "commit", b"\n".join(lines))
    # Not by update-ref, which looks at what it is.
    (origin.path / "refs" / "heads" / origin.default_branch).write_text(f"{commit}\n")
    return commit


def deep(origin: Origin, levels: int, *, name: bytes = b"d") -> str:
    """Write a tree so many levels deep, with one file at its bottom; return its hash."""
    bottom = tree(origin, (FILE, write(origin, "blob", b"x\n"), b"f"))
    pack = bytearray(b"PACK" + struct.pack(">II", 2, levels))
    for _ in range(levels):
        content = b"40000 %s\0" % name + bytes.fromhex(bottom)
        bottom = _sha1(b"tree %d\0" % len(content) + content).hex()
        # https://git-scm.com/docs/gitformat-pack: of a tree, with a size of more than 4 bits, and of 11 at most.
        pack += bytes([0xA0 | len(content) & 15, len(content) >> 4]) + zlib.compress(content)
    # A process for each would take minutes.
    run_git(origin.path, "index-pack", "--stdin", stdin=bytes(pack) + _sha1(pack))
    return bottom


def _sha1(content: bytes | bytearray) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()


def everything(origin: Origin) -> bytes:
    """Return a pack of all objects that there are; what refers to what nobody looks at."""
    listed = run_git(origin.path, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return run_git(origin.path, "pack-objects", "--stdout", "--window=0", "--quiet", stdin=listed)
