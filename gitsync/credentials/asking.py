"""How a source asks another server for a login."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.base.errors import CredentialError, FetchError
from gitsync.base.fetchurl import Answer, Cancellation, Sent, fetch

# The rest of a pass has to be left for the pass.
_TIMEOUT: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What all requests have in common, and who is told of how a call has gone."""

    told: Callable[[bool], None]
    ca_file: Path | None
    cancellation: Cancellation

    def ask(
        self, url: str, *, what: str, deadline: float, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request, `what` says for what; raise `CredentialError`."""
        try:
            return fetch(
                url,
                Sent(method=method, headers=headers or {}),
                timeout=max(0.001, min(_TIMEOUT, deadline - time.monotonic())),
                ca_file=self.ca_file,
                cancellation=self.cancellation,
            )
        except FetchError as error:
            reason = "cancelled" if error.reason == "cancelled" else "credential"
            raise CredentialError(f"{what}: {error}", reason=reason) from error
