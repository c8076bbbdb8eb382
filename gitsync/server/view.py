"""What the page for people shows of a repository: texts, and nothing that has to be computed there. Pure functions.

They may hold secrets and whatever somebody has written somewhere; the page takes care of both.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitsync.base.errors import HINTS
from gitsync.server.shown import shown_time
from gitsync.telling.events import Commit, Failure, Fetching, PassFinished, SyncResult
from gitsync.telling.status import Latest, RepoStatus
from gitsync.telling.words import age, state

_MEGA: Final = 1e6
# Seconds; a phase that takes less is not shown.
_NOTICED: Final = 0.01
# Pixels: of a picture of passes, one after the other, each as high as its share of the longest.
_HEIGHT: Final = 40
_LEAST: Final = 3
_STEP: Final = 12
_BAR: Final = 9


def view(snapshot: RepoStatus, *, found: bool, failure: Failure | None, now: float, clock: float) -> dict[str, Any]:
    """Return what is shown of a snapshot.

    `found` says whether consumers find a tree, `now` is in Unix seconds, and `clock` in monotonic ones.
    """
    how = state(snapshot, found=found, failure=failure, now=now, clock=clock)
    published = snapshot.publication
    return {
        "repo": snapshot.watched.repo,
        "level": how.level,
        "words": how.words,
        "pause": snapshot.paused and snapshot.paused.reason,
        "commit": published and _commit(published.commit, now),
        "failure": failure and _failure(failure, snapshot.failures),
        "fetch": _fetch(snapshot.latest.fetching),
        "facts": [{"name": name, "text": text} for name, text in _facts(snapshot, now)],
        "passes": _passes(snapshot.history, now),
    }


def _commit(commit: Commit, now: float) -> dict[str, Any]:
    return {
        "hash": commit.hash,
        "subject": commit.subject or "",
        "author": commit.author or "",
        "date": commit.author_date,
        "age": None if commit.commit_time is None else age(now - commit.commit_time),
    }


def _failure(failure: Failure, count: int) -> dict[str, Any]:
    hint = failure.hint or HINTS.get(failure.reason)
    return {"reason": failure.reason, "message": failure.message, "hint": hint, "count": count}


def _fetch(fetching: Fetching | None) -> dict[str, Any] | None:
    """Return how far a fetch is."""
    if fetching is None or fetching.progress is None:
        return None
    progress = fetching.progress
    rate = progress.shown()["megabytes_per_second"]
    speed = "" if rate is None else f", {rate} MB/s"
    return {"remote": fetching.remote, "percent": progress.percent, "text": f"{progress}{speed}"}


def _facts(snapshot: RepoStatus, now: float) -> Iterator[tuple[str, str]]:
    watched, published = snapshot.watched, snapshot.publication
    resolved = published.ref if published else None
    yield "repository", watched.url
    yield "ref", watched.ref if resolved in {None, watched.ref} else f"{watched.ref} ({resolved})"
    yield "link", watched.link
    if published and published.published_at is not None:
        yield "published", _ago(published.published_at, now)
    if signature := snapshot.signature:
        yield "signed by", signature.problem or f"{signature.signer} ({signature.key})"
    if snapshot.last_success is not None:
        yield "confirmed", _ago(snapshot.last_success, now)
    if snapshot.done:
        yield "last pass", f"{_outcome(snapshot.done.result)}, {_ago(snapshot.done.result.finished_at, now)}"
        yield "its phases", _phases(snapshot.done.result.phases)
    yield "next pass", _next(snapshot, now)
    yield from _latest(snapshot.latest)


def _latest(latest: Latest) -> Iterator[tuple[str, str]]:
    if latest.probe:
        obstacle = f" ({latest.probe.obstacle})" if latest.probe.obstacle else ""
        yield "asked by", f"{latest.probe.via}{obstacle}"
    if latest.sizes:
        store, tree = latest.sizes.store_size / _MEGA, latest.sizes.tree_size / _MEGA
        yield "size", f"{tree:.1f} MB published, {store:.1f} MB of objects"
    if latest.pointers and latest.pointers.count:
        yield "kept in LFS", f"{latest.pointers.count} files, which are published as pointers"
    if latest.trees:
        yield "other trees", f"{latest.trees.left} left to readers, {latest.trees.standbys} waiting for an update"
    if latest.undeletable and latest.undeletable.count:
        yield "cannot be removed", f"{latest.undeletable.count} directories; see `undeletable` in the log"


def _next(snapshot: RepoStatus, now: float) -> str:
    if snapshot.paused:
        return "when it is resumed"
    if snapshot.next_pass is None:
        return "none, or one runs now"
    return f"in {age(snapshot.next_pass - now)}"


def _passes(history: tuple[PassFinished, ...], now: float) -> dict[str, Any]:
    """Return a picture of the last passes."""
    longest = max((event.result.duration for event in history), default=0.0)
    bars = [_bar(number, event.result, longest, now) for number, event in enumerate(history)]
    failed = sum(event.result.failure is not None for event in history)
    count = f"{len(history)} {'pass' if len(history) == 1 else 'passes'}"
    told = f"{count}, {failed} failed, the longest took {longest:.2f} s"
    return {"bars": bars, "width": max(1, len(bars)) * _STEP, "height": _HEIGHT, "bar": _BAR, "words": told}


def _bar(number: int, result: SyncResult, longest: float, now: float) -> dict[str, Any]:
    high = _LEAST + round((_HEIGHT - _LEAST) * (result.duration / longest if longest else 0))
    words = f"{_outcome(result)}, {_ago(result.finished_at, now)}"
    return {"x": number * _STEP, "y": _HEIGHT - high, "high": high, "outcome": result.outcome, "words": words}


def _outcome(result: SyncResult) -> str:
    reason = f" ({result.failure.reason})" if result.failure else ""
    return f"{result.outcome}{reason} in {result.duration:.2f} s"


def _phases(phases: Mapping[str, float]) -> str:
    long = [f"{name} {seconds:.2f} s" for name, seconds in phases.items() if seconds >= _NOTICED]
    return ", ".join(long) or f"none took {_NOTICED} s"


def _ago(seconds: float, now: float) -> str:
    return f"{age(now - seconds)} ago ({shown_time(seconds)})"
