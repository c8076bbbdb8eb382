"""Ordinary values for tests that only care about one detail of them."""

import math
import time
from dataclasses import fields
from functools import cache
from typing import Any

from gitsync.config import Config, RepoConfig, load
from gitsync.telling.events import (
    BeforePublish,
    Commit,
    Failure,
    PassFinished,
    PassStarted,
    Published,
    SyncResult,
    Triggers,
)
from gitsync.telling.status import Confirmed, Latest, Publication, RepoStatus, StatusBoard, Watched

REPO = "https://example.test/site.git"
NAME = "site.git"
HASH = "8a5c1b0b8f5a3c9d7f1e2d3c4b5a69788f9e0d1c"
OTHER_HASH = "0123456789abcdef0123456789abcdef01234567"
REQUIRED = (f"--repo={REPO}", "--root=/srv/git")


def config(*argv: str, **environ: str) -> Config:
    """Return the configuration for these options, with the required ones added."""
    return load([*REQUIRED, *argv], environ)


@cache
def repo_config(*argv: str, **environ: str) -> RepoConfig:
    """Return the configuration of the one repository; what cannot change need not be made for each test anew."""
    return config(*argv, **environ).repos[0]


def watched(**changes: Any) -> Watched:
    """Return what is followed."""
    given: dict[str, Any] = {"repo": NAME, "url": REPO, "ref": "HEAD", "link": "/srv/git/site.git"}
    given |= {"publish": "symlink", "work": "/srv/git", "stale_after": 100.0}
    return Watched(**{**given, **changes})


def status(**changes: Any) -> RepoStatus:
    """Return a snapshot of a repository that has not done anything yet."""
    of = watched(**{field.name: changes.pop(field.name) for field in fields(Watched) if field.name in changes})
    if "commit" in changes:
        known = {"published_at": "published_at", "ref": "resolved_ref"}
        details = {field: changes.pop(name, None) for field, name in known.items()}
        changes["publication"] = Publication(commit=changes.pop("commit"), **details)
    if {"last_success", "confirmed_at"} & changes.keys():
        at, clock = changes.pop("last_success", 0.0), changes.pop("confirmed_at", -math.inf)
        changes["confirmed"] = Confirmed(at=at, clock=clock)
    words = ("probe", "fetching", "sizes", "pointers", "trees", "undeletable")
    latest = {name: changes.pop(name) for name in words if name in changes}
    if latest:
        changes["latest"] = Latest(**latest)
    if "done" in changes:
        changes["history"] = (changes.pop("done"),)
    return RepoStatus(**{"watched": of, "act_by": 1000.0, **changes})


def board(**changes: Any) -> StatusBoard:
    """Return a board with one such snapshot."""
    return StatusBoard([status(**changes)])


def commit(**changes: Any) -> Commit:
    """Return a commit with times, an author and a message."""
    who = {"author": "Ada Lovelace", "subject": "Correct the notes"}
    return Commit(**{"hash": HASH, "author_date": "2026-01-02T03:04:05+00:00", "commit_time": 1000.0, **who, **changes})


def result(**changes: Any) -> SyncResult:
    """Return the result of a pass that changed nothing."""
    return SyncResult(**{"outcome": "unchanged", "duration": 0.5, "finished_at": 2000.0, **changes})


def failed(reason: str = "connect", **changes: Any) -> SyncResult:
    """Return the result of a pass that failed for this reason."""
    failure = Failure(reason=reason, message="git ls-remote: fatal: it did not work", hint="look again")
    return result(outcome="failed", failure=failure, **changes)


def started(*sources: Any) -> PassStarted:
    """Return the event at the start of a pass."""
    triggers = Triggers(ticket=0, left_at=dict.fromkeys(sources or ("start",), time.monotonic()))
    return PassStarted(repo=NAME, triggers=triggers, started_at=1500.0)


def finished(of: SyncResult, **changes: Any) -> PassFinished:
    """Return the event at the end of a pass."""
    failures = 1 if of.failure else 0
    given = {"repo": NAME, "ticket": 0, "result": of, "consecutive_failures": failures, "next_delay": 10.0}
    return PassFinished(**{**given, **changes})


def published(**changes: Any) -> Published:
    """Return the event of a fresh publication."""
    given: dict[str, Any] = {"repo": NAME, "commit": commit(), "ref": "refs/heads/main", "tree": None, "fresh": True}
    return Published(**{**given, "published_at": 1060.0, **changes})


def before_publish() -> BeforePublish:
    """Return the event of a staged tree."""
    return BeforePublish(repo=NAME, commit=commit(), tree=repo_config().root)
