"""How answers show what they are about: as JSON, without secrets. Pure functions."""

import json
from datetime import UTC, datetime

from gitsync.base.redact import scrub_value
from gitsync.server.routes import JSON, Response
from gitsync.telling.events import Failure
from gitsync.telling.status import Pause


def as_json(status: int, content: object, *, retry_after: int | None = None) -> Response:
    """Return an answer that has this content."""
    body = json.dumps(scrub_value(content), indent=2).encode() + b"\n"
    return Response(status, body, JSON, retry_after=retry_after)


def shown_failure(failure: Failure | None) -> dict[str, object] | None:
    """Return why something failed, and what to do."""
    if failure is None:
        return None
    return {"reason": failure.reason, "message": failure.message, "hint": failure.hint}


def shown_pause(pause: Pause | None) -> dict[str, object] | None:
    """Return since when nothing new is published, and what somebody has said of it."""
    return None if pause is None else {"since": shown_time(pause.since), "reason": pause.reason}


def shown_time(seconds: float | None) -> str | None:
    """Return a time (Unix seconds) in ISO 8601."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
