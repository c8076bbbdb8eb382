"""Keeps secrets out of everything that people or machines read.

A value wrapped in `Secret` hides itself, and from then on `scrub` removes it, also in its base64 and URL-quoted forms,
from any text. Every log line, error, status page and error file goes through `scrub`. Safe to call from any thread.
"""

import base64
import re
import threading
from collections import Counter
from urllib.parse import quote

MASK = "***"

# A shorter secret would blank out ordinary words, and protects nothing.
_SHORTEST = 4
_known: frozenset[str] = frozenset()
# How many times each value was wrapped and not forgotten.
_wrapped: Counter[str] = Counter()
_guard = threading.RLock()

_USERINFO = re.compile(r"\b([a-z][a-z0-9+.-]*://)([^\s/'\"]+)@", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"((?:proxy-)?authorization:\s*(?:basic|bearer|token)?\s*)[^\s'\"]+", re.IGNORECASE)


class Secret:
    """A string that does not show itself in `repr`, `str`, formatting or tracebacks."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        global _known
        self._value = value
        if len(value) >= _SHORTEST:
            with _guard:
                _wrapped[value] += 1
                # One assignment replaces the set, so that readers in other threads need no lock.
                _known = _known | _forms(value)

    def reveal(self) -> str:
        """Return the value itself, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__


def _forms(value: str) -> frozenset[str]:
    raw = value.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return frozenset({value, quote(value, safe=""), *encoded})


def forget(secret: Secret) -> None:
    """Stop removing a secret that is not valid any more, so that those of a busy source do not pile up."""
    global _known
    value = secret.reveal()
    with _guard:
        _wrapped[value] -= 1
        if _wrapped[value] <= 0:
            del _wrapped[value]
            # Another secret may share a form with it.
            _known = frozenset().union(*(_forms(kept) for kept in _wrapped))


def _mask_userinfo(match: re.Match[str]) -> str:
    scheme, userinfo = match.groups()
    # The user of an ssh URL is part of the address; the key is what is secret.
    if scheme.lower() == "ssh://" and ":" not in userinfo:
        return match.group(0)
    return f"{scheme}{MASK}@"


def scrub(text: str) -> str:
    """Return `text` without passwords in URLs, `Authorization` values and every `Secret` that was ever made."""
    text = _USERINFO.sub(_mask_userinfo, text)
    text = _AUTHORIZATION.sub(rf"\g<1>{MASK}", text)
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def scrub_value(value: object) -> object:
    """Return a log value (text, or a list or mapping that holds text) with all text in it scrubbed."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {str(key): scrub_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return scrub(str(value))
