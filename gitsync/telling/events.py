"""What the core tells the rest: a handful of typed events, and who may listen.

Events are frozen values. An observer is called on the worker's thread, in the order of registration. An observer that
fails is logged and passed over, with one exception: a `PublishVetoed` raised on `BeforeStage` or `BeforePublish` stops
the publication.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from gitsync.base.errors import PublishVetoed
from gitsync.base.log import get_logger
from gitsync.telling.progress import Progress

Outcome = Literal["updated", "unchanged", "repaired", "failed"]
Moved = Literal["back", "rewritten"]
Source = Literal["start", "period", "signal", "webhook", "file", "sync", "peer"]


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit as it matters here.

    `author_date` is in ISO 8601, `commit_time` in Unix seconds; each is None where the commit's own is unusable.
    `author` is a name, `subject` what the message begins with; both are cut, and fit to be shown.
    """

    hash: str
    author_date: str | None = None
    commit_time: float | None = None
    author: str | None = None
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a pass failed: a stable reason, a scrubbed message, and what to do.

    `retry_in` is set where the remote is fine and what it has was refused: seconds until that is tried again.
    `retry_after` is where the remote has asked for so many seconds to be left alone.
    """

    reason: str
    message: str
    hint: str | None = None
    retry_in: float | None = None
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class SyncResult:
    """The outcome of one pass; durations, of the steps as well, are seconds, and `finished_at` is in Unix seconds.

    `commit` is what is published, `wanted` the hash that the remote has, None where the pass has not asked for it.
    `moved` says that what was published is older than what was before, or of another history, as far as that is known.
    """

    outcome: Outcome
    duration: float
    finished_at: float
    commit: Commit | None = None
    ref: str | None = None
    wanted: str | None = None
    moved: Moved | None = None
    failure: Failure | None = None
    phases: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Triggers:
    """What one pass is run for: when each source was first left for it (monotonic seconds), in the order of arrival.

    `ticket` is the number that whoever left one of them was given; it grows by one with each that is taken together.
    """

    ticket: int
    left_at: Mapping[Source, float]

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources alone."""
        return tuple(self.left_at)


@dataclass(frozen=True, kw_only=True)
class PassStarted:
    """A pass begins; `started_at` is in Unix seconds."""

    repo: str
    triggers: Triggers
    started_at: float


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A pass waits for something that may take long, or not any more: then `failure` is None."""

    repo: str
    failure: Failure | None


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """What is published was not as it was left, and is again."""

    repo: str


@dataclass(frozen=True, kw_only=True)
class Probed:
    """The remote was asked whether anything is new; `obstacle` says why that is for git alone, None if it is not."""

    repo: str
    via: Literal["http", "git"]
    outcome: Literal["unchanged", "changed", "unsure", "failed"]
    obstacle: str | None = None


@dataclass(frozen=True, kw_only=True)
class CredentialAsked:
    """Another server was asked for a credential, and gave one or not."""

    repo: str
    source: Literal["askpass", "github_app"]
    succeeded: bool


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """A fetch from a remote, or from a submodule's, goes on, or not any more: then `progress` is None."""

    repo: str
    remote: str
    progress: Progress | None


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """An update needed a fetch, and it succeeded."""

    repo: str


@dataclass(frozen=True, kw_only=True)
class BeforeStage:
    """A commit is about to be fetched and staged; raising `PublishVetoed` saves the work."""

    repo: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class BeforePublish:
    """A complete tree is staged; raising `PublishVetoed` keeps the old one.

    `deadline` is the pass's, in seconds of the monotonic clock. `changed` returns the tracked files that are not as in
    the commit, and raises `GitSyncError`.
    """

    repo: str
    commit: Commit
    tree: Path
    deadline: float = math.inf
    changed: Callable[[], Sequence[str]] = list


@dataclass(frozen=True, kw_only=True)
class Published:
    """The link now leads to this tree (`fresh`), or was found leading to it by the first pass after a start.

    `published_at` is in Unix seconds; `again` says that it is another tree of a commit that was told of before, in the
    place of a damaged one.
    """

    repo: str
    commit: Commit
    ref: str
    tree: Path
    published_at: float
    fresh: bool
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What is published was verified: `signer` has signed it with the key of the fingerprint `key`, or `problem` says
    why there is no signature that counts."""

    repo: str
    hash: str
    signer: str | None = None
    key: str | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class TreeTaken:
    """A tree was used again before its time, `left_for` seconds after the link has left it."""

    repo: str
    tree: Path
    left_for: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Disk use in bytes, as allocated."""

    repo: str
    store_size: int
    tree_size: int


@dataclass(frozen=True, kw_only=True)
class PointersCounted:
    """So many files of what is published are pointers to content that is kept in LFS."""

    repo: str
    count: int


@dataclass(frozen=True, kw_only=True)
class TreesKept:
    """So many trees are there beside the published one: `left` have readers perhaps, `standbys` wait for an update."""

    repo: str
    left: int
    standbys: int


@dataclass(frozen=True, kw_only=True)
class Undeletable:
    """So many directories are not needed any more and cannot be removed."""

    repo: str
    count: int


@dataclass(frozen=True, kw_only=True)
class PassFinished:
    """A pass has ended; `next_delay` is the seconds until the next one, None when there is none to come.

    All that was left under this `ticket`, or an earlier one, is done with it.
    """

    repo: str
    ticket: int
    result: SyncResult
    consecutive_failures: int
    next_delay: float | None


Event = (
    PassStarted
    | Waiting
    | Probed
    | CredentialAsked
    | Fetching
    | Fetched
    | BeforeStage
    | BeforePublish
    | Published
    | Repaired
    | Verified
    | TreeTaken
    | Measured
    | PointersCounted
    | TreesKept
    | Undeletable
    | PassFinished
)


class Observer(Protocol):
    """Anything that wants to know; it ignores the events that it does not care for."""

    def notify(self, event: Event) -> None:
        """Hear of an event, on the worker's thread; raise `PublishVetoed` to stop a publication."""


class Observers:
    """Fans events out and holds the one failure rule."""

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = tuple(observers)

    def notify(self, event: Event) -> None:
        """Tell every observer; raise only the veto of a `BeforeStage` or `BeforePublish`. Called by the worker."""
        for observer in self._observers:
            try:
                observer.notify(event)
            except Exception as error:
                if isinstance(event, BeforeStage | BeforePublish) and isinstance(error, PublishVetoed):
                    raise
                name = type(observer).__name__
                get_logger(repo=event.repo).error("observer_failed", observer=name, message=str(error))
