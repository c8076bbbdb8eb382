"""Turns what users write for an option into its value. Pure functions; each raises `ValueError` with the remedy."""

import json
import math
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gitsync.base.redact import Secret
from gitsync.base.written import entries, unwrapped

COOKIE_FILE: Final = Path("/etc/git-secret/cookie_file")

# https://pkg.go.dev/time#ParseDuration: the notation that git-sync's users write.
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"[+-]?(?:(?:\d++\.?\d*+|\.\d++)(?:ns|us|µs|μs|ms|s|m|h))+")
_PART = re.compile(r"(?<!\d)(\d++\.?\d*+|\.\d++)(ns|us|µs|μs|ms|s|m|h)")
# What Go can hold, and what the waits of Python can with all that is added to it: longer than anybody waits.
_MOST_SECONDS: Final = 2**63 / 1e9
_FOR_EVER: Final = 50 * 365 * 86400.0
_INT = re.compile(r"=?([+-]?[0-9]+)")
_LARGEST: Final = 2**63 - 1
# https://pkg.go.dev/strconv#ParseBool
_TRUE: Final = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE: Final = {"0", "f", "F", "FALSE", "false", "False"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_OF_REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}")
ALL: Final = "all"
# They end the process, cannot be caught, or belong to the runtime.
_RESERVED_SIGNALS: Final = {
    "SIGTERM",
    "SIGINT",
    "SIGKILL",
    "SIGSTOP",
    "SIGCHLD",
    "SIGPIPE",
    "SIGSEGV",
    "SIGFPE",
    "SIGILL",
}


@dataclass(frozen=True)
class Kind:
    """A type of option: how it is shown in the help, and how what is written for it is read."""

    placeholder: str
    parse: Callable[[str], Any]
    # What the flag means when it stands alone; None if it needs a value.
    alone: str | None = None
    # Whether what is wrong may hold a secret, so that it is not shown.
    hidden: bool = False
    # For schemas: the few words that it may be, or what all that can be read matches (ECMA-262, and RE2).
    choices: tuple[str, ...] = ()
    pattern: str | None = None


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A login for the URLs that begin with `url`; the password itself, or the file that it is read from."""

    url: str
    username: str
    password: Secret | None = None
    password_file: Path | None = None


def parse_duration(written: str) -> float:
    """Return seconds for a Go duration such as `1m30s` or `250ms`."""
    if written in {"0", "+0", "-0"}:
        return 0.0
    if not _DURATION.fullmatch(written):
        raise ValueError("use a duration with a unit, such as 250ms, 10s or 1m30s")
    seconds = sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(written))
    return _bounded(-seconds if written.startswith("-") else seconds)


def _bounded(seconds: float) -> float:
    """Return what can be waited for; raise `ValueError` for what Go could not hold either."""
    if abs(seconds) > _MOST_SECONDS:
        raise ValueError("use less than 2562047h")
    return min(seconds, _FOR_EVER)


def parse_seconds(written: str) -> float | None:
    """Return seconds for the plain number that the older names take, None for 0, which means that none is given."""
    try:
        seconds = float(written)
    except ValueError:
        raise ValueError("use a number of seconds") from None
    if not math.isfinite(seconds):
        raise ValueError("use a number of seconds")
    return _bounded(seconds) or None


def parse_bool(written: str) -> bool:
    """Return the value of one of Go's spellings of a boolean."""
    if written in _TRUE:
        return True
    if written in _FALSE:
        return False
    raise ValueError("use true or false")


def parse_int(written: str) -> int:
    """Return a whole number; the `=` of `-v=5`, as Go's flags allow it, is taken off."""
    match = _INT.fullmatch(written)
    if not match:
        raise ValueError("use a whole number")
    # Python refuses to read thousands of digits, and says so in its own words.
    if len(match[1]) > len(str(_LARGEST)) + 1 or abs(int(match[1])) > _LARGEST:
        raise ValueError("use a smaller number")
    return int(match[1])


def parse_not_negative(written: str) -> int | None:
    """Return a whole number, None for a negative one, which means that none is given."""
    number = parse_int(written)
    return number if number >= 0 else None


def parse_id(written: str) -> int | None:
    """Return a number that names something, None for 0."""
    number = parse_int(written)
    if number < 0:
        raise ValueError("use the number that the server shows")
    return number or None


def parse_fraction(written: str) -> float:
    """Return a number from 0 to 1."""
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ValueError("use a number from 0 to 1")
    return value


