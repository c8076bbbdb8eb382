"""Keeps secrets out of everything that people or machines read.

A value wrapped in `Secret` hides itself, and from then on `scrub` removes it, also in its base64 and URL-quoted forms,
from any text. Every log line, error, status page and error file goes through `scrub`. Much of that text is a server's,
so its cost grows with its length and no faster, and what is too long is cut first. Safe to call from any thread.
"""

import base64
import re
import threading
from collections import Counter
from typing import Final
from urllib.parse import quote

from gitsync.base.printable import printable

MASK = "***"

# Nobody reads more, and a server may send any amount.
LONGEST: Final = 256 * 1024
_GAP: Final = "\n…\n"
# So much at a cut may be the rest of a login, unless a secret that we know is longer.
_MARGIN: Final = 4096

# A shorter secret would blank out ordinary words, and protects nothing.
_SHORTEST = 4
_known: frozenset[str] = frozenset()
# How many times each value was wrapped and not forgotten.
_wrapped: Counter[str] = Counter()
_guard = threading.RLock()

# Possessive quantifiers give nothing back, so no text makes them try the same characters again.
_WORD = re.compile(r"[^\s'\"]++")
# Where a URL's login begins; with a slash too few or too many it is one as well.
_AUTHORITY = re.compile(r"(?:https?:|://)[/\\]*+", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"((?:proxy-)?authorization:\s*+(?:(?:basic|bearer|token)\s++)?+)[^\s'\"]++", re.IGNORECASE)


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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__


def _forms(value: str) -> frozenset[str]:
    # A variable of the environment may hold any bytes.
    raw = value.encode(errors="surrogateescape")
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return frozenset({value, quote(raw, safe=""), *encoded})


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


def holds_secret(text: str) -> bool:
    """Say whether a text holds a `Secret` that was ever made."""
    return any(secret in text for secret in _known)


def _mask_login(match: re.Match[str]) -> str:
    """Mask what stands before the last `@` of a URL: with a raw slash in a login nothing tells where that ends."""
    word = match.group()
    begin, at = _AUTHORITY.search(word), word.rfind("@")
    if not begin or at < begin.end() or _is_address(word[: begin.start()], word[begin.end() :]):
        return word
    return f"{word[: begin.end()]}{MASK}{word[at:]}"


def _is_address(scheme: str, rest: str) -> bool:
    """Say whether it is an ssh URL with a user: that is part of the address; the key is what is secret."""
    user, at, _ = rest.partition("@")
    return scheme.lower().endswith("ssh") and bool(at) and not set(user) & set(":/?#")


def scrub(text: str) -> str:
    """Return `text` without logins in URLs, `Authorization` values and every `Secret` that was ever made.

    Of a text that is longer than `LONGEST` only its beginning and its end are returned.
    """
    if len(text) <= LONGEST:
        return _scrub(text)
    # What the cut may have left of a secret goes as well.
    margin = max([_MARGIN, *map(len, _known)])
    head, tail = _scrub(text[: LONGEST // 2]), _scrub(text[-LONGEST // 2 :])
    return f"{head[: len(head) - margin]}{_GAP}{tail[margin:]}"


def _scrub(text: str) -> str:
    if "@" in text:
        text = _WORD.sub(_mask_login, text)
    text = _AUTHORIZATION.sub(rf"\g<1>{MASK}", text)
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def scrub_value(value: object) -> object:
    """Return a value for a log or a page (text, or a list or mapping that holds texts), all of it fit to be shown."""
    if isinstance(value, str):
        return printable(scrub(value))
    if isinstance(value, dict):
        return {printable(str(key)): scrub_value(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_value(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return printable(scrub(str(value)))
