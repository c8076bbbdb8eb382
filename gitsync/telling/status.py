"""What every repository is doing, as frozen snapshots, and what follows from them for the probes.

The worker's thread writes by replacing a snapshot; any thread reads. Readiness and liveness are functions of snapshot
and clock, so they are fed by the work itself.
"""

import time
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from gitsync.telling.events import Commit, Event, Failure, PassFinished, PassStarted, Published, Waiting

# A worker that is this much (seconds) behind its own announcement hangs.
_SLACK: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is followed, where it is published, and after how many seconds without a confirmation that is stale."""

    repo: str
    ref: str
    link: str
    stale_after: float

    def is_called(self, name: str) -> bool:
        """Say whether a probe that names a URL, or a link by the last part of its path, means this one."""
        return name in {self.repo, PurePath(self.link).name}


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What is published, since when (Unix seconds), and the full ref that led to it, None if that is not known yet."""

    commit: Commit
    published_at: float | None
    ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class RepoStatus:
    """One repository; times are seconds, `act_by` on the monotonic clock and all others Unix time."""

    watched: Watched
    act_by: float
    publication: Publication | None = None
    last_attempt: float | None = None
    last_success: float | None = None
    next_pass: float | None = None
    failures: int = 0
    failure: Failure | None = None

    def alive(self, now: float) -> bool:
        """Say whether the worker is within the time that it set itself; `now` is on the monotonic clock."""
        return now <= self.act_by + _SLACK

    def stale(self, now: float) -> bool:
        """Say whether it is too long since the remote confirmed what is published; `now` is Unix time."""
        return self.last_success is None or now - self.last_success > self.watched.stale_after


class StatusBoard:
    """The snapshots of all repositories; an observer of their events."""

    def __init__(self, snapshots: list[RepoStatus]) -> None:
        self._snapshots = {snapshot.watched.repo: snapshot for snapshot in snapshots}

    def all(self) -> tuple[RepoStatus, ...]:
        """Return the current snapshots. Called by HTTP threads."""
        return tuple(self._snapshots.values())

    def ref_of(self, repo: str) -> str | None:
        """Return the full ref that has led to what is published, None if that is not known. Called by HTTP threads."""
        publication = self._snapshots[repo].publication
        return publication.ref if publication else None

    def expect(self, repo: str, *, seconds: float) -> None:
        """Note that the worker will be heard of again within so many seconds. Called by the worker."""
        self._replace(repo, act_by=time.monotonic() + seconds)

    def adopt(self, repo: str, commit: Commit, published_at: float | None) -> None:
        """Note what an earlier process has published, and when (Unix seconds). Called before the worker starts."""
        self._replace(repo, publication=Publication(commit=commit, published_at=published_at))

    def notify(self, event: Event) -> None:
        """Follow the worker's events, on its thread."""
        match event:
            case PassStarted():
                self._replace(event.repo, last_attempt=event.started_at, next_pass=None)
            case Waiting():
                self._replace(event.repo, failure=event.failure)
            case Published():
                published = Publication(commit=event.commit, published_at=event.published_at, ref=event.ref)
                self._replace(event.repo, publication=published)
            case PassFinished():
                self._finished(event)
            case _:
                pass

    def _finished(self, event: PassFinished) -> None:
        result = event.result
        changes: dict[str, object] = {"failures": event.consecutive_failures, "failure": result.failure}
        if result.failure is None:
            changes["last_success"] = result.finished_at
        changes["next_pass"] = None if event.next_delay is None else result.finished_at + event.next_delay
        self._replace(event.repo, **changes)

    def _replace(self, repo: str, **changes: object) -> None:
        self._snapshots[repo] = replace(self._snapshots[repo], **changes)  # type: ignore[arg-type]