def parse_text(written: str) -> str:
    """Return what is written as it is, if it is one line without control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in written):
        raise ValueError("remove the line breaks and control characters")
    return written


def parse_secret(written: str) -> Secret:
    """Return a password or the like, which is one line."""
    if set("\r\n\0") & set(written):
        raise ValueError("it has more than one line; remove the line break in it")
    return Secret(written)


def parse_secrets(written: str) -> tuple[Secret, ...]:
    """Return the secrets that count at the same time, one a line."""
    words = entries(written)
    if not words:
        raise ValueError("there is no secret in it; give it one, or leave it out")
    return tuple(map(Secret, words))


def parse_path(written: str) -> Path:
    """Return a path; it may be relative."""
    return Path(parse_text(written))


def parse_path_list(written: str) -> tuple[Path, ...]:
    """Return the paths of a list that is separated by colons."""
    return tuple(parse_path(part) for part in written.split(":") if part)


def parse_cookies(written: str) -> Path | None:
    """Return the file of the cookies: a path, or the usual one for a boolean that is true."""
    if written in _TRUE | _FALSE:
        return COOKIE_FILE if parse_bool(written) else None
    return parse_path(written)


def parse_credentials(written: str) -> tuple[Credential, ...]:
    """Return the logins of a JSON object, or of a list of objects."""
    try:
        content = json.loads(written)
    except (ValueError, RecursionError):
        raise ValueError("use a JSON object, or a list of objects") from None
    return tuple(_credential(entry) for entry in (content if isinstance(content, list) else [content]))


def _credential(entry: object) -> Credential:
    known = {"url", "username", "password", "password-file"}
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise ValueError("use JSON objects whose values are texts")
    if unknown := sorted(entry.keys() - known):
        raise ValueError(f"{unknown[0]!r} is not known; use {', '.join(sorted(known))}")
    password, file = entry.get("password"), entry.get("password-file")
    if not entry.get("url") or not entry.get("username") or bool(password) == bool(file):
        raise ValueError("give url, username, and one of password and password-file")
    parts = urlsplit(entry["url"])
    # Where there is an @ there may be a user, whatever the rest is taken for.
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in entry["url"]:
        raise ValueError("write the url with http:// or https://, a host, and no user in it")
    return Credential(
        url=parse_text(entry["url"]),
        username=parse_text(entry["username"]),
        password=parse_secret(unwrapped(password)) if password else None,
        password_file=parse_path(file) if file else None,
    )


def parse_name(written: str) -> str:
    """Return what a repository is called: it is a label of metrics, a part of paths and of URLs."""
    if not _OF_REPOSITORY.fullmatch(written):
        raise ValueError("use up to 63 letters, digits, dots, underscores and dashes, none of . and - at the beginning")
    return written


def parse_names(written: str) -> tuple[str, ...]:
    """Return the names of a list of environment variables that is separated by commas; `ALL` may be among them."""
    names = tuple(part.strip() for part in written.split(","))
    if not all(_NAME.fullmatch(name) for name in names):
        raise ValueError("use all, or names of variables separated by commas")
    return names


def parse_signal(written: str) -> signal.Signals:
    """Return the signal of a name with or without `SIG`, or of a number."""
    try:
        wanted = int(written)
        found = signal.Signals(wanted)
    except ValueError:
        name = written.upper()
        name = name if name.startswith("SIG") else f"SIG{name}"
        try:
            found = signal.Signals[name]
        except KeyError:
            raise ValueError("use a signal's name or number, such as SIGHUP, HUP or 1") from None
    if found.name in _RESERVED_SIGNALS:
        raise ValueError(f"{found.name} has another meaning; use SIGHUP, SIGUSR1 or SIGUSR2")
    return found


def choice(*values: str) -> Kind:
    """Return the kind of an option that is one of a few words."""

    def parse(written: str) -> str:
        if written not in values:
            raise ValueError(f"use one of {', '.join(values)}")
        return written

    return Kind("|".join(values), parse, choices=values)


_AMOUNT: Final = r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
_NUMBER: Final = r"^[+-]?[0-9]+$"
DURATION = Kind("DURATION", parse_duration, pattern=rf"^[+-]?(0|({_AMOUNT})+)$")
SECONDS = Kind("SECONDS", parse_seconds)
BOOL = Kind("BOOL", parse_bool, alone="true")
COOKIES = Kind("BOOL|PATH", parse_cookies, alone="true")
CREDENTIALS = Kind("JSON", parse_credentials)
INT = Kind("INT", parse_int, pattern=_NUMBER)
NOT_NEGATIVE = Kind("INT", parse_not_negative)
ID = Kind("INT", parse_id, pattern=_NUMBER)
NAME = Kind("NAME", parse_name, pattern=f"^{_OF_REPOSITORY.pattern}$")
NAMES = Kind("all|NAME,…", parse_names)
FRACTION = Kind("FRACTION", parse_fraction)
TEXT = Kind("TEXT", parse_text)
PATH = Kind("PATH", parse_path)
PATHS = Kind("PATH", lambda written: (parse_path(written),))
SECRET = Kind("SECRET", parse_secret)
SECRETS = Kind("SECRET", parse_secrets)
KEY = Kind("SECRET", Secret)
SIGNAL = Kind("SIGNAL", parse_signal)
