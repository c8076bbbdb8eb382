"""Which repositories a request is about: all, or those that its `?repo=` names. Called by HTTP threads."""

from collections.abc import Sequence
from urllib.parse import parse_qs

from gitsync.base.redact import scrub
from gitsync.server.routes import Environ, Response
from gitsync.telling.status import RepoStatus, called


def asked(environ: Environ, snapshots: Sequence[RepoStatus]) -> list[RepoStatus]:
    """Return what is asked about: everything, or the repository that is named, so that no neighbour answers."""
    found = list(snapshots)
    for name in _names(environ):
        found = called(name, found)
    return found


def names_one(environ: Environ) -> bool:
    """Say whether a repository is named."""
    return bool(_names(environ))


def no_such_repository(snapshots: Sequence[RepoStatus]) -> Response:
    """Answer that it is not followed here, and which are."""
    names = ", ".join(snapshot.watched.repo for snapshot in snapshots)
    told = f"no such repository here, but {names}; another gitsync has this port, or the name is wrong\n"
    return Response(404, scrub(told).encode())


def _names(environ: Environ) -> list[str]:
    return parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get("repo", [])
