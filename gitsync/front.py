"""What the process serves: pages for all, and what needs the secret, at one address or at two.

Used by the main thread; requests come on threads of the servers, and see the repositories that are at work then.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from gitsync.assembly import Surface
from gitsync.base.errors import GitSyncError
from gitsync.base.log import get_logger
from gitsync.config import Bind, Config
from gitsync.receiver.secret import secret_source
from gitsync.server.http import HttpServer
from gitsync.server.page import Page
from gitsync.server.pages import Pages
from gitsync.server.routes import Route, Site
from gitsync.threads import Threads
from gitsync.units import Units

if TYPE_CHECKING:
    from gitsync.receiver.door import Followed
    from gitsync.receiver.peers import Peers
    from gitsync.server.controlling import Controlled


class Front:
    """The HTTP servers of the process, and who passes their events on."""

    def __init__(self, surface: Surface, units: Units, threads: Threads) -> None:
        self._surface = surface
        self._units = units
        self._threads = threads
        self._servers: list[HttpServer] = []
        self._peers: Peers | None = None

    def listen(self, config: Config, *, git_version: Callable[[], str | None]) -> None:
        """Serve all that is asked for; raise `GitSyncError` if that is not possible, and has to be."""
        http, receiver = config.http, config.receiver
        received = self._receiver_routes(config)
        heard_at = self._serve_at(receiver.bind, received, name="receiver") if receiver.bind else None
        page = Page(sync_port=heard_at.bound[1] if heard_at else None, has_form=bool(received) and not receiver.bind)
        pages = Pages(
            board=self._surface.board,
            metrics=self._surface.metrics,
            git_version=git_version,
            page=page if http.page else None,
        ).routes(metrics=http.metrics, stacks=http.pprof)
        if not receiver.bind:
            pages |= received
        served_at = self._serve_at(http.bind, pages, name="http") if http.bind else None
        at = heard_at if receiver.bind else served_at
        if at and self._peers:
            self._threads.spawn("peers", partial(self._peers.run, at.bound))

    def stop(self) -> None:
        """Take no more requests."""
        if self._peers:
            self._peers.stop()
        for server in self._servers:
            server.close()

    def _receiver_routes(self, config: Config) -> dict[str, Route]:
        receiver = config.receiver
        secrets = secret_source(receiver)
        if secrets is None:
            return {}
        # Without a secret nobody needs them.
        from gitsync.receiver.door import Door
        from gitsync.receiver.peers import build_peers
        from gitsync.server.controlling import Controlling
        from gitsync.server.receiving import Receiving

        metrics, board = self._surface.metrics.calls, self._surface.board
        self._peers = build_peers(receiver, self._urls, secrets, metrics)
        door = Door(secrets, self._followed, metrics, only=receiver.provider, peers=self._peers)
        return Receiving(door, board).routes() | Controlling(door, self._controlled, board).routes()

    def _urls(self) -> "list[str]":
        return [unit.repo.repo for unit in self._units.current.values()]

    def _followed(self) -> "list[Followed]":
        return [unit.followed(self._surface.board) for unit in self._units.current.values()]

    def _controlled(self) -> "list[Controlled]":
        return [unit.controlled for unit in self._units.current.values()]

    def _serve_at(self, bind: Bind, routes: Mapping[str, Route], *, name: str) -> HttpServer | None:
        try:
            server = HttpServer(bind, Site(routes), name=name)
        except GitSyncError as error:
            if bind.required:
                raise
            get_logger().warning("http_port_taken", message=str(error), hint=error.hint)
            return None
        self._servers.append(server)
        self._threads.spawn(name, server.serve)
        return server
