"""How addresses are written."""

import pytest

from gitsync.config import Bind, Place
from gitsync.config.places import parse_bind, parse_place


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        (":1234", Bind("", 1234)),
        ("127.0.0.1:0", Bind("127.0.0.1", 0)),
        ("localhost:80", Bind("localhost", 80)),
        ("[::1]:1234", Bind("::1", 1234)),
        ("0.0.0.0:65535", Bind("0.0.0.0", 65535)),  # noqa: S104 (only parsed)
        ("off", None),
    ],
)
def test_bind(text: str, bind: Bind | None) -> None:
    """An address is a port, with a host before it or without; off is none."""
    assert parse_bind(text) == bind


@pytest.mark.parametrize(
    "text", ["", "1234", ":", "host", "host:", ":x", ":65536", ":" + "9" * 5000, ":-1", ":+1", ": 1", "[::1]"]
)
def test_bad_bind(text: str) -> None:
    """An address without a usable port is refused."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_bind(text)


@pytest.mark.parametrize("text", [":\uff18\uff10", ":٨٠"])
def test_bind_digits(text: str) -> None:
    """Digits of other scripts are no port."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_bind(text)


@pytest.mark.parametrize("text", ["::1:80", "[::1:80", "fe80::1]:80"])
def test_bind_brackets(text: str) -> None:
    """An IPv6 address has to be in brackets, or its port could not be told from it."""
    with pytest.raises(ValueError, match="brackets"):
        parse_bind(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("gitsync-peers:9484", Place("gitsync-peers", 9484)),
        ("gitsync-peers.shop.svc.cluster.local.:80", Place("gitsync-peers.shop.svc.cluster.local.", 80)),
        ("10.0.0.1:80", Place("10.0.0.1", 80)),
        ("[fd00::1]:80", Place("fd00::1", 80)),
    ],
)
def test_place(text: str, place: Place) -> None:
    """A place is a name or an address, with a port, and is shown as it is written."""
    assert parse_place(text) == place
    assert str(place) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "off", "name", "name:", ":80", "name:0", "name:http", "http://name:80", "a b:80", "user@name:80", "é:80"),
        *("x" * 254 + ":80", "name/path:80"),
    ],
)
def test_bad_place(text: str) -> None:
    """A place without a name or a port, or with more than that, is refused."""
    with pytest.raises(ValueError, match="NAME:PORT"):
        parse_place(text)


def test_place_brackets() -> None:
    """An IPv6 address has to be in brackets, or its port could not be told from it."""
    with pytest.raises(ValueError, match="brackets"):
        parse_place("fd00::1:80")
