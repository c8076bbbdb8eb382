"""Where to listen, and where others do. Pure functions; each raises `ValueError` with the remedy."""

import re
from dataclasses import dataclass

from gitsync.config.values import Kind

_PORT = re.compile(r"[0-9]{1,5}")
# A name of DNS, or an address.
_HOST = re.compile(r"[0-9A-Za-z_.:-]{1,253}")


@dataclass(frozen=True)
class Bind:
    """An address to listen on; an empty host means all of them, `required` that it must work."""

    host: str
    port: int
    required: bool = True


@dataclass(frozen=True)
class Place:
    """A name, or an address, and a port at it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_bind(written: str) -> Bind | None:
    """Return the address to listen on, None for `off`."""
    if written == "off":
        return None
    return Bind(*_parse_address(written, forms=":PORT, HOST:PORT, [IPV6]:PORT or off"))


def parse_place(written: str) -> Place:
    """Return where something listens: all of it has to be given."""
    forms = "NAME:PORT, such as gitsync-peers:9484"
    # A URL is what else comes to mind.
    host, port = ("", 0) if "/" in written else _parse_address(written, forms=forms)
    if not _HOST.fullmatch(host) or not port:
        raise ValueError(f"use {forms}")
    return Place(host, port)


def _parse_address(written: str, *, forms: str) -> tuple[str, int]:
    host, colon, port = written.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(f"use {forms}")
    bracketed = host.startswith("[") and host.endswith("]")
    name = host[1:-1] if bracketed else host
    if (":" in name) != bracketed or "[" in name or "]" in name:
        raise ValueError("put an IPv6 address, and only that, in brackets, such as [::1]:9484")
    return name, int(port)


BIND = Kind("ADDRESS", parse_bind, pattern="^off$|:[0-9]{1,5}$")
PLACE = Kind("NAME:PORT", parse_place, pattern=".:[0-9]{1,5}$")
