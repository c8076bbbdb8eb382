"""HTTP requests of our own: own CA certificates, proxies from the environment, a deadline, a capped answer."""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gitsync.errors import GitSyncError, classify

_ANSWER_LIMIT: Final = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """The status of an answer, whatever it is, and the beginning of its body."""

    status: int
    body: bytes


def fetch(
    url: str, *, method: str, headers: Mapping[str, str], body: bytes | None, timeout: float, ca_file: Path | None
) -> Answer:
    """Send one request and return the answer; raise `GitSyncError` if there is none."""
    where = urlsplit(url).hostname or "?"
    try:
        context = ssl.create_default_context()
        if ca_file:
            context.load_verify_locations(ca_file)
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 (http only)
        with opener.open(request, timeout=timeout) as answer:
            return Answer(answer.status, answer.read(_ANSWER_LIMIT))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, b"")
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, TimeoutError):
            raise GitSyncError(f"{where}: no answer after {timeout:g}s", reason="timeout") from None
        reason = classify(str(cause))
        reason = reason if reason in {"dns", "tls", "connect"} else "connect"
        raise GitSyncError(f"{where}: {cause}", reason=reason) from None
