"""Whether a verified event is about what a repository follows. Pure functions.

An event narrows what is done, and only where it leaves no doubt: a pass too many costs one question to the remote.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from gitsync.base.printable import printable_name
from gitsync.config import is_full_hash, transport
from gitsync.receiver.delivery import Delivery
from gitsync.remote.choice import Choice
from gitsync.remote.named import full_names

Relevance = Literal["accepted", "ping", "other_ref", "other_repository"]

# Azure DevOps has it in the paths of repositories, of which one repository has several.
# https://learn.microsoft.com/en-us/azure/devops/repos/git/clone
_MANY_PATHS: Final = "_git"
_SCP_LIKE: Final = re.compile(r"(?:[^@/]*@)?(\[[^\]]*\]|[^:/]+):(.*)", re.DOTALL)


def relevance(delivery: Delivery, *, repo: str, ref: str | Choice, resolved: str | None) -> Relevance:
    """Say what an event means for a repository: its URL, and what it follows, a ref as written or a choice of several.

    `resolved` is what the ref was found to be last, None if that is not known.
    """
    if delivery.is_ping:
        return "ping"
    if not _may_be_repository(delivery.repositories or (), repo):
        return "other_repository"
    return "accepted" if _may_be_ref(delivery, ref, resolved) else "other_ref"


def _may_be_ref(delivery: Delivery, ref: str | Choice, resolved: str | None) -> bool:
    """Say whether an event may be about a ref.

    It may if it does not say which refs it is about. HEAD is the default branch that the event names, and what HEAD was
    last; if neither is known it may be any ref. Another name stands for every ref that git takes it for, so `main` is a
    branch or a tag. A commit is in no ref or in several. Of several refs it may be any that could be chosen.
    """
    if not delivery.refs:
        return True
    if isinstance(ref, Choice):
        return any(ref.rank(name) is not None for name in delivery.refs)
    if is_full_hash(ref):
        return True
    if ref == "HEAD":
        branch = delivery.default_branch
        named = {f"refs/heads/{branch}" if branch else "", resolved or ""}
        followed = {name for name in named if name.startswith("refs/")}
    else:
        followed = set(full_names(ref))
    # The refs of an event, and what was resolved, are in the form in which they may be shown.
    return not followed or not {printable_name(name) for name in followed}.isdisjoint(delivery.refs)


@dataclass(frozen=True)
class _Place:
    """Where a repository is: a host, empty if a name has none, and the parts of its path."""

    host: str
    path: tuple[str, ...]


class _Match(Enum):
    SAME = 1
    UNCLEAR = 2
    UNLIKE = 3
    OTHER = 4


def _may_be_repository(names: Sequence[str], repo: str) -> bool:
    """Say whether an event that calls its repository by these names may be about the one with this URL.

    Names are compared without scheme, user, port, `.git` and the size of letters. One that is the same is enough, and
    of a name without a host (`org/name`) it is enough if the path of the URL ends with it. Else a name with the host of
    the URL and another path is another repository's. A name with another host may be ours by another way (a mirror, a
    name inside of the cluster, an alias of ssh, `ssh.` before the host), and so may a name without one; it is another
    repository's only if not even the last parts of the paths are the same. So it is another repository if one name says
    so for sure, or if the last part of the path is in no name. A local path says nothing of what it is elsewhere.
    """
    ours = _place(repo)
    if transport(repo) == "file" or ours is None:
        return True
    matches = {_compare(ours, theirs) for theirs in map(_place, names) if theirs}
    return not matches or _Match.SAME in matches or (_Match.OTHER not in matches and matches != {_Match.UNLIKE})


def _compare(ours: _Place, theirs: _Place) -> _Match:
    if not theirs.host and ours.path[-len(theirs.path) :] == theirs.path:
        return _Match.SAME
    if theirs.host == ours.host:
        if theirs.path == ours.path:
            return _Match.SAME
        if _MANY_PATHS not in (*ours.path, *theirs.path):
            return _Match.OTHER
    return _Match.UNCLEAR if theirs.path[-1] == ours.path[-1] else _Match.UNLIKE


def _place(name: str) -> _Place | None:
    """Return where a URL, an address (`git@host:org/name`) or a name (`org/name`) leads; None if nowhere."""
    if "://" not in name and (address := _SCP_LIKE.fullmatch(name)):
        name = f"ssh://{address[1]}/{address[2]}"
    try:
        parts = urlsplit(name if "://" in name else f"///{name}")
        host = parts.hostname or ""
    except ValueError:
        return None
    path = tuple(filter(None, unquote(parts.path).casefold().split("/")))
    if not path or ("://" in name and not host):
        return None
    return _Place(host.rstrip("."), (*path[:-1], path[-1].removesuffix(".git")))
