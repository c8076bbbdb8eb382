"""What every repository is doing, as frozen snapshots, and what follows from them for the probes.

The worker's thread, and who pauses it, write by replacing a snapshot; any thread reads, or waits for one. Readiness
and liveness are functions of snapshot and clock, so they are fed by the work itself.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gitsync.telling.events import (
    Commit,
    Event,
    Failure,
    Fetching,
    Measured,
    PassFinished,
    PassStarted,
    PointersCounted,
    Probed,
    Published,
    TreesKept,
    Undeletable,
    Verified,
    Waiting,
)

# A worker that is this much (seconds) behind its own announcement hangs.
_SLACK: Final = 30.0
# So many passes are shown.
_REMEMBERED: Final = 20


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is followed: its name, its URL without a login, its ref; where and in which form it is published.

    `work` is the directory of our own files, `verified` says whether only what is signed counts; after `stale_after`
    seconds without a confirmation what is published is stale.
    """

    repo: str
    url: str
    ref: str
    link: str
    publish: str
    work: str
    stale_after: float
    verified: bool = False


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What is published, since when (Unix seconds), and the full ref that led to it, None if that is not known yet.

    `trusted` is False as long as an earlier process has published it, and this one has yet to see it signed.
    """

    commit: Commit
    published_at: float | None
    ref: str | None = None
    trusted: bool = True


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """When the remote has confirmed what is published: in Unix seconds, and in those of a clock that nobody sets."""

    at: float
    clock: float


@dataclass(frozen=True, kw_only=True)
class Pause:
    """That nothing new is to be published: since when (Unix seconds), and what somebody has said of it."""

    since: float
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Latest:
    """The last word of each kind that the work has told; a fetch that has ended is none."""

    probe: Probed | None = None
    fetching: Fetching | None = None
    sizes: Measured | None = None
    pointers: PointersCounted | None = None
    trees: TreesKept | None = None
    undeletable: Undeletable | None = None
    verified: Verified | None = None


# Where the last word of a kind is kept.
_LATEST: Final[dict[type[Event], str]] = {
    Probed: "probe",
    Measured: "sizes",
    PointersCounted: "pointers",
    TreesKept: "trees",
    Undeletable: "undeletable",
}


@dataclass(frozen=True, kw_only=True)
class RepoStatus:
    """One repository; times are seconds, `act_by` on the monotonic clock and all others Unix time.

    `history` has the passes that have ended last, the latest at its end.
    """

    watched: Watched
    act_by: float
    publication: Publication | None = None
    last_attempt: float | None = None
    confirmed: Confirmed | None = None
    next_pass: float | None = None
    failure: Failure | None = None
    paused: Pause | None = None
    history: tuple[PassFinished, ...] = ()
    latest: Latest = Latest()

    @property
    def done(self) -> PassFinished | None:
        """The pass that has ended last."""
        return self.history[-1] if self.history else None

    @property
    def last_success(self) -> float | None:
        """When the remote has last confirmed what is published."""
        return self.confirmed.at if self.confirmed else None

    @property
    def trusted(self) -> bool:
        """Whether something is published that may be relied upon."""
        return self.publication is not None and self.publication.trusted

    @property
    def signature(self) -> Verified | None:
        """What is known of the signature of what is published, None if nothing is."""
        told, published = self.latest.verified, self.publication
        return told if told and published and told.hash == published.commit.hash else None

    @property
    def failures(self) -> int:
        """How many passes have failed in a row."""
        return self.done.consecutive_failures if self.done else 0

    def alive(self, now: float) -> bool:
        """Say whether the worker is within the time that it set itself; `now` is on the monotonic clock."""
        return self.paused is not None or now <= self.act_by + _SLACK

    def answers(self, ticket: int) -> bool:
        """Say whether the pass has ended that a trigger with this ticket was left for."""
        return self.done is not None and self.done.ticket >= ticket

    def stale(self, now: float) -> bool:
        """Say whether it is too long since the remote confirmed what is published; `now` is on the monotonic clock."""
        return self.confirmed is None or now - self.confirmed.clock > self.watched.stale_after


@dataclass(frozen=True, kw_only=True)
class FileStatus:
    """The file of --config: when it was last taken over (Unix seconds), and what is wrong with it since.

    `needs_restart` are the options of the process that it has other values for than the process was started with.
    """

    file: str
    loaded_at: float
    problems: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()


class StatusBoard:
    """The snapshots of all repositories; an observer of their events."""

    def __init__(self, snapshots: Sequence[RepoStatus] = ()) -> None:
        self._snapshots = {snapshot.watched.repo: snapshot for snapshot in snapshots}
        self._changed = threading.Condition()
        self._closed = False
        # Replaced by the main thread.
        self.file: FileStatus | None = None

    def add(self, snapshot: RepoStatus) -> None:
        """Show a repository from now on, in the place of one that had the name. Called by the main thread."""
        with self._changed:
            self._snapshots = {**self._snapshots, snapshot.watched.repo: snapshot}
            self._changed.notify_all()

    def remove(self, repo: str) -> None:
        """Show a repository no longer, and let nobody wait for it. Called by the main thread."""
        with self._changed:
            self._snapshots = {name: each for name, each in self._snapshots.items() if name != repo}
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nobody should wait for anything any more."""
        return self._closed

    def all(self) -> tuple[RepoStatus, ...]:
        """Return the current snapshots. Called by HTTP threads."""
        return tuple(self._snapshots.values())

    def ref_of(self, repo: str) -> str | None:
        """Return the full ref that has led to what is published, None if that is not known. Called by HTTP threads."""
        snapshot = self._snapshots.get(repo)
        return snapshot.publication.ref if snapshot and snapshot.publication else None

    def wait(self, repo: str, ticket: int, *, deadline: float) -> RepoStatus:
        """Return the snapshot when it answers the ticket; else when it is paused, all ends, or the deadline has come.

        It is the last one if the repository is not followed any more. The deadline is in monotonic seconds. Called by
        HTTP threads.
        """
        with self._changed:
            last = self._snapshots[repo]
            self._changed.wait_for(lambda: self._ends_wait(repo, ticket), max(0.0, deadline - time.monotonic()))
            return self._snapshots.get(repo, last)

    def _ends_wait(self, repo: str, ticket: int) -> bool:
        snapshot = self._snapshots.get(repo)
        return self._closed or snapshot is None or snapshot.answers(ticket) or snapshot.paused is not None

    def close(self) -> None:
        """Let nobody wait any more. Called by the main thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def pause(self, repo: str, pause: Pause | None) -> None:
        """Note that a repository is paused, or goes on; then it has a moment before it is expected to do something."""
        self._replace(repo, paused=pause, act_by=time.monotonic())

    def expect(self, repo: str, *, seconds: float) -> None:
        """Note that the worker will be heard of again within so many seconds. Called by the worker."""
        self._replace(repo, act_by=time.monotonic() + seconds)

    def adopt(self, repo: str, commit: Commit, published_at: float | None) -> None:
        """Note what an earlier process has published, and when (Unix seconds). Called before the worker starts."""
        trusted = not self._snapshots[repo].watched.verified
        self._replace(repo, publication=Publication(commit=commit, published_at=published_at, trusted=trusted))

    def notify(self, event: Event) -> None:
        """Follow the worker's events, on its thread."""
        match event:
            case PassStarted():
                self._replace(event.repo, last_attempt=event.started_at, next_pass=None)
            case Waiting():
                self._replace(event.repo, failure=event.failure)
            case Probed() | Measured() | TreesKept() | Undeletable():
                self._replace_latest(event.repo, **{_LATEST[type(event)]: event})
            case Fetching():
                self._replace_latest(event.repo, fetching=event if event.progress else None)
            case Published():
                self._published(event)
            case Verified():
                self._verified(event)
            case PassFinished():
                self._finished(event)
            case _:
                pass

    def _published(self, event: Published) -> None:
        before = self._snapshots[event.repo].publication
        # What this process has not published itself becomes no better by being told of.
        trusted = before is None or before.trusted or before.commit.hash != event.commit.hash
        published = Publication(commit=event.commit, published_at=event.published_at, ref=event.ref, trusted=trusted)
        self._replace(event.repo, publication=published)

    def _verified(self, event: Verified) -> None:
        self._replace_latest(event.repo, verified=event)
        published = self._snapshots[event.repo].publication
        if published and published.commit.hash == event.hash and event.problem is None:
            self._replace(event.repo, publication=replace(published, trusted=True))

    def _finished(self, event: PassFinished) -> None:
        result = event.result
        history = (*self._snapshots[event.repo].history, event)[-_REMEMBERED:]
        changes: dict[str, object] = {"failure": result.failure, "history": history}
        if result.failure is None:
            changes["confirmed"] = Confirmed(at=result.finished_at, clock=time.monotonic())
            publication = self._snapshots[event.repo].publication
            # Another ref may lead to the same commit by now.
            changes["publication"] = publication and replace(publication, ref=result.ref)
        changes["next_pass"] = None if event.next_delay is None else result.finished_at + event.next_delay
        self._replace(event.repo, **changes)

    def _replace_latest(self, repo: str, **changes: object) -> None:
        latest = replace(self._snapshots[repo].latest, **changes)  # type: ignore[arg-type]
        self._replace(repo, latest=latest)

    def _replace(self, repo: str, **changes: object) -> None:
        with self._changed:
            # A request by hand may come too late for one that has just gone.
            if repo in self._snapshots:
                self._snapshots[repo] = replace(self._snapshots[repo], **changes)  # type: ignore[arg-type]
                self._changed.notify_all()
