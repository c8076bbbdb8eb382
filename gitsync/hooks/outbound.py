"""Calls a URL after a publication. `run` is called by the thread of the hook, the rest by the main thread."""

from pathlib import Path
from urllib.parse import urlsplit

from gitsync.base.errors import FetchError, HookError
from gitsync.base.fetchurl import Cancellation, Sent, fetch
from gitsync.base.reaching import plain_url
from gitsync.base.redact import Secret, scrub
from gitsync.config import CallHook


class OutboundCall:
    """The call of one URL, with the header `Gitsync-Hash`."""

    name = "webhook"

    def __init__(self, url: str, options: CallHook, ca_file: Path | None) -> None:
        # Chat services and build servers have their tokens in the path, so only the host is told.
        self._hidden = (Secret(url), Secret(plain_url(url)))
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._options = options
        self._ca_file = ca_file
        self._cancellation = Cancellation()

    def run(self, commit: str, tree: Path) -> str:
        """Send the request, wait for the answer and return its status; raise `HookError`.

        Where no status is expected, an answer that does not come in time is no failure.
        """
        options = self._options
        expected = options.success_status
        body = None if options.method in {"GET", "HEAD"} else b""
        try:
            answer = fetch(
                self._url,
                Sent(method=options.method, headers={"Gitsync-Hash": commit}, body=body),
                timeout=options.timeout,
                ca_file=self._ca_file,
                cancellation=self._cancellation,
            )
        except FetchError as error:
            if error.reason == "timeout" and expected <= 0:
                return "sent"
            message = scrub(f"webhook ({self._host}): {error}")
            raise HookError(message, reason=error.reason, hint="check --webhook-url and the server") from None
        if expected > 0 and answer.status != expected:
            message = f"webhook ({self._host}): answered with {answer.status}{answer.by}, and not with {expected}"
            raise HookError(message, reason="hook", hint="check --webhook-url and --webhook-success-status")
        return f"status {answer.status}"

    def cancel(self) -> None:
        """End the request that runs, and send no more."""
        self._cancellation.cancel()

    def kill(self) -> None:
        """Do nothing: nothing runs any more."""
