"""Looks whether consumers find what a snapshot says is published. Called by HTTP threads."""

from pathlib import Path

from gitsync.base.errors import from_os_error
from gitsync.telling.events import Failure
from gitsync.telling.status import RepoStatus
from gitsync.volume.forms import publisher_of


def look(snapshot: RepoStatus) -> tuple[bool, Failure | None]:
    """Say whether consumers find a tree, and what there is to be told: that we cannot look comes first."""
    try:
        watched = snapshot.watched
        publisher = publisher_of(watched.publish, Path(watched.link), Path(watched.work))
        found = snapshot.trusted and publisher.leads_to_tree()
    except OSError as error:
        met = from_os_error(error, doing="looking at what is published")
        return False, Failure(reason=met.reason, message=str(met), hint=met.hint)
    return found, snapshot.failure
