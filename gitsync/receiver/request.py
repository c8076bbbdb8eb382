"""What a sender has sent, as bytes: nothing of it is trusted, or even text, before its sender is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# Bytes. GitHub does not send payloads over 25 MB; a push whose payload is larger than this is found by the next period.
BODY_LIMIT: Final = 3 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to the receiver; the names of `headers` are in lower case, `body` is as it was signed."""

    headers: Mapping[str, bytes] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> bytes:
        """Return a header without the blanks around it, empty where the request has none."""
        return self.headers.get(name.lower(), b"").strip()
