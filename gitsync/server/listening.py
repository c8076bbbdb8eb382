"""Takes an address to serve at. Called by the main thread."""

import errno
import socket

from gitsync.base.errors import GitSyncError
from gitsync.config import Bind


def listen(bind: Bind) -> socket.socket:
    """Return a listening socket; an empty host means all addresses of both families where the system has them.

    Raises `GitSyncError`.
    """
    try:
        if not bind.host and socket.has_dualstack_ipv6():
            return socket.create_server(("", bind.port), family=socket.AF_INET6, dualstack_ipv6=True)
        family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
        return socket.create_server((bind.host, bind.port), family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise GitSyncError(
            f"cannot listen on {bind.host or '*'}:{bind.port}: {error.strerror}",
            reason="port_taken" if taken else "http",
            hint="give each container of a pod a port of its own with --http-bind, which its probes name, or `off`",
        ) from error
