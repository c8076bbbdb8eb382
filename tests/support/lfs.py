"""What a server has for git-lfs: the API by which it is asked for contents, and these. It is part of `git_http`.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import hashlib
import json
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.origin import Content, Executable, Origin
from tests.support.web import Reply

PREFIX = "/info/lfs/objects/"
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
# Seconds.
_PATIENCE = 60.0
_TYPE = {"Content-Type": "application/vnd.git-lfs+json"}

needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")


def oid_of(content: bytes) -> str:
    """Return what a content is known by."""
    return hashlib.sha256(content).hexdigest()


def pointer_to(content: bytes) -> str:
    """Return the file that stands for a content in a commit."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid_of(content)}\nsize {len(content)}\n"


def keep(repository: Path, content: bytes) -> str:
    """Have a repository on this machine keep a content in LFS; return the pointer."""
    oid = oid_of(content)
    place = repository / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return pointer_to(content)


class LfsContents:
    """The contents of one server by their hashes; a test may take some away, or put others in their place."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        # The server that has the contents themselves, if it is another one, and the login that it wants.
        self.elsewhere: str | None = None
        self.header: dict[str, str] = {}
        # While this is not set nothing is answered about contents; and how many wait for that.
        self.flowing = threading.Event()
        self.flowing.set()
        self.waiting = 0

    def add(self, content: bytes) -> str:
        """Have a content; return its pointer."""
        self.contents[oid_of(content)] = content
        return pointer_to(content)

    def commit(self, origin: Origin, files: Mapping[str, bytes], **others: Content) -> str:
        """Commit files that are kept in LFS, and others; return the commit."""
        pointers = {path: self.add(content) for path, content in files.items()}
        programs = {path: Executable(text) for path, text in pointers.items() if path.startswith("bin/")}
        return origin.commit({".gitattributes": ATTRIBUTES, **pointers, **programs, **others})

    def answer(self, method: str, path: str, body: bytes, base: str) -> Reply:
        """Answer a request for a path that has `PREFIX` in it; `base` is the address of this server."""
        repository, _, name = path.partition(PREFIX)
        self.waiting += 1
        self.flowing.wait(_PATIENCE)
        self.waiting -= 1
        if name == "batch":
            return self._batch(json.loads(body), f"{self.elsewhere or base}{repository}{PREFIX}")
        if method == "PUT":
            self.contents[name] = body
            return Reply()
        return Reply(200, self.contents[name]) if name in self.contents else Reply(404)

    def _batch(self, asked: dict[str, object], place: str) -> Reply:
        objects = asked["objects"]
        assert isinstance(objects, list)
        told = [self._object(one, str(asked["operation"]), place) for one in objects]
        return Reply(200, json.dumps({"transfer": "basic", "objects": told}).encode(), _TYPE)

    def _object(self, asked: dict[str, object], operation: str, place: str) -> dict[str, object]:
        oid = str(asked["oid"])
        if (oid in self.contents) == (operation == "upload"):
            # It need not be sent, or cannot be had.
            return asked if operation == "upload" else {**asked, "error": {"code": 404, "message": "it is not here"}}
        action = {"href": f"{place}{oid}", "header": self.header}
        return {**asked, "authenticated": bool(self.header), "actions": {operation: action}}
