"""The smart-HTTP server, in a process of its own, so that its work is not on the measurement's clock."""

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.git_http import GitHttpServer


class Server:
    """Serves every bare repository below a directory."""

    def __init__(self, directory: Path) -> None:
        # Not forked: the threads of the measurement must not be copied half way through something.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(directory, theirs), daemon=True)
        self._process.start()
        self.url = str(self._pipe.recv())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join()

    def sent(self) -> int:
        """Return the bytes of all answers so far, without HTTP's own."""
        self._pipe.send(None)
        return int(self._pipe.recv())


def _serve(directory: Path, pipe: Connection) -> None:
    with GitHttpServer(directory) as server:
        pipe.send(server.url)
        while True:
            try:
                pipe.recv()
            except EOFError:
                return
            pipe.send(sum(request.sent for request in list(server.requests)))
