"""Which repositories a request is about: all, or those that its `?repo=` names. Called by HTTP threads."""

from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import parse_qs

from gitsync.base.redact import scrub
from gitsync.server.routes import Environ, Response
from gitsync.telling.status import RepoStatus


def asked(environ: Environ, snapshots: Sequence[RepoStatus]) -> list[RepoStatus]:
    """Return what is asked about: everything, or the repository that is named, so that no neighbour answers."""
    found = list(snapshots)
    for name in _names(environ):
        found = called(name, found)
    return found


def called(name: str, snapshots: Sequence[RepoStatus]) -> list[RepoStatus]:
    """Return what somebody means who names a repository: by its name, or else a URL, or the last part of a link."""
    named = [each for each in snapshots if each.watched.repo == name]
    return named or [each for each in snapshots if name in {each.watched.url, PurePath(each.watched.link).name}]


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
