"""Calls a URL after a publication. `run` is called by the thread of the hook, `cancel` and `kill` by the main thread.

The request runs on a thread of its own, which is left behind when its time is over or the process ends, so a server
that drips its answer holds nobody.
"""

import base64
import queue
import threading
from pathlib import Path
from urllib.parse import urlsplit

from gitsync.config import HooksConfig, split_login
from gitsync.errors import GitSyncError, HookError
from gitsync.fetchurl import Answer, fetch
from gitsync.redact import Secret

_Result = Answer | GitSyncError | None


class OutboundCall:
    """The call of one URL, with the header `Gitsync-Hash`."""

    name = "webhook"

    def __init__(self, url: str, options: HooksConfig, ca_file: Path | None) -> None:
        # Chat services and build servers have their tokens in the path.
        self._url = Secret(url)
        self._address, login = split_login(url)
        self._host = urlsplit(self._address).hostname or ""
        self._headers = {}
        if login and login.password:
            pair = f"{login.username}:{login.password.reveal()}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._options = options
        self._ca_file = ca_file
        self._results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._cancelled = False

    def run(self, commit: str, tree: Path) -> str:
        """Send the request, and wait for the answer if it matters; raise `HookError`."""
        results = self._results = queue.SimpleQueue()
        if self._cancelled:
            results.put(None)
        threading.Thread(target=self._call, args=(commit, results), name="webhook call", daemon=True).start()
        expected, timeout = self._options.webhook_success_status, self._options.webhook_timeout
        try:
            result = results.get(timeout=timeout)
        except queue.Empty:
            result = GitSyncError(f"{self._host}: no answer after {timeout:g}s", reason="timeout")
        if isinstance(result, Answer):
            if expected > 0 and result.status != expected:
                message = f"webhook: {self._host} has answered with {result.status}, and not with {expected}"
                raise HookError(message, reason="hook", hint="check --webhook-url and --webhook-success-status")
            return f"status {result.status}"
        if result is None:
            raise HookError("webhook: given up, as the process shuts down", reason="cancelled")
        if result.reason == "timeout" and expected <= 0:
            return "sent"
        raise HookError(f"webhook: {result}", reason=result.reason, hint="check --webhook-url and the server") from None

    def cancel(self) -> None:
        """Stop waiting for the answer."""
        self._cancelled = True
        self._results.put(None)

    def kill(self) -> None:
        """Do nothing: nobody waits any more."""

    def _call(self, commit: str, results: "queue.SimpleQueue[_Result]") -> None:
        options = self._options
        try:
            answer = fetch(
                self._address,
                method=options.webhook_method,
                headers={**self._headers, "Gitsync-Hash": commit},
                body=None if options.webhook_method in {"GET", "HEAD"} else b"",
                timeout=options.webhook_timeout,
                ca_file=self._ca_file,
            )
            results.put(answer)
        except GitSyncError as error:
            results.put(error)
